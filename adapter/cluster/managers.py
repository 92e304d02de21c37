"""The managers as the monitors' map has them: which there are, and which can run this backend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from adapter.cluster.reports import HostReport
from adapter.errors import abridged

MODULE = "ansible"


@dataclass(frozen=True)
class Managers:
    """``lacks`` says of each manager why it could not manage hosts, an empty text if it could.

    ``modules`` are those that are enabled, ``missing`` has by standby those of them that it could
    not run, each with the reason or an empty text where it has not got it.
    """

    active: str = ""
    standbys: List[str] = field(default_factory=list)
    lacks: Mapping[str, str] = field(default_factory=dict)
    modules: Tuple[str, ...] = ()
    missing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def unable(self, names: Iterable[str]) -> Dict[str, str]:
        """Return those of these managers that could not manage hosts, with the reason."""
        reasons = {name: self.lacks.get(name, "it is not in the map") for name in names}
        return {name: reason for name, reason in reasons.items() if reason}

    def with_lacks(self, found: Mapping[str, str]) -> Managers:
        """Return the same with what hosts lack, where the map has nothing against a manager.

        The map says what a manager found when it was started.
        """
        more = {name: lack for name, lack in found.items() if lack and not self.lacks.get(name)}
        return replace(self, lacks={**self.lacks, **more})


def read_managers(data: Mapping[str, Any]) -> Managers:
    """Read ``mgr dump``."""
    active = str(data.get("active_name") or "")
    rows = [row for row in data.get("standbys") or () if isinstance(row, dict)]
    lacks = {str(row.get("name")): _lack(row) for row in rows}
    if active:
        lacks[active] = _lack(data)
    if MODULE in _told(data) and lacks.get(active):
        # Debian 13's managers can run no such module, whatever is done to them: nothing is lost
        # with a fail-over from one that cannot to another.
        lacks.update({str(row.get("name")): "" for row in rows if MODULE in _told(row)})
    modules = tuple(sorted(str(name) for name in data.get("modules") or ()))
    # What the active one cannot run either is not lost with a fail-over.
    running = [name for name in modules if _told(data).get(name, {}).get("can_run") is True]
    missing = {str(row.get("name")): _missing(row, running) for row in rows}
    return Managers(
        active,
        [str(row.get("name")) for row in rows],
        lacks,
        modules,
        {name: found for name, found in missing.items() if found},
    )


def _lack(row: Mapping[str, Any]) -> str:
    """Return why a manager cannot run the module; one whose modules are not told may not have it.

    The text beside a module that can run is about something else.
    """
    for module in row.get("available_modules") or ():
        if isinstance(module, dict) and module.get("name") == MODULE:
            if module.get("can_run") is True:
                return ""
            reason = " ".join(str(module.get("error_string") or "no reason is given").split())
            return f"its module {MODULE} cannot run: {reason}"
    return f"it has no module {MODULE}"


def _told(row: Mapping[str, Any]) -> Dict[str, Mapping[str, Any]]:
    """Return the modules of a manager by name, as it told the monitors when it started."""
    rows = [each for each in row.get("available_modules") or () if isinstance(each, dict)]
    return {str(each.get("name")): each for each in rows}


def _missing(row: Mapping[str, Any], modules: Iterable[str]) -> Dict[str, str]:
    """Return the enabled modules that a standby could not run; of ours ``lacks`` tells."""
    told = _told(row)
    if not told:
        # A manager that has just begun has not told any.
        return {}
    found = {}
    for name in modules:
        if name == MODULE or told.get(name, {}).get("can_run") is True:
            continue
        reason = " ".join(str(told.get(name, {}).get("error_string") or "").split())
        found[name] = abridged(reason, 200) or ("it cannot run" if name in told else "")
    return found


def missing_line(name: str, modules: Mapping[str, str]) -> str:
    """Return the sentence for a standby that could not run all modules that are enabled."""
    parts = [f"{module} ({reason})" if reason else module for module, reason in modules.items()]
    plural = len(modules) > 1
    return (
        f"mgr.{name} could not run the module{'s' if plural else ''} {', '.join(parts)}, which "
        f"{'are' if plural else 'is'} enabled: after a fail-over to it the cluster would be "
        f"without. `ceph orch daemon redeploy mgr.{name}` installs the packages that its host's "
        "sources have for them and restarts it; otherwise install them there by hand."
    )


def backend_lack(report: Optional[HostReport], python: str) -> Optional[str]:
    """Return why a manager on a host could not run this backend, an empty text if it could.

    None is for a host that has not said. A complete backend of another version is fine. ``python``
    is the interpreter that all managers are told to run jobs with, if they are; of one that the
    backend there was not installed for nobody knows what it lacks.
    """
    if report is None or "backend" not in report.identity:
        return None
    said = report.identity["backend"]
    if not isinstance(said, Mapping):
        return f"the backend is not installed on its host {report.hostname}"
    lack = abridged(" ".join(str(said.get("lacks") or "").split()), 400)
    if lack:
        return f"the backend on its host {report.hostname} is not whole: {lack}"
    needs = " ".join(str(said.get("job_lacks") or "").split())
    installed_for = abridged(str(said.get("python") or python), 400)
    if python and installed_for != python:
        return (
            f"the backend on its host {report.hostname} was installed for {installed_for}, and "
            f"managers run jobs with {python} (mgr/ansible/python)"
        )
    if needs:
        return f"no playbook can run on its host {report.hostname}: {abridged(needs, 400)}"
    return ""


def remedy(names: Iterable[str]) -> str:
    """Return what gives managers the module."""
    named = sorted(names)
    hosts = ", ".join(f"mgr.{name}" for name in named)
    return (
        "A managed service mgr (`ceph orch apply mgr`) installs it for its managers; by hand: "
        f"`orch-ansible mgr install` on the host of {hosts}, then `ceph orch daemon restart "
        f"mgr.{named[0]}`, or `ceph orch daemon redeploy mgr.{named[0]}`."
    )
