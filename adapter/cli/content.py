"""The Ansible content as ansible-playbook needs it: with the collection seen through links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from adapter.content import content_root
from adapter.engine.files import closed_dir

# The collection is the tree itself: <content>/collections/ansible_collections/...
COLLECTION = "collections/ansible_collections/ceph_orch/ansible"
LINKED = ("galaxy.yml", "meta", "playbooks", "plugins", "roles")
PARTS = ("ansible.cfg", "galaxy.yml", "inventory", "meta", "playbooks", "plugins", "roles")


def collection_links() -> dict[str, str]:
    """Return the links that make the collection: name below the content, and target."""
    up = "../" * (COLLECTION.count("/") + 1)
    return {f"{COLLECTION}/{name}": f"{up}{name}" for name in LINKED}


def usable_content(directory: Path, root: Optional[Path] = None) -> Path:
    """Return the content, or a view of it below ``directory`` where it lacks the links.

    A wheel cannot hold links, and what it installed may not be writable. ``root`` is where the
    content is, if not with this package.
    """
    root = root or content_root()
    if (root / COLLECTION / "roles").is_dir():
        return root
    view = directory / "content"
    # Playbooks are found through it: nobody else may put a link there.
    inside = [view / COLLECTION, *(view / COLLECTION).parents]
    for made in reversed(inside[: inside.index(directory) + 1]):
        closed_dir(made)
    for name in PARTS:
        _link(view / name, str(root / name))
    for name, target in collection_links().items():
        _link(view / name, target)
    return view


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and os.readlink(path) == target:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.symlink_to(target)
    os.replace(temporary, path)
