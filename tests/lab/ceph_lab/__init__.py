"""Give real hosts and a real Ceph cluster on one machine, for tests and trials."""
