"""What AWX is to have for one cluster, made of the playbooks, and how it is brought there."""
