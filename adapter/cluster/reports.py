"""What hosts said of themselves last, with its age.

A report is what the ``host_report`` module published: facts, devices, daemons and packages. It is
kept in memory, and in a directory (one JSON file a host) so that a restarted ceph-mgr has an
answer, with its true age, before the first refresh. Hosts are not trusted: shapes are checked here.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from adapter.cluster.host_clocks import ahead_of, by_our_clock, clock_lines
from adapter.cluster.report_packages import packages_part
from adapter.cluster.report_rows import daemon_row, device_row, storage
from adapter.engine.files import private_dir, write_private
from adapter.errors import InvalidValue

log = logging.getLogger(__name__)

PARTS = ("facts", "devices", "daemons", "packages")
MAX_DEVICES = 4096
MAX_DAEMONS = 4096


@dataclass
class HostReport:
    """The last known parts of a host, each with the time (epoch seconds) it was taken.

    ``serial`` grows by one at each change: what is derived from a report can be kept by it.
    ``ahead`` is by how many seconds the host's clock is ahead of this manager's; the times in
    ``daemons`` are this manager's.
    """

    hostname: str
    facts: Dict[str, Any] = field(default_factory=dict)
    devices: List[Dict[str, Any]] = field(default_factory=list)
    daemons: List[Dict[str, Any]] = field(default_factory=list)
    packages: Dict[str, Any] = field(default_factory=dict)
    identity: Dict[str, Any] = field(default_factory=dict)
    storage: Dict[str, Any] = field(default_factory=lambda: storage(None))
    taken: Dict[str, float] = field(default_factory=dict)
    serial: int = 0
    ahead: float = 0.0

    def described(self) -> Dict[str, Any]:
        """Return the facts with the kernel's settings as a mapping, as cephadm has them.

        They are kept as the host reported them: one text ``name=value`` by line.
        """
        settings = self.facts.get("sysctl_options")
        if not isinstance(settings, str):
            return dict(self.facts)
        pairs = (line.partition("=") for line in settings.split("\n"))
        return {**self.facts, "sysctl_options": {name: value for name, _, value in pairs if name}}

    def to_json(self) -> Dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "hostname": self.hostname,
            "ahead": self.ahead,
            "identity": self.identity,
            "taken": self.taken,
            "storage": self.storage,
            **{part: getattr(self, part) for part in PARTS},
        }


def _rows(result: Mapping[str, Any], part: str, limit: int) -> List[Dict[str, Any]]:
    rows = result[part]
    if not isinstance(rows, list) or len(rows) > limit:
        raise InvalidValue(f"report of {part}", type(rows).__name__, "it is not a (bounded) list")
    return [row for row in rows if isinstance(row, dict)]


def _devices(result: Mapping[str, Any]) -> List[Dict[str, Any]]:
    devices = [device_row(row) for row in _rows(result, "devices", MAX_DEVICES)]
    return sorted(devices, key=lambda row: str(row["path"]))


def _daemons(result: Mapping[str, Any]) -> List[Dict[str, Any]]:
    rows = [daemon_row(row) for row in _rows(result, "daemons", MAX_DAEMONS)]
    return [row for row in rows if row is not None]


def read_result(result: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the parts that a published result holds; raises ``InvalidValue`` for a wrong shape."""
    parts: Dict[str, Any] = {}
    if "facts" in result:
        if not isinstance(result["facts"], dict):
            raise InvalidValue(
                "report of facts", type(result["facts"]).__name__, "it is not a mapping"
            )
        parts["facts"] = result["facts"]
    if "devices" in result:
        parts["devices"] = _devices(result)
        parts["storage"] = storage(result.get("storage"))
    if "daemons" in result:
        parts["daemons"] = _daemons(result)
    # What a deployment has installed is a list of that name.
    if isinstance(result.get("packages"), dict):
        parts["packages"] = packages_part(result["packages"], result.get("package_lists"))
    if isinstance(result.get("identity"), dict):
        parts["identity"] = result["identity"]
    return parts


class Reports:
    """All reports. Callers hold the orchestrator's lock.

    ``directory`` None keeps them in memory only.
    """

    def __init__(self, directory: Optional[Path] = None) -> None:
        self._directory = directory
        self._reports: Dict[str, HostReport] = {}
        self.serial = 0

    def load(self, hostnames: List[str]) -> None:
        """Read what an earlier process kept of the given hosts."""
        if self._directory is None:
            return
        for hostname in hostnames:
            path = self._directory / f"{hostname}.json"
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                taken = {str(key): float(value) for key, value in data["taken"].items()}
                ahead = float(data.get("ahead", 0.0))
                self._keep(hostname, {**read_result(data), "ahead": ahead}, taken)
            except FileNotFoundError:
                continue
            except (
                OSError,
                ValueError,
                KeyError,
                AttributeError,
                TypeError,
                InvalidValue,
            ) as error:
                log.warning("the kept report %s is left out: %s", path, error)

    def get(self, hostname: str) -> Optional[HostReport]:
        """Return a host's report, or None before the first."""
        return self._reports.get(hostname)

    def absorb(
        self, hostname: str, result: Mapping[str, Any], now: float, asked: Optional[float] = None
    ) -> bool:
        """Take over what a host published; tell whether it held any part of a report.

        ``asked`` is when its job began, where this manager's clock has told that. Raises
        ``InvalidValue`` for a wrong shape; the report is then as it was.
        """
        parts = read_result(result)
        if not parts:
            return False
        before = self.ahead(hostname)
        ahead = ahead_of(result.get("clock"), asked, now, before)
        parts["ahead"] = before if ahead is None else ahead
        if "daemons" in parts:
            parts["daemons"] = by_our_clock(parts["daemons"], parts["ahead"])
        taken = [part for part in parts if part not in ("storage", "ahead")]
        report = self._keep(hostname, parts, dict.fromkeys(taken, now))
        self._write(report)
        return True

    def ahead(self, hostname: str) -> float:
        """Return by how many seconds a host's clock is ahead of this manager's."""
        report = self._reports.get(hostname)
        return report.ahead if report is not None else 0.0

    def clock_lines(self) -> List[str]:
        """Return a sentence for each host whose clock differs."""
        return clock_lines({name: report.ahead for name, report in self._reports.items()})

    def _keep(self, hostname: str, parts: Dict[str, Any], taken: Dict[str, float]) -> HostReport:
        self.serial += 1
        old = self._reports.get(hostname) or HostReport(hostname)
        report = HostReport(
            hostname,
            facts=parts.get("facts", old.facts),
            devices=parts.get("devices", old.devices),
            daemons=parts.get("daemons", old.daemons),
            packages=parts.get("packages", old.packages),
            identity=parts.get("identity", old.identity),
            storage=parts.get("storage", old.storage),
            taken={**old.taken, **taken},
            serial=self.serial,
            ahead=parts.get("ahead", old.ahead),
        )
        self._reports[hostname] = report
        return report

    def _write(self, report: HostReport) -> None:
        if self._directory is None:
            return
        write_private(
            private_dir(self._directory) / f"{report.hostname}.json",
            json.dumps(report.to_json(), separators=(",", ":")),
        )

    def forget(self, hostname: str) -> None:
        """Drop a host's report."""
        self._reports.pop(hostname, None)
        if self._directory is not None:
            (self._directory / f"{hostname}.json").unlink(missing_ok=True)
