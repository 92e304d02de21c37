"""A host on which the package manager installed the module: its files are not ours to change.

The manifest of such an installation names the package, and the program that looks after it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from adapter import __version__
from adapter.cli.place import CONTENT, Place, content_items, module_items
from adapter.errors import NotReady

# What a package's manifest has besides: its name, and the command of its package manager.
PACKAGE, MANAGER = "package", "package_manager"


def manifest_of_package(place: Place) -> Optional[Mapping[str, Any]]:
    """Return the manifest of a package that installed the module here, or None."""
    manifest = place.content.manifest()
    return manifest if manifest and manifest.get(PACKAGE) else None


def facts_of_package(facts: Mapping[str, Any], name: str, manager: str) -> Dict[str, Any]:
    """Return what the manifest of a package keeps beside the files."""
    return {**facts, PACKAGE: name, MANAGER: manager}


def refuse_another(place: Place, manifest: Mapping[str, Any]) -> None:
    """Raise ``NotReady`` where this command would install something else than the package did."""
    package, manager = manifest[PACKAGE], manifest.get(MANAGER)
    for key, value in (("python", place.python), ("state_directory", place.state)):
        if manifest.get(key) != value:
            raise NotReady(
                f"{CONTENT} belongs to the package {package}, which is made for {key} "
                f"{manifest.get(key)}.",
                f"Remove it (`{manager} remove {package}`) and run this from a wheel or a "
                "checkout, to have another.",
            )
    differences: List[str] = []
    for tree, items in (
        (place.content, content_items(place.python)),
        (place.module, module_items()),
    ):
        differences += tree.differences(items, {})
    if differences:
        raise NotReady(
            f"{CONTENT} belongs to the package {package} ({manifest.get('version')}), and what "
            f"would be installed ({__version__}) differs in {len(differences)} places: "
            f"{differences[0]}.",
            f"Install the package again or a newer one, or remove it first "
            f"(`{manager} remove {package}`).",
        )


def refuse_removal(manifest: Mapping[str, Any]) -> None:
    """Raise ``NotReady`` with what removes the package."""
    package, manager = manifest[PACKAGE], manifest.get(MANAGER)
    raise NotReady(
        f"The package {package} installed the module here.",
        f"Remove it with `{manager} remove {package}`; `mgr uninstall --purge` before it removes "
        "what the monitors and the state directory keep.",
    )


def files_stay(manifest: Mapping[str, Any]) -> str:
    """Return the line that says who removes the files."""
    package, manager = manifest[PACKAGE], manifest.get(MANAGER)
    return f"keep the files of the package {package}: `{manager} remove {package}` removes them"
