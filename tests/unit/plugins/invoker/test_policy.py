"""What is allowed always covers what this project does, and what root allows is taken over."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Set

import pytest
import yaml

from plugins.module_utils.daemons.kinds.registry import KINDS
from plugins.module_utils.host.maintenance_record import can_be_kept
from plugins.module_utils.invoker.allowed import PACKAGES
from plugins.module_utils.invoker.document import Refused
from plugins.module_utils.invoker.limits import Limits
from plugins.module_utils.invoker.policy import VERBS, check
from plugins.module_utils.osd import packages as osd_packages

ROOT = Path(__file__).resolve().parents[4]
# These are for root, who has what they need.
OF_ROOT = {"backend_install", "invoker_install"}
# Done by an action, which has the host do other verbs.
ON_CONTROLLER = {"daemon_upgrade"}
DEFAULTS: Dict[str, Dict[str, Any]] = {
    "host_report": {"sysfs_root": "/sys", "dev_root": "/dev"},
    "device_light": {"command": [], "sysfs_root": "/sys", "locations": []},
}


def test_every_module_is_a_verb() -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    routed = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["plugin_routing"]["modules"]

    assert set(VERBS) == modules - OF_ROOT - ON_CONTROLLER
    assert set(routed) == set(VERBS)
    assert {row["action_plugin"] for row in routed.values()} == {"ceph_orch.ansible.published"}


def names_in(data: Any) -> Set[str]:
    if isinstance(data, dict):
        return set().union(*map(names_in, data.values())) if data else set()
    if isinstance(data, list):
        return set().union(*map(names_in, data)) if data else set()
    return {str(data).rstrip("?")} if "{{" not in str(data) else set()


def test_every_package_of_the_roles_is_allowed() -> None:
    wanted = {"ceph-mgr", *names_in(osd_packages._ALL)}
    for path in (ROOT / "roles/daemon_deploy/vars/main").glob("*.yml"):
        if path.stem in ("container", "haproxy", "nfs", "smb"):
            # The invoker deploys none: root would read what it cannot check.
            continue
        for key, value in yaml.safe_load(path.read_text()).items():
            if key.startswith("__daemon_deploy_packages_"):
                wanted |= names_in(value)

    assert wanted == set(PACKAGES)


@pytest.mark.parametrize("kind", ["container", "haproxy"])
def test_what_says_what_root_does_is_not_deployed(kind: str) -> None:
    row = {"daemon_type": kind, "daemon_id": "a.h1.b", "unit": "", "addr": ""}
    check("ceph_daemon", {"daemons": [row]}, Limits())
    for given in ("files", "secret_files"):
        with pytest.raises(Refused, match="root would read its files"):
            check("ceph_daemon", {"daemons": [{**row, given: {"a": "b"}}]}, Limits())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_units_of_every_kind_are_allowed(kind: str) -> None:
    unit = KINDS[kind].unit.format(id="data.h2.kxqwzn")

    check("daemon_action", {"units": [unit]}, Limits())


@pytest.mark.parametrize(
    "unit",
    [
        *(KINDS[kind].unit.format(id="data.h2.kxqwzn") for kind in sorted(KINDS)),
        "ceph-volume@lvm-3-0b3d7f2a-64f5-4d6b-9c7e-0d6d0a3c1f55.service",
        "ceph-immutable-object-cache@site.service",
        "ceph-0b3d7f2a-64f5-4d6b-9c7e-0d6d0a3c1f55@osd.3.service",
        r"ceph-mds@a\x2db.service",
    ],
)
def test_what_a_host_may_hold_in_maintenance_can_be_put_back(unit: str) -> None:
    """Seen to fail where only the units of daemons that are deployed from here were allowed."""
    assert can_be_kept(unit)

    check("host_maintenance", {"units": [{"unit": unit, "how": "mask", "ran": True}]}, Limits())


@pytest.mark.parametrize(
    ("verb", "parameters", "limits"),
    [
        ("package_install", {"packages": {"Debian": ["x"]}}, Limits(packages=("x",))),
        ("host_report", {"sysfs_root": "/x"}, Limits(sysfs_roots=("/x",))),
        ("device_light", {"command": ["/x", "{path}"]}, Limits(light_commands=(("/x", "{path}"),))),
        (
            "tuned_profiles",
            {"profiles": {"p": {"kernel.panic": "1"}}},
            Limits(kernel_settings=("kernel.panic",)),
        ),
        (
            "tuned_profiles",
            {"profiles": {"p": {"kernel.panic": "1"}}},
            Limits(kernel_settings=("kernel.p*",)),
        ),
    ],
)
def test_what_root_allows(verb: str, parameters: Dict[str, Any], limits: Limits) -> None:
    given = {**DEFAULTS.get(verb, {}), **parameters}

    check(verb, given, limits)
    with pytest.raises(Refused, match=r"Root may allow it there, as \w+ in /etc/"):
        check(verb, given, Limits())


def test_a_host_may_be_for_one_cluster() -> None:
    given = {**DEFAULTS["host_report"], "cluster": "a"}

    check("host_report", given, Limits(clusters=("a",)))
    with pytest.raises(Refused, match="this host is for other clusters"):
        check("host_report", given, Limits(clusters=("b",)))


def test_a_key_is_not_repeated() -> None:
    secret = "AQBcIyRnAAAAABAA0000000000000000000000=="
    with pytest.raises(Refused) as caught:
        check("osd_remove", {"osds": [], "keyring": f"[a]\nkey = {secret}\nx = {secret}"}, Limits())

    assert secret not in str(caught.value)
