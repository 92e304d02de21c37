# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Upgrade the daemons of a host by hand: asked of the monitors here, done by modules there."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.artifacts import is_of_awx, with_artifacts
from ..plugin_utils.monitors import IN_AWX, REMEDY, NoAnswer, ask
from ..plugin_utils.upgrade_maps import (
    FOLLOWERS,
    MDS,
    MGR,
    MON,
    ORDER,
    OSD,
    TOLD,
    Monitors,
    due,
    is_leading,
    name_of,
    not_back,
    old_daemons,
    others,
    refusals,
    release_to_require,
    run_already,
    some,
    systems_of,
    upstream,
)
from ..plugin_utils.upgrade_runs import Claim, Processes, RunsElsewhere, this_run
from ..plugin_utils.upgrade_undo import Undo

_LOOK_AGAIN = 1.0
# So long (seconds) all OSDs of a host are asked about together, before one is for itself.
_TOGETHER = 30.0
_ASKED = (OSD, MON, MDS)
BEGIN, RESTART = "begin", "restart"
ARGUMENTS = {
    "step": {"type": "str", "choices": [BEGIN, RESTART], "default": RESTART},
    "version": {"type": "str", "required": True},
    "kinds": {"type": "list", "elements": "str", "default": []},
    "leading": {"type": "bool", "default": True},
    "older": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 300},
}


