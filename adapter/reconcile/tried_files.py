"""Have a host check files before they are kept: it only says what speaks against them."""

from __future__ import annotations

from dataclasses import replace

from adapter.cluster.schedule import Daemon
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.kinds import daemon_type_of, kind_of
from adapter.reconcile.daemon_files import DaemonFiles


def try_rules(
    core: Core, files: DaemonFiles, wanted: Wanted, daemon: Daemon, rules: str
) -> Completion:
    """Start a job that has the host of a daemon check alert rules; nothing is changed there.

    Raises ``OrchestratorError``.
    """
    kind, host = kind_of(wanted.spec.service_type), daemon.hostname
    with core.lock:
        view = files.view()
        known = core.deployments.get(host, f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}")
    view = replace(view, rules={**view.rules, wanted.name: rules})
    row = {
        "id": daemon.daemon_id,
        "keyring_file": "",
        "addr": known.addr if known is not None else "",
        **kind.host_settings(wanted.spec),
        "files": files.make(view, wanted, host, daemon.daemon_id),
        "since": 0,
    }
    with core.lock:
        return core.submit(
            kind.operation,
            [core.hosts.get(host)],
            parameters={"daemons": {host: [row]}, "cluster": core.cluster},
            summary=f"Check alert rules of {wanted.name}",
            check=True,
        )
