"""Grafana, from the package of its makers: each host has one at most. Its database stays."""

from __future__ import annotations

from typing import List

from ..shapes import WantedShape
from .program import Program
from .program_parts import OwnFile, own_certificate

_HOME = "/usr/share/grafana"
_PLUGINS = "/var/lib/grafana/plugins"
# It reads all of them when it starts, and only then.
_SETTINGS = "grafana.ini"
_FILES = (
    _SETTINGS,
    "provisioning/datasources/ceph.yml",
    "provisioning/dashboards/ceph.yml",
    "dashboards/orchestrator.json",
)


class Grafana(Program):
    """A Grafana. It makes itself a certificate where it answers with TLS and has none."""

    name = "grafana"
    unit = "grafana-server.service"
    program = "grafana"
    path = "/api/health"
    user = "grafana"
    store = "lib/grafana/ceph-orch"
    # It makes its database when it starts for the first time.
    patience = 120.0
    files = (
        *(OwnFile(each, restart=True) for each in _FILES),
        OwnFile("admin_password", restart=True, secret=True),
    )

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]:
        """Return the command: settings behind ``cfg:`` are before those of files."""
        tls = self.has_tls(wanted)
        certificate, key = own_certificate(folder)
        settings = {
            "paths.data": store,
            "paths.logs": f"{store}/log",
            "paths.plugins": _PLUGINS,
            "paths.provisioning": f"{folder}/provisioning",
            "log.mode": "console",
            "server.protocol": "https" if tls else "http",
            "server.http_addr": wanted.addr,
            "server.http_port": str(wanted.port),
            **({"server.cert_file": certificate, "server.cert_key": key} if tls else {}),
        }
        return [
            *(f"{_HOME}/bin/grafana", "server", f"--homepath={_HOME}"),
            f"--config={folder}/{_SETTINGS}",
            *(f"cfg:{name}={value}" for name, value in settings.items()),
        ]

    def has_tls(self, wanted: WantedShape) -> bool:
        """Tell whether it shall answer with TLS."""
        return wanted.settings.get("protocol") == "https"

    def objection(self, wanted: WantedShape) -> str:
        """Return what speaks against it.

        Without its settings it would come up with a password that everybody knows.
        """
        if wanted.settings.get("protocol", "http") not in ("http", "https"):
            return "protocol of settings is neither http nor https"
        return "" if _SETTINGS in wanted.files else f"{_SETTINGS} is missing"


KIND = Grafana()
