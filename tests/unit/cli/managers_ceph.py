"""A cluster's managers as ``orch-ansible mgr`` asks them, made of a dictionary."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from adapter.cli.ceph import Ceph, CephError

STATUS = "Backend: ansible\nAvailable: Yes\n"


class ManagersCeph(Ceph):
    """The part of a cluster that is asked here, with the answers of 20.2.4."""

    def __init__(self) -> None:
        self.calls: List[str] = []
        self.enabled = False
        self.backend = ""
        self.has_module = {"a": True, "b": True}
        self.active = "a"
        self.slow = 2
        self.health: Dict[str, Any] = {}
        self.records: Dict[str, str] = {"osd/elsewhere": "x"}
        self.pending: List[Dict[str, Any]] = []
        # Managers that cannot load Ceph's orchestrator.
        self.unable: List[str] = []
        # Managers that could not load the module's files when they started.
        self.unloaded: List[str] = []
        self.gids = {"a": 11, "b": 12}
        # How many questions a restart takes, and the managers that do not come back.
        self.restart_takes, self.restarting = 3, 0
        self.lost: List[str] = []
        self.lost_by_disabling: List[str] = []

    def __call__(self, *words: str, timeout: float = 0) -> str:
        """Answer."""
        line = " ".join(words).replace(" --format json", "")
        self.calls.append(line)
        self._go_on_restarting()
        if self.restarting and line.startswith(("orch ", "ansible ")):
            raise CephError(list(words), "Error EAGAIN: starting", 11)
        for prefix, method in (
            ("mgr dump", self._dump),
            ("mgr module enable ansible", self._enable),
            ("mgr module disable ansible", self._disable),
            ("ansible get-user", self._user),
            ("config set mgr mgr/orchestrator/orchestrator ansible --force", self._set),
            ("config dump", self._options),
            ("config rm mgr mgr/orchestrator/orchestrator", self._clear),
            ("orch set backend", self._clear),
            ("orch status", self._status),
            ("health detail", lambda _: json.dumps(self.health)),
            ("config-key dump mgr/ansible/", lambda _: json.dumps(self.records)),
            ("config-key ls", lambda _: json.dumps(sorted(self.records))),
            ("config-key set mgr/ansible/state.present", self._mark),
            ("config-key rm", lambda words: self.records.pop(words[2])),
            ("ansible pending", self._pending),
        ):
            if line.startswith(prefix):
                return str(method(words))
        raise AssertionError(line)

    def _go_on_restarting(self) -> None:
        """Come one step nearer to what managers are after a restart."""
        self.restarting = max(0, self.restarting - 1)
        if self.restarting == 1:
            self.gids = {name: gid + 10 for name, gid in self.gids.items()}
            self.unloaded = []

    def _dump(self, _: Any) -> str:
        def modules(name: str) -> list[Dict[str, Any]]:
            orchestrator = {"name": "orchestrator", "can_run": name not in self.unable}
            can_run = name not in self.unloaded
            ours = [{"name": "ansible", "can_run": can_run}] if self.has_module[name] else []
            return [{**orchestrator, "error_string": "PyO3 modules do not"}, *ours]

        there = {name: gid for name, gid in self.gids.items() if name not in self.lost}
        standbys = [
            {"name": name, "gid": there[name], "available_modules": modules(name)}
            for name in ("b",)
            if name in there
        ]

        return json.dumps(
            {
                "active_name": self.active,
                "active_gid": self.gids["a"],
                "available": not self.restarting,
                "available_modules": modules("a"),
                "standbys": standbys,
                "modules": ["nfs", *(["ansible"] if self.enabled else [])],
            }
        )

    def _enable(self, words: Any) -> str:
        if not all(self.has_module.values()) and "--force" not in words:
            raise CephError(list(words), "Error ENOENT: all mgr daemons do not support it", 2)
        if self.unloaded and "--force" not in words:
            raise CephError(list(words), "Error ENOENT: 'ansible' reports that it cannot run", 2)
        self.enabled = True
        self.restarting = self.restart_takes
        return ""

    def _disable(self, _: Any) -> str:
        self.enabled = False
        self.restarting, self.lost = self.restart_takes, self.lost_by_disabling
        return ""

    def _options(self, _: Any) -> str:
        name = "mgr/orchestrator/orchestrator"
        row = {"section": "mgr", "name": name, "value": self.backend}
        return json.dumps([row] if self.backend else [])

    def _user(self, words: Any) -> str:
        self.slow -= 1
        if not self.enabled or self.slow > 0 or not self.has_module["a"]:
            raise CephError(list(words), "Error EINVAL: invalid command", 22)
        return "root\n"

    def _set(self, _: Any) -> str:
        self.backend = "ansible"
        return ""

    def _mark(self, words: Any) -> str:
        self.records[words[2]] = words[3]
        return ""

    def _pending(self, words: Any) -> str:
        self.slow -= 1
        if self.slow > -3:
            raise CephError(list(words), "Error EINVAL: waits for the first reports", 22)
        return json.dumps(self.pending)

    def _clear(self, _: Any) -> str:
        self.backend = ""
        return ""

    def _status(self, words: Any) -> str:
        if self.active in self.unable:
            raise CephError(list(words), "Error EINVAL: invalid command", 22)
        if not self.backend:
            raise CephError(list(words), "Error ENOENT: No orchestrator configured (try ...)", 2)
        if self.backend == "ansible" and not self.enabled:
            raise CephError(list(words), "Error ENOENT: Module not found", 2)
        if "json" in words:
            return json.dumps({"available": True, "backend": self.backend})
        return STATUS
