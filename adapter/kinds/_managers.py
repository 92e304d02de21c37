"""Where managers' modules answer, by the monitors' configuration."""

from __future__ import annotations

from typing import List

from adapter.kinds._view import ClusterView, ViewedDaemon, target

# By module, the options that say where it answers.
FOLLOWED = {
    "ansible": ("metrics_addr", "metrics_port"),
    "prometheus": ("server_port",),
    "dashboard": ("server_addr", "server_port", "ssl", "ssl_server_port", "url_prefix"),
}
_METRICS_PORT, _FIGURES_PORT = "9283", "9284"
_DASHBOARD_PORT, _DASHBOARD_TLS_PORT = "8080", "8443"
_ALL_ADDRESSES = ("", "::", "0.0.0.0")  # noqa: S104


def is_followed(option: str) -> bool:
    """Tell whether an option, as ``mgr/dashboard/h1/ssl``, says where a module answers."""
    first, *rest = option.split("/")
    return first == "mgr" and len(rest) in (2, 3) and rest[-1] in FOLLOWED.get(rest[0], ())


def metrics_of(view: ClusterView) -> List[str]:
    """Return where managers give the metrics of the cluster: the active one, and who stands by.

    Of those that stand by only who listens: the module of some releases does not answer there, and
    Ceph's rules take one that is down for a cluster whose metrics nobody can read.
    """
    found = [(each, _metrics_port(view, each)) for each in view.of_kind("mgr")]
    return [
        target(each.address, port)
        for each, port in found
        if view.active in ("", each.daemon_id) or port in each.listens
    ]


def figures_of(view: ClusterView) -> List[str]:
    """Return where the active manager gives the figures of this backend, none where nobody does."""
    if "ansible" not in view.modules:
        return []
    found = []
    for each in view.of_kind("mgr"):
        port = _port(_option(view, each, "ansible", "metrics_port"), _FIGURES_PORT)
        bound = _option(view, each, "ansible", "metrics_addr")
        if port and view.active in ("", each.daemon_id):
            found.append(target(each.address if bound in _ALL_ADDRESSES else bound, port))
    return found


def _metrics_port(view: ClusterView, manager: ViewedDaemon) -> int:
    return _port(_option(view, manager, "prometheus", "server_port"), _METRICS_PORT)


def dashboards_of(view: ClusterView) -> List[str]:
    """Return the URLs of all managers' dashboards, none where that module is not enabled."""
    if view.modules and "dashboard" not in view.modules:
        return []
    return [_dashboard(view, each) for each in view.of_kind("mgr")]


def _dashboard(view: ClusterView, manager: ViewedDaemon) -> str:
    tls = _option(view, manager, "dashboard", "ssl").lower() not in ("false", "0", "no")
    name, usual = ("ssl_server_port", _DASHBOARD_TLS_PORT)
    if not tls:
        name, usual = ("server_port", _DASHBOARD_PORT)
    port = _port(_option(view, manager, "dashboard", name), usual)
    bound = _option(view, manager, "dashboard", "server_addr")
    at = manager.address if bound in _ALL_ADDRESSES else bound
    prefix = _option(view, manager, "dashboard", "url_prefix").strip("/")
    return f"{'https' if tls else 'http'}://{target(at, port)}{'/' if prefix else ''}{prefix}"


def _option(view: ClusterView, manager: ViewedDaemon, module: str, name: str) -> str:
    """Return the option of a manager's module: its own before that of all, empty for neither."""
    for option in (f"mgr/{module}/{manager.daemon_id}/{name}", f"mgr/{module}/{name}"):
        for section in (f"mgr.{manager.daemon_id}", "mgr", "global"):
            found = view.settings.get((section, option))
            if found:
                return found
    return ""


def _port(said: str, usual: str) -> int:
    return int(said if said.isdigit() else usual)
