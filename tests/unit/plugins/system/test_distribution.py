"""A program that is missing is named with its package, on every family of distributions."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from plugins.module_utils.system.distribution import (
    all_packages,
    family_of,
    not_installed,
    package_of,
)
from plugins.module_utils.system.reading import Roots

UTILS = Path(__file__).resolve().parents[4] / "plugins"
# The package managers themselves.
OF_PACKAGES = {"apt-get", "dnf"}


def looked_for() -> Iterator[Tuple[str, str]]:
    """Yield each program that is looked for by name, with its file."""
    for path in sorted(UTILS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in (
                "find_program",
                "_program",
            ):
                continue
            word = node.args[0]
            if isinstance(word, ast.Constant):
                yield str(word.value), path.name


@pytest.mark.parametrize("program", sorted({name for name, _ in looked_for()} - OF_PACKAGES))
def test_every_program_has_a_package(program: str) -> None:
    packages = all_packages()[program]
    assert all(packages.values()), packages


def test_a_name_may_differ_between_families() -> None:
    assert package_of("ssh", "Debian") == "openssh-client"
    assert package_of("ssh", "RedHat") == "openssh-clients"
    assert package_of("ssh", "") == ""
    assert package_of("never-heard-of", "Debian") == ""


def test_what_is_missing_is_said_with_its_package() -> None:
    assert not_installed("monmaptool") == "monmaptool is not installed (package ceph-base)"
    assert not_installed("never-heard-of") == "never-heard-of is not installed"


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ("ID=debian", "Debian"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'", "Debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "RedHat"),
        ("ID=opensuse-leap", ""),
        ("", ""),
    ],
)
def test_the_family_of_a_distribution(tmp_path: Path, release: str, family: str) -> None:
    (tmp_path / "os-release").write_text(release + "\n")
    assert family_of(Roots(etc=str(tmp_path))) == family
