"""Grafana: it draws what Prometheus has, and the dashboard shows its pages in frames."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Dict, FrozenSet, Mapping

from adapter.errors import InvalidValue
from adapter.kinds._grafana_files import PASSWORD, grafana_files
from adapter.kinds._program import BOUND, Server, arguments_of
from adapter.kinds._view import ClusterView, ViewedDaemon

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SETTING = re.compile(r"cfg:(?:default\.)?([a-z_]+(?:\.[a-z_]+)*\.[A-Za-z0-9_]+)=.*")
_MOST = 256
# What its files and its command say, by the field or the reason.
_OWN: Dict[str, str] = {
    "server.protocol": "`protocol`",
    "server.http_addr": "`networks`",
    "server.http_port": "`port`",
    "server.cert_file": "the place that it has on each host",
    "server.cert_key": "the place that it has on each host",
    "server.socket": "`port`",
    "server.root_url": "the paths at which the dashboard asks for it",
    "server.serve_from_sub_path": "the paths at which the dashboard asks for it",
    "security.admin_user": "`initial_admin_password`",
    "security.admin_password": "`initial_admin_password`",
    "security.disable_initial_admin_creation": "`initial_admin_password`",
    "security.allow_embedding": "the frames of the dashboard",
    "auth.anonymous.enabled": "`anonymous_access`",
    "auth.anonymous.org_role": "`anonymous_access`",
    "paths.data": "the place that it has on each host",
    "paths.logs": "the place that it has on each host",
    "paths.plugins": "the place that it has on each host",
    "paths.provisioning": "the place that it has on each host",
}
_SECRET = re.compile(r"password|secret|token|private_key")


class Grafana(Server):
    """Grafana with this cluster's Prometheus as its data source, and Ceph's dashboards."""

    service_type = "grafana"
    plural = "Grafana servers"
    unit = "grafana-server"
    fields: FrozenSet[str] = frozenset(
        (*BOUND, "protocol", "initial_admin_password", "anonymous_access")
    )
    port = 3000
    has_files = True
    dashboard_option = "GRAFANA_API_URL"
    # Its certificate is signed by nobody that the dashboard knows.
    beside_tls: ClassVar[Mapping[str, str]] = {"GRAFANA_API_SSL_VERIFY": "false"}

    def check(self, spec: Any) -> None:
        """Raise ``InvalidValue`` for what it would not start with, or could not do."""
        super().check(spec)
        for word in arguments_of(spec):
            _check_setting(word)
        _check_password(spec.initial_admin_password)

    def url_scheme(self, spec: Any) -> str:
        """Return how its daemons answer."""
        return str(spec.protocol or "https")

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return port and arguments, and how it answers."""
        return {**super().host_settings(spec), "settings": {"protocol": self.url_scheme(spec)}}

    def files(self, spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return its configuration, what it is provided with, and the first password."""
        return grafana_files(spec, view, daemon)

    def hides(self, file: str) -> bool:
        """Tell whether nobody else may read a file."""
        return file == PASSWORD


def _check_setting(word: str) -> None:
    found = _SETTING.fullmatch(word)
    name = found.group(1) if found is not None else ""
    shown, remedy = word.partition("=")[0], "Leave it out."
    if found is None:
        reason = "it is no setting of Grafana's"
        remedy = "Give cfg:SECTION.KEY=VALUE, e.g. cfg:users.default_theme=dark."
    elif name in _OWN:
        reason = f"it follows from {_OWN[name]}"
    elif _SECRET.search(name):
        reason = "everybody on its host would see it among the processes"
        remedy = "Leave it out, and set it in Grafana itself."
    else:
        return
    raise InvalidValue("extra_entrypoint_args", shown, reason, remedy)


def _check_password(password: Any) -> None:
    """Raise ``InvalidValue`` for a password that Grafana would read as another one."""
    if password is None:
        return
    if not isinstance(password, str) or not password:
        reason = "it is not a text"
    elif _CONTROL.search(password):
        reason = "it has control characters"
    elif password != password.strip():
        reason = "it begins or ends with a space, which Grafana takes away"
    elif len(password) > _MOST:
        reason = f"it is longer than {_MOST} characters"
    else:
        return
    raise InvalidValue("initial_admin_password", password, reason, "Give another one.")


KIND = Grafana()
