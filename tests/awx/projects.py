"""Syncs of projects, and which files of a project AWX takes for playbooks."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

# A line of a file that makes AWX take it for a playbook.
_PLAYS = re.compile(
    r"^\s*(?:-\s+)?(?:hosts|(?:ansible\.builtin\.)?(?:include|import_playbook)):", re.M
)
_NO_PLAYBOOKS = {"roles", "tasks", "group_vars", "host_vars"}
_OF_SCM = ("scm_type", "scm_url", "scm_branch", "scm_refspec")


def playbooks(top: Path) -> list[str]:
    """Return the files below a directory that AWX offers as playbooks. Links are followed."""
    found = []
    for place, folders, files in os.walk(top, followlinks=True):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _NO_PLAYBOOKS
        )
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix in (".yml", ".yaml") and _PLAYS.search(path.read_text(errors="replace")):
                found.append(str(path.relative_to(top)))
    return sorted(found)


class Syncs:
    """The syncs of projects: each ends when its project has been looked at a few times.

    ``trees`` are the directories that repositories hold, by url and branch.
    """

    def __init__(self, trees: dict[tuple[str, str], Path], looks: int = 2) -> None:
        self.trees = trees
        self.looks = looks
        self.begun = 0

    def begin(self, project: dict[str, Any]) -> int:
        """Start a sync; return its id."""
        self.begun += 1
        project.update(_update=self.begun, _left=self.looks, status="pending")
        return self.begun

    def look(self, project: dict[str, Any]) -> None:
        """Let a sync go on, because somebody looks."""
        if not project.get("_update"):
            return
        project["_left"] -= 1
        if project["_left"] > 0:
            project["status"] = "running"
            return
        tree = self.trees.get((project["scm_url"], project["scm_branch"]))
        project["_last"] = project.pop("_update")
        project["status"] = "failed" if tree is None else "successful"
        project["last_update_failed"] = tree is None
        if tree is not None:
            project["scm_revision"] = hashlib.sha1(str(tree).encode()).hexdigest()
            project["_playbooks"] = playbooks(tree)

    def needed(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Tell whether a change of a project makes AWX sync it."""
        return any(before.get(key) != after.get(key) for key in _OF_SCM)
