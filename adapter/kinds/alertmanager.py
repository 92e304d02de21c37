"""Alertmanager: it tells dashboards, and who else shall know, of the alerts that fire."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Dict, FrozenSet, Tuple
from urllib.parse import urlsplit

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds._alertmanager_files import alertmanager_files
from adapter.kinds._program import BOUND, Server
from adapter.kinds._view import ClusterView, ViewedDaemon

_CLUSTER_PORT = 9094
_WEBHOOKS = "default_webhook_urls"
_URL = re.compile(r"https?://[!-~]{1,2000}")


class Alertmanagers(Server):
    """Alertmanager; several of a service know of each other, and tell of an alert once."""

    service_type = "alertmanager"
    plural = "Alertmanagers"
    unit = "prometheus-alertmanager"
    fields: FrozenSet[str] = frozenset((*BOUND, "user_data"))
    port = 9093
    has_files = True
    has_peers = True
    is_asked = True
    dashboard_option = "ALERTMANAGER_API_HOST"
    own_flags: ClassVar[Dict[str, str]] = {
        "web.listen-address": "`port` and `networks`",
        "config.file": "the place that it has on each host",
        "storage.path": "the place that it has on each host",
        "cluster.listen-address": "`networks`",
        "cluster.advertise-address": "the address of its host",
        "cluster.peer": "the placement",
    }

    def check(self, spec: Any) -> None:
        """Raise ``InvalidValue`` for what it would not start with, or could not do."""
        super().check(spec)
        if spec.secure:
            raise InvalidValue(
                "secure",
                True,
                "the dashboard asks a backend that is not called cephadm without password and "
                "certificate, and could not show alerts then",
                "Leave it out, and let it listen in a network of the cluster alone "
                "(`networks`, `only_bind_port_on_networks`).",
            )
        _check_user_data(spec.user_data or {})

    def ports(self, spec: ServiceSpec, count: int) -> Tuple[int, ...]:
        """Return the ports that it takes: where there are several, one for each other."""
        return (self.port_of(spec), _CLUSTER_PORT)

    def files(self, spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return its configuration, and who its peers are."""
        return alertmanager_files(view, daemon, (spec.user_data or {}).get(_WEBHOOKS) or ())


def _check_user_data(data: Any) -> None:
    if not isinstance(data, dict):
        raise InvalidValue("user_data", data, "it is not a mapping", f"Give {_WEBHOOKS} in it.")
    for name in data:
        if name != _WEBHOOKS:
            raise InvalidValue(
                "user_data", name, "nothing would come of it", f"Known here is {_WEBHOOKS}."
            )
    urls = data.get(_WEBHOOKS) or []
    if not isinstance(urls, list):
        raise InvalidValue(_WEBHOOKS, urls, "it is not a list", "Give a list of URLs.")
    for url in urls:
        _check_url(url)
        if urls.count(url) > 1:
            raise InvalidValue(_WEBHOOKS, url, "it is there twice", "Leave one out.")


def _check_url(url: Any) -> None:
    """Raise ``InvalidValue`` for what is no URL, or has a password that specs would show."""
    remedy = "Give it as http://HOST:PORT/PATH or https://HOST/PATH."
    try:
        found = urlsplit(url) if isinstance(url, str) and _URL.fullmatch(url) else None
        usable = found is not None and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or found is None:
        raise InvalidValue(_WEBHOOKS, url, "it is not a URL", remedy)
    if "@" in found.netloc:
        raise InvalidValue(
            _WEBHOOKS,
            f"{found.scheme}://...@{found.hostname}",
            "it has a user or a password, which specs and jobs would show",
            "Have what answers there know its callers by their addresses, or by the path.",
        )


KIND = Alertmanagers()
