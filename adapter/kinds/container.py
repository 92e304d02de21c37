"""Custom containers: an image of the operator's, run by podman as a unit of systemd's."""

from __future__ import annotations

import json
from typing import Any, Dict, Tuple

from adapter.interface import ServiceSpec
from adapter.kinds._container_arguments import check_arguments
from adapter.kinds._container_checks import check_container
from adapter.kinds._container_settings import DOCUMENT, FIELDS, document_of
from adapter.kinds._kind import Kind
from adapter.kinds._view import ClusterView, ViewedDaemon


class Containers(Kind):
    """Custom containers: each host of the placement has one."""

    service_type = "container"
    is_ceph = False
    plural = "custom containers"
    has_own_key = False
    unit = "ceph-orch-container@{id}"
    count = 1
    fields = FIELDS
    needed = ("image",)
    reads = frozenset()
    port_field = "ports"
    has_files = True
    # The environment and the files may have passwords in them.
    files_are_secret = True

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what cannot be carried out."""
        check_container(spec)
        check_arguments(spec)

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return the first of its ports: its container says the others."""
        return {"port": next(iter(spec.ports or ()), 0)}

    def read_at_start(self, spec: ServiceSpec) -> Dict[str, str]:
        """Return all that the container is made of, by the field."""
        return {name: json.dumps(each) for name, each in document_of(spec).items()}

    def ports(self, spec: Any, count: int) -> Tuple[int, ...]:
        """Return the ports that its program listens on: it has the host's network."""
        return tuple(spec.ports or ())

    def files(self, spec: ServiceSpec, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return the container as its host takes it."""
        return {DOCUMENT: json.dumps(document_of(spec), sort_keys=True)}


KIND = Containers()
