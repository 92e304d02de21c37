"""The managers of this host, when the module's files are taken away here."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Tuple

from adapter.cli.ceph import Ceph, CephError, Managers
from adapter.cli.mgr_records import NAME, purge, refuse_enabled
from adapter.cli.mgr_restarts import RESTART_WAIT, Until, wait_until_started
from adapter.errors import NotReady, some_of
from adapter.programs import TimeoutExpired, run_program

# Ceph's packages make this directory; below it each manager has one, named after the cluster.
DATA = Path("/var/lib/ceph/mgr")
_CLUSTER = "ceph-"
_ASK_TIMEOUT = 20.0
_SHOWN = 3
DISABLE = "`ceph mgr module disable ansible`, then `ceph orch set backend ''`"
RECORDS_STAY = (
    "keep what the monitors have: there is no administrator's keyring on this host, `mgr uninstall "
    "--purge` on one that has it removes that too"
)

Say = Callable[[str], None]


def runs_here(name: str) -> bool:
    """Tell whether systemd has started a manager of this host."""
    argv = ["systemctl", "is-active", "--quiet", f"ceph-mgr@{name}"]
    try:
        return run_program(argv, _ASK_TIMEOUT).returncode == 0
    except (OSError, TimeoutExpired):
        return False


class ManagersHere:
    """The managers that this host has, running or not.

    A host has a manager often without the administrator's keyring; the manager's own key may read
    the map of the managers.
    """

    def __init__(
        self, ceph: Ceph, data: Path = DATA, runs: Callable[[str], bool] = runs_here
    ) -> None:
        self._ceph, self._data, self._runs = ceph, data, runs
        homes = data.glob(f"{_CLUSTER}*/keyring") if data.is_dir() else ()
        self.names = sorted(path.parent.name[len(_CLUSTER) :] for path in homes)

    def purge_records(self, *, check: bool) -> List[str]:
        """Remove what the monitors keep, where this host may; return lines for the administrator.

        Raises ``NotReady`` while a manager works with it.
        """
        try:
            return purge(self._ceph, check=check)
        except CephError as error:
            if not error.is_without_key or not self.names:
                raise
        _, managers = self._ask()
        return [*refuse_enabled(managers, check=check), RECORDS_STAY]

    def wait_for_start(self, until: Until, say: Say) -> None:
        """Wait until those that run have started: they read the files meanwhile.

        Raises ``NotReady`` where one takes too long. A cluster that does not answer is no reason to
        wait: the files may go when it is gone.
        """
        running = [name for name in self.names if self._runs(name)]
        if not running:
            return
        try:
            ceph, _ = self._ask()
        except NotReady:
            return
        if not wait_until_started(ceph, NAME, running, lambda done, _: until(done, 0.0)):
            return
        say(f"Waiting until the manager {some_of(running, _SHOWN)} has started ...")
        late = wait_until_started(ceph, NAME, running, until)
        if late:
            raise NotReady(
                f"The manager {some_of(late, _SHOWN)} of this host has not started within "
                f"{RESTART_WAIT:g} s, and it reads the module's files while it does.",
                f"See `systemctl status ceph-mgr@{late[0]}`; when it has started or is stopped, "
                "this again.",
            )

    def still_enabled(self) -> List[str]:
        """Return what the removal means for a cluster that uses the module; it is not refused.

        Other managers may keep it, and a package may take the place of these files.
        """
        if not self.names:
            return []
        try:
            _, managers = self._ask()
        except NotReady as error:
            return [
                f"Warning: whether the module {NAME} is enabled is not known ({error.message}) If "
                f"it is, disable it, unless other managers shall keep it: {DISABLE}."
            ]
        if not managers.enabled:
            return []
        return [
            f"Warning: the module {NAME} is enabled in this cluster. A ceph-mgr of this host fails "
            "to load it when it is started the next time, and `ceph orch` says `Module not found` "
            f"then. Disable it, unless other managers shall keep it: {DISABLE}."
        ]

    def _ask(self) -> Tuple[Ceph, Managers]:
        """Return the map of the managers, and who could read it."""
        try:
            return self._ceph, Managers.ask(self._ceph, NAME)
        except CephError as error:
            if not error.is_without_key or not self.names:
                raise
        name = self.names[0]
        keyring = self._data / f"{_CLUSTER}{name}" / "keyring"
        own = self._ceph.known_as(f"mgr.{name}", str(keyring))
        return own, Managers.ask(own, NAME)
