"""Build the two host images and keep them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ceph_lab import archive, image_files, needs, packages, settings
from ceph_lab.errors import LabError
from ceph_lab.files import disk_free, published
from ceph_lab.locks import held
from ceph_lab.packages import ImageKind
from ceph_lab.report import say, step
from ceph_lab.run import run

NEEDED_BYTES = 4 * 1024**3

# Runs in namespaces of its own: what is mounted here goes with the build, however it ends.
CHROOT = """\
set -e
mount --bind "$2" "$1{repository}"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/run"
mkdir -p "$1/run/ceph" "$1/run/lock"
exec chroot "$1" sh -c "$3"
"""

INSTALL = """\
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update
apt-get install -y {packages}
"""


def ensure_images(kinds: Collection[ImageKind], release: str, mirror: str) -> None:
    """Build the images that are not in the cache.

    Two commands at once build them once. Raises LabError when packages or
    room on the disk are missing.
    """
    parts = [archive.repository_path(release), *(image_path(release, kind) for kind in kinds)]
    if all(path.is_dir() for path in parts):
        return
    with held("images"):
        _check_room(settings.cache_directory())
        repository = archive.ensure_repository(release, mirror)
        # The full image is the bare one with more in it.
        if not image_path(release, "bare").is_dir():
            with step(f"image {image_path(release, 'bare').name}"):
                _build_bare(image_path(release, "bare"), repository, release)
        if "full" in kinds and not image_path(release, "full").is_dir():
            with step(f"image {image_path(release, 'full').name}"):
                _build_full(image_path(release, "full"), repository, release)


def image_path(release: str, kind: ImageKind) -> Path:
    """Return the directory where an image is or will be."""
    return settings.cache_directory() / "images" / packages.image_key(release, kind)


def _check_room(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    free = disk_free(cache)
    if free < NEEDED_BYTES:
        raise LabError(
            f"{cache} has {free / 1024**3:.1f} GB free and images need "
            f"{NEEDED_BYTES / 1024**3:.0f} GB; make room or set LAB_CACHE"
        )


def _build_bare(target: Path, repository: Path, release: str) -> None:
    with published(target) as root:
        image_files.write_before_install(root)
        _run_contained(
            [
                "debootstrap",
                "--variant=minbase",
                "--no-check-gpg",
                "--include=" + ",".join(_present(repository, packages.BARE)),
                archive.SUITE,
                str(root),
                f"file://{repository}",
                str(needs.debootstrap_script(release)),
            ]
        )
        image_files.write_after_install(root)


def _build_full(target: Path, repository: Path, release: str) -> None:
    names = _present(repository, packages.FULL)
    with published(target) as root:
        bare = image_path(release, "bare")
        run(["cp", "-a", "--reflink=auto", f"{bare}/.", str(root)])
        with image_files.no_service_starts(root):
            in_chroot(root, repository, INSTALL.format(packages=" ".join(names)))
        image_files.write_after_install(root)
        say(f"packages of suite {archive.suite_used(repository)}")


def _present(repository: Path, names: Sequence[str]) -> list[str]:
    have = {file.name.split("_", 1)[0] for file in (repository / "pool").iterdir()}
    return [name for name in names if name in have]


def in_chroot(root: Path, repository: Path, script: str) -> None:
    """Run a shell script inside an image that is being built."""
    mounts = CHROOT.format(repository=image_files.REPOSITORY)
    _run_contained(["sh", "-c", mounts, "chroot", str(root), str(repository), script])


def _run_contained(argv: Sequence[str]) -> None:
    """Run a command in mount and process namespaces that end with it."""
    unshare = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork"]
    run([*unshare, "--kill-child", "--mount-proc", *argv])
