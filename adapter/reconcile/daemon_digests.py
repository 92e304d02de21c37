"""What daemons of a service shall have got, and what they got last."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.marks import mark
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.service_changes import digest_of, ports_of, settings_of
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import daemon_type_of, kind_of
from adapter.reconcile.mon_addresses import address_for
from adapter.reconcile.port_choice import HostDaemon, share_of_host
from adapter.state_lock import under_lock


class DaemonDigests:
    """Work out digests; each is made once for the same spec."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kept: Dict[str, Tuple[Wanted, Dict[Tuple[str, int, str], str]]] = {}

    def address(self, wanted: Wanted, hostname: str, daemon_id: str) -> str:
        """Return the address at which a gateway listens, empty for all and for other kinds.

        Where its host has none in the spec's networks now it is the one that it got last.
        """
        kind = kind_of(wanted.spec.service_type)
        if kind.is_ceph and not kind.has_own_port:
            return ""
        try:
            return address_for(self._core, wanted.spec, DaemonPlacement(hostname, daemon_id))
        except InvalidValue:
            with self._core.lock:
                record = self.known(wanted, hostname, daemon_id)
            return record.addr if record is not None else ""

    def goal(self, wanted: Wanted, daemon: HostDaemon, port: int, key: str = "") -> str:
        """Return the digest of a host's daemon that has all that its spec says.

        Raises ``OrchestratorError`` where the monitors do not say what its options are.
        """
        hostname, daemon_id = daemon
        of, found = self._kept.get(wanted.name, (None, {}))
        if of is None or of.spec is not wanted.spec:
            found = {}
            self._kept[wanted.name] = (wanted, found)
        # Those of most kinds have nothing of their own.
        address = self.address(wanted, hostname, daemon_id)
        which = (
            daemon_id if kind_of(wanted.spec.service_type).daemon_options else "",
            port,
            address,
        )
        if which not in found:
            options = self._core.options
            settings = settings_of(wanted.spec, daemon_id, port, address)
            secrets = "".join(
                f" certificate={mark(each)}"
                for _, each in kind_of(wanted.spec.service_type).secrets(wanted.spec)
            )
            told = _told(wanted.spec, address)
            digest = digest_of(settings, options.needs_restart, options.plain)
            found[which] = digest + secrets + told
        return f"{found[which]} key={key}" if key else found[which]

    @under_lock
    def known(self, wanted: Wanted, hostname: str, daemon_id: str) -> Optional[Deployment]:
        """Return what is known of a daemon."""
        name = f"{daemon_type_of(wanted.spec)}.{daemon_id}"
        return self._core.deployments.get(hostname, name)

    def ports(self, wanted: Wanted, daemons: Mapping[HostDaemon, int]) -> Dict[HostDaemon, int]:
        """Return which ports daemons of a service shall have; ``daemons`` are those they have."""
        share = share_of_host(self._core, wanted.spec)
        here: Dict[str, Dict[str, int]] = {}
        for (hostname, daemon_id), port in daemons.items():
            here.setdefault(hostname, {})[daemon_id] = port
        return {
            (hostname, daemon_id): port
            for hostname, known in here.items()
            for daemon_id, port in ports_of(wanted.spec, known, share).items()
        }

    @under_lock
    def ports_now(self, wanted: Wanted, there: Sequence[Daemon]) -> Dict[HostDaemon, int]:
        """Return which ports the daemons of a service have, 0 where nobody knows or it has none."""
        found: Dict[HostDaemon, int] = {}
        for daemon in there:
            known = self.known(wanted, daemon.hostname, daemon.daemon_id)
            found[daemon.hostname, daemon.daemon_id] = (
                known.ports[0] if known is not None and known.ports else 0
            )
        return found


def _told(spec: ServiceSpec, address: str) -> str:
    """Return the part of a digest for what a host is told of each daemon, beside its options."""
    kind = kind_of(spec.service_type)
    told = dict(kind.host_settings(spec))
    if not kind.is_ceph:
        told["networks"] = address
        told["extra_entrypoint_args"] = told.pop("args", ())
        told.update(told.pop("settings", {}))
    told.update(kind.read_at_start(spec))
    words = {
        name: each if isinstance(each, int) else mark(str(each)) for name, each in told.items()
    }
    return "".join(f" {name}={each}" for name, each in sorted(words.items()) if told[name])
