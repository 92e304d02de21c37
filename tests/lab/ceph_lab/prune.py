"""Remove cached images that nothing uses any more."""

from __future__ import annotations

from pathlib import Path

from ceph_lab import archive, images, model, packages, settings, upgrades
from ceph_lab.files import remove_tree
from ceph_lab.locks import held
from ceph_lab.processes import all_pids, command_line


def prune() -> list[Path]:
    """Remove images and repositories of earlier lists that no lab uses; return them.

    Downloaded packages stay, so that making one again needs little from the network.
    """
    cache = settings.cache_directory()
    with held("images"), held("upgrades"):
        used = _used()
        candidates = [*(cache / "images").iterdir(), *(cache / "repositories").iterdir()]
        old = [path for path in sorted(candidates) if not _current(path) and str(path) not in used]
        kept = [path.name for path in (cache / "repositories").iterdir() if path not in old]
        # What was made of a repository goes with it.
        for path in sorted(upgrades.directory().glob("*")):
            if not any(path.name.startswith(f"{name}-") for name in kept):
                old.append(path)
        for path in old:
            remove_tree(path)
    return old


def _current(path: Path) -> bool:
    """Tell whether the next lab of the path's release would use it."""
    release = path.name.split("-")[0]
    wanted = {archive.repository_path(release)}
    wanted.update(images.image_path(release, kind) for kind in packages.KINDS)
    return path in wanted


def _used() -> str:
    """Return a text that names every path in use: by a lab, a mount or a process.

    Labs with a state directory elsewhere (LAB_STATE) show only as the latter two.
    """
    text = [Path("/proc/self/mountinfo").read_text(encoding="utf-8")]
    text += [" ".join(command_line(pid)) for pid in all_pids()]
    for name in model.known_labs():
        lab = model.load(name)
        if lab is not None:
            text += [lab.repository, *(host.image_path for host in lab.hosts)]
    return "\n".join(text)
