"""What haproxy and keepalived of an ingress service have in common: where their files are."""

from __future__ import annotations

from .own_folder import OwnFolder

# Below /etc; each service has a directory there, named by its daemon's id.
FOLDER = "ceph-orch-ansible/ingress"


class OfIngress(OwnFolder):
    """A program of an ingress service; several are on a host, each with the service's id."""

    folder = FOLDER