class Refused(Exception):
    """Say why a host is not upgraded; ``result`` is that of the module that failed, if any."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result or {}


class ActionModule(ActionBase):
    """Take the turn of one host."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Upgrade what is due, and judge by the cluster's maps whether it is back."""
        result = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(ARGUMENTS)
        kinds, target = [str(each) for each in given["kinds"]], str(given["version"])
        if not upstream(target):
            raise AnsibleActionFail(f"Invalid version {target!r}: give a version such as 20.2.5.")
        strange = [each for each in kinds if each not in ORDER]
        if strange:
            raise AnsibleActionFail(f"Invalid kinds {strange[0]!r}: known are {', '.join(ORDER)}.")
        turn = Turn(self, task_vars, target, float(given["timeout"]), older=given["older"])
        # A turn that fails ends the playbook.
        is_over = True
        try:
            is_over = turn.take(given["step"], kinds, given["leading"])
        except NoAnswer as error:
            remedy = IN_AWX if is_of_awx(task_vars) else REMEDY
            result.update(failed=True, msg=f"The monitors do not answer: {error}. {remedy}")
        except Refused as error:
            result.update({**error.result, "failed": True, "msg": str(error)})
        finally:
            if is_over:
                turn.release()
        result["changed"] = turn.changed
        result["ceph_orch_result"] = {
            "upgrade": {"packages": turn.packages, "restarted": turn.restarted}
        }
        return with_artifacts(result, task_vars)

    def module(self, name: str, arguments: Mapping[str, Any], task_vars: Any) -> Dict[str, Any]:
        """Run a module of ours on the host, through the invoker where it has that."""
        task = self._task.copy()
        task.action, task.args = f"ceph_orch.ansible.{name}", dict(arguments)
        action = self._shared_loader_obj.action_loader.get(
            "ceph_orch.ansible.invoke",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        action.verb = name
        return dict(action.run(task_vars=task_vars))


class Turn:
    """What is done with one host, and what came of it.

    ``action`` runs modules on the host, ``ask`` returns what `ceph WORDS` prints. ``older`` lets
    packages and daemons go back to an older version of the same release.
    """

    def __init__(
        self,
        action: Any,
        task_vars: Any,
        target: str,
        timeout: float,
        ask: Callable[..., str] = ask,
        *,
        older: bool = False,
    ) -> None:
        self._older = older
        self._action, self._variables, self._ask = action, task_vars, ask
        self._target, self._timeout = target, timeout
        self._check = bool(action._task.check_mode)
        self._host = str(task_vars["inventory_hostname"])
        processes = Processes()
        self._run = this_run(processes)
        self._claim = Claim(ask, self._run, processes)
        self.changed = False
        self.packages: Dict[str, str] = {}
        self.restarted: List[str] = []

    def take(self, step: str, kinds: Sequence[str], leading: bool) -> bool:
        """Take a step of the upgrade with the host; tell whether that was the last of all.

        The host's daemons of these kinds are upgraded; without kinds what is left, and the end.
        """
        monitors = Monitors(self._ask)
        if step == BEGIN:
            # A run that fails before its first turn, for it cannot fetch packages, leaves no key.
            self._see_others(changes=False)
            self._refuse(others(monitors))
            return False
        self._restart_due(monitors, kinds, leading)
        last = str((self._variables.get("ansible_play_hosts_all") or [""])[-1])
        return not kinds and self._host == last

    def release(self) -> None:
        """Let other runs begin; monitors that do not answer now are told by the next run."""
        if not self._check:
            with contextlib.suppress(NoAnswer):
                self._claim.release()

    def _restart_due(self, monitors: Monitors, kinds: Sequence[str], leading: bool) -> None:
        undo = Undo(monitors)
        rows, found = self._due(monitors, undo, kinds)
        if not leading:
            found = [each for each in found if not is_leading(monitors, each)]
        if found or not kinds or undo.changed.nodes:
            self._see_others(changes=not self._check)
        if found or not kinds:
            # What would have been upgraded by now is not, where nothing is changed.
            asked = [] if self._check else kinds
            self._refuse(refusals(monitors, asked, self._target, older=self._older))
        if not kinds and found and not self._check:
            names = ", ".join(name_of(each) for each in found)
            raise Refused(f"{names} did not have their turn: run the playbook for all hosts.")
        if not self._check:
            # What a run that was cut off has left: its OSDs are not asked about twice.
            self.changed |= undo.unflag(monitors)
        if not found and kinds:
            return
        again = self._install(monitors, rows)
        for kind in kinds:
            mine = [each for each in found if each["daemon_type"] == kind]
            self._wait_back(kind, [each for each in mine if each["unit"] in again])
            self._restart_kind(kind, [each for each in mine if each["unit"] not in again])
            if undo.changed.halfway and not self._check:
                undo = Undo(Monitors(self._ask))
                undo.started_again(self._host, [name_of(each) for each in mine])
        if not kinds:
            self._end()

    def _due(
        self, monitors: Monitors, undo: Undo, kinds: Sequence[str]
    ) -> Tuple[List[Mapping[str, Any]], List[Mapping[str, Any]]]:
        """Return the daemons of the host, and those of these kinds that are to be restarted."""
        said = self._module("host_report", {"gather": ["daemons", "packages"]})["ceph_orch_result"]
        fsid, packages = str(monitors.read("fsid")["fsid"]), said["packages"]
        rows = [each for each in said["daemons"] if each["fsid"] == fsid]
        if set(packages["unfinished"]) & set(packages["installed"]):
            # Its power was cut meanwhile, and what started since has files of both versions.
            names = run_already(monitors, rows, self._target)
            undo.started_halfway(self._host, names, keep=not self._check)
        halfway = undo.changed.halfway.get(self._host, [])
        return rows, due(monitors, rows, kinds or ORDER, self._target, halfway)

    def _see_others(self, *, changes: bool) -> None:
        """Refuse it where another run is at work; one that ``changes`` something says so before."""
        try:
            if changes:
                self._claim.take()
            else:
                self._claim.look()
        except RunsElsewhere as error:
            raise Refused(f"The host is not upgraded: {error}.") from None

    def _go_on(self) -> None:
        """Raise ``Refused`` where the playbook was killed, and this is what is left of it."""
        if os.getppid() != self._run.pid:
            raise Refused("The playbook has ended: nothing more is begun.")

    def _module(self, name: str, arguments: Mapping[str, Any]) -> Dict[str, Any]:
        self._go_on()
        result = self._action.module(name, arguments, self._variables)
        if result.get("failed") or result.get("unreachable"):
            raise Refused(str(result.get("msg") or "It failed."), result)
        return result

    @staticmethod
    def _refuse(found: Sequence[str]) -> None:
        if found:
            raise Refused(f"The host is not upgraded: {'; '.join(found)}.")

    # The packages.

    def _install(self, monitors: Monitors, rows: Sequence[Mapping[str, Any]]) -> List[str]:
        """Change the host's packages, if they are not changed yet; what follows them restarts.

        Managers that stand by do not run meanwhile; returns the units of those that run again.
        """
        self._hand_over(monitors, rows)
        monitors = monitors.again()
        managers = [
            each
            for each in rows
            if each["daemon_type"] == MGR
            and each["state"] == "running"
            and not is_leading(monitors, each)
        ]
        arguments = {
            "version": self._target,
            "step": "install",
            "units": [each["unit"] for each in managers],
            "older": self._older,
        }
        host, undo = self._host, Undo(monitors)
        # Those of a run that was cut off before it had restarted them.
        late = undo.changed.followers.get(host, [])
        follow = [
            each
            for each in rows
            if each["daemon_type"] in FOLLOWERS
            and (each["state"] == "running" or (each["state"] == "error" and name_of(each) in late))
        ]
        if not self._check:
            undo.expect(host, [name_of(each) for each in follow])
        done = self._module("host_upgrade", arguments)
        self.changed |= bool(done.get("changed"))
        said = done["ceph_orch_result"]["upgrade"]
        self.packages, again = said["packages"], [str(each) for each in said["restarted"]]
        self.restarted += [name_of(each) for each in managers if each["unit"] in again]
        self._restart([each for each in follow if self.packages or name_of(each) in late])
        if not self._check:
            undo.followed(host)
        return again

    def _hand_over(self, monitors: Monitors, rows: Sequence[Mapping[str, Any]]) -> None:
        """Let another manager take over from one of this host that is active and old."""
        old = due(monitors, rows, [MGR], self._target)
        active = [each["daemon_id"] for each in old if is_leading(monitors, each)]
        if not active or self._check:
            return
        self._ask("mgr", "fail", active[0])

        def over(now: Monitors) -> str:
            leads = now.leads(MGR) - {""}
            return "" if leads and active[0] not in leads else f"mgr.{active[0]} is still active"

        self._wait(monitors, over, "another manager did not take over")

    # The daemons.

    def _restart_kind(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
        left = list(rows)
        while left:
            monitors = Monitors(self._ask)
            batch = left if self._check else self._that_can_stop(monitors, kind, left)
            left = [each for each in left if each not in batch]
            if kind != OSD or self._check:
                self._restart(batch)
                self._wait_back(kind, batch)
                continue
            undo = Undo(monitors)
            undo.flag(monitors, [each["daemon_id"] for each in batch])
            try:
                self._restart(batch)
                self._wait_back(kind, batch)
            finally:
                undo.unflag(Monitors(self._ask))

    def _that_can_stop(
        self, monitors: Monitors, kind: str, rows: Sequence[Mapping[str, Any]]
    ) -> List[Mapping[str, Any]]:
        """Return those that the monitors can miss now: the OSDs of the host together, else one."""
        if kind == MDS:
            self._narrow(monitors)
        if kind not in _ASKED:
            return list(rows[:1]) if kind in (MGR, MON) else list(rows)
        began, all_of_it = time.monotonic(), list(rows) if kind == OSD else list(rows[:1])
        while True:
            self._go_on()
            late = time.monotonic() - began
            batch = all_of_it if late < _TOGETHER else all_of_it[:1]
            try:
                self._ask(kind, "ok-to-stop", *(str(each["daemon_id"]) for each in batch))
            except NoAnswer as error:
                if late > self._timeout:
                    names = ", ".join(name_of(each) for each in batch)
                    raise Refused(
                        f"The monitors cannot miss {names} within {self._timeout:.0f} s: {error}. "
                        "Look at `ceph health detail`; the playbook goes on from here."
                    ) from None
                time.sleep(_LOOK_AGAIN)
            else:
                return batch

    def _narrow(self, monitors: Monitors) -> None:
        Undo(monitors).narrow(monitors)

        def single(now: Monitors) -> str:
            found = [r["name"] for r in systems_of(now) if r["has_ranks"] and not r["is_single"]]
            return f"file system {', '.join(found)} has not rank 0 alone" if found else ""

        self._wait(monitors.again(), single, "metadata servers are not restarted")

    def _restart(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        arguments = {"action": "restart", "units": [each["unit"] for each in rows]}
        self._module("daemon_action", arguments)
        self.changed = True
        self.restarted += [name_of(each) for each in rows]

    def _wait_back(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Wait until the maps have daemons back with the new version; of others hosts say it."""
        if self._check or kind not in TOLD or not rows:
            return

        def back(now: Monitors) -> str:
            return not_back(now, kind, rows, self._target)

        self._wait(Monitors(self._ask), back, "daemons that were restarted are not back")

    def _wait(self, monitors: Monitors, look: Any, what: str) -> None:
        """Look until nothing is missing; monitors that do not answer for a while do no harm."""
        end = time.monotonic() + self._timeout
        while True:
            try:
                missing = look(monitors)
            except NoAnswer as error:
                missing = f"the monitors do not answer: {error}"
            if not missing:
                return
            if time.monotonic() > end:
                raise Refused(f"After {self._timeout:.0f} s {what}: {missing}.")
            time.sleep(_LOOK_AGAIN)
            monitors = monitors.again()

    # The end.

    def _end(self) -> None:
        """Put back what was changed for the upgrade, when the last host has had its turn."""
        monitors = Monitors(self._ask)
        old = old_daemons(monitors, self._target)
        release = "" if old else release_to_require(monitors)
        if self._check:
            self.changed |= bool(release)
            return
        self.changed |= Undo(monitors).widen(monitors)
        if old:
            raise Refused(
                f"{some(old)} do not run {upstream(self._target)}, and no host of the inventory "
                "has them: add their hosts to it, then run the playbook again."
            )
        if release:
            self._ask("osd", "require-osd-release", release)
            self.changed = True
