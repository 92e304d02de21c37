"""The cluster that a command acts on: its monitors, and what a manager keeps of it already."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional

from adapter.cli.ceph import Ceph, orchestrator_status
from adapter.cli.mgr_records import NAME
from adapter.cli.monitors import CephMon, DryMon
from adapter.cluster.mon import Mon
from adapter.cluster.packed_records import record_of
from adapter.cluster.store import MemoryStore, Record, Store, Unusable
from adapter.errors import NotReady, UnreadableRecord

MODULE = "mgr/ansible/"
KEY = "ssh_identity_key"
OWN_CLUSTER = "state.cluster"
MANAGED = "The cluster's manager does this by itself."
USE_ORCH = (
    "Use `ceph orch` in place of `orch-ansible`; a command that has --check shows with it what "
    "would change."
)
RECORD_KINDS = (
    "host.",
    "spec.",
    "osd_",
    "service_action.",
    "maintenance.",
    "deployed.",
    "settings.",
    "tuned_profile.",
    "state.",
)


@dataclass(frozen=True)
class ManagerState:
    """What a manager keeps in the monitors: the records, and how it reaches its hosts."""

    store: Store
    ssh_key: str = field(repr=False)
    ssh_user: str
    sudo_invoker: bool = False


@dataclass(frozen=True)
class Cluster:
    """A cluster by its fsid; ``kept`` is None where no manager of it has this backend.

    ``is_changed`` tells that it is acted on, or that a dry run shows how. ``refuse_managed`` raises
    where a manager has taken over since.
    """

    fsid: str
    mon: Mon
    kept: Optional[ManagerState] = None
    is_changed: bool = False
    refuse_managed: Callable[[], None] = lambda: None


def find_cluster(
    ceph: Ceph, *, check: bool, still_ours: Callable[[], None] = lambda: None
) -> Cluster:
    """Return the cluster that ``ceph`` reaches; with ``check`` its monitors are told nothing.

    Where a manager has a backend, whichever, a change is its own: raises ``NotReady``. Where it is
    this one, a dry run sees the manager's hosts and services in place of the directory's.
    ``still_ours`` raises where somebody else changes the cluster by now.
    """
    backend = orchestrator_status(ceph).get("backend")
    if check:
        kept = kept_by_manager(ceph) if backend == "ansible" else None
        return Cluster(fsid_of(ceph), DryMon(CephMon(ceph)), kept, is_changed=True)

    def refuse_managed() -> None:
        if orchestrator_status(ceph).get("backend"):
            raise NotReady(MANAGED, USE_ORCH)
        _refuse_module(ceph)
        still_ours()

    if backend:
        raise NotReady(MANAGED, USE_ORCH)
    _refuse_module(ceph)
    mon = CephMon(ceph, refuse_managed)
    return Cluster(fsid_of(ceph), mon, is_changed=True, refuse_managed=refuse_managed)


def _refuse_module(ceph: Ceph) -> None:
    """Raise ``NotReady`` where a manager runs the module without being the backend of `ceph orch`.

    It goes on with what it was asked for.
    """
    if NAME in (ceph.json("mgr", "dump").get("modules") or ()):
        raise NotReady(
            f"The module {NAME} is enabled, and goes on with its hosts and services although "
            "`ceph orch` has no backend.",
            "`orch-ansible mgr enable` makes it the backend again, `orch-ansible mgr disable` "
            "disables it.",
        )


def cluster_if_any(
    ceph: Ceph, *, check: bool, still_ours: Callable[[], None] = lambda: None
) -> Optional[Cluster]:
    """Return the cluster where it can be asked and no manager has a backend, else None."""
    try:
        found = find_cluster(ceph, check=False, still_ours=still_ours)
    except NotReady:
        return None
    return replace(found, mon=DryMon(found.mon)) if check else found


def keep_cluster(store: Store, fsid: str, directory: Path) -> None:
    """Keep which cluster a directory is about; raises ``NotReady`` where it is another one.

    An OSD's id means nothing elsewhere, and what is queued here would be done to another cluster.
    """
    record = store.get(OWN_CLUSTER)
    if record is None:
        store.set(OWN_CLUSTER, {"fsid": fsid})
    elif record.get("fsid") != fsid:
        raise NotReady(
            f"{directory} is about the cluster {record.get('fsid')}, and `ceph` reaches {fsid}.",
            "Let `ceph` reach the first one (CEPH_CONF), or use another directory (--dir). If that "
            f"cluster is gone, remove {store.shown_by(OWN_CLUSTER)}.",
        )


def fsid_of(ceph: Ceph) -> str:
    """Return the fsid; raises ``NotReady`` where the cluster cannot be asked."""
    return ceph("fsid").strip()


def kept_by_manager(ceph: Ceph) -> ManagerState:
    """Return a copy of what the manager keeps; raises ``NotReady`` where it has no key."""
    found: Dict[str, str] = ceph.json("config-key", "dump", MODULE)
    texts = {name[len(MODULE) :]: text for name, text in found.items()}
    if not texts.get(KEY):
        raise NotReady(
            "The manager keeps no ssh key in the monitors.",
            "If it uses a key file (mgr/ansible/ssh_identity_file), use `ceph orch` instead.",
        )
    store = MemoryStore()
    for name, text in texts.items():
        if name.startswith(RECORD_KINDS):
            store.set(name, _record(name, text, texts))
    user = ceph("config", "get", "mgr", f"{MODULE}ssh_user").strip()
    return ManagerState(store, texts[KEY], user, sudo_invoker=has_invoker(ceph))


def has_invoker(ceph: Ceph) -> bool:
    """Tell whether a manager is set to reach its hosts through their invokers."""
    rows = ceph.json("config", "dump")
    return any(
        row.get("name") == f"{MODULE}sudo_invoker" and str(row.get("value")) == "true"
        for row in rows
    )


def _record(name: str, text: str, texts: Mapping[str, str]) -> Record:
    try:
        return record_of(text, texts.get)
    except Unusable as error:
        remedy = f"`ceph config-key get {MODULE}{name}` shows it."
        raise UnreadableRecord(name, str(error), remedy) from None
