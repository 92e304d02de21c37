"""NFS services: what their specs may say, and what hosts are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.kinds import check_fields, kind_of
from adapter.kinds.nfs import POOL
from plugins.module_utils.daemons.kinds import nfs_conf
from tests.unit.kinds.specs import refusal_of, spec_from

DATA: Dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("nfs_refused.yml").read_text(encoding="utf-8")
)
KIND = kind_of("nfs")


def spec_of(**fields: Any) -> Any:
    return spec_from("nfs", "a", fields)


@pytest.mark.parametrize("case", DATA["refused"])
def test_what_cannot_be_carried_out_is_refused(case: str) -> None:
    fields, said = DATA["refused"][case]

    assert said in refusal_of(lambda: check_fields(spec_of(**fields)))


def test_every_field_is_carried_out_or_refused() -> None:
    """What is in no case of the data file has an effect, or is for every kind."""
    cases = {name for fields, _ in DATA["refused"].values() for name in fields}
    common = {"service_type", "service_id", "placement", "unmanaged", "preview_only", "count"}
    containers = {"extra_container_args", "extra_entrypoint_args", "custom_configs"}
    there = {name for name in vars(spec_of()) if not name.startswith("_")}

    assert there - cases - common - containers <= {"targets"}
    assert {"port", "idmap_conf"} == KIND.fields


def test_a_host_is_told_port_and_namespace() -> None:
    idmap = {
        "General": {"Domain": "example.com", "Verbosity": 0},
        "Translation": {"Method": "static"},
    }
    spec = spec_of(port=2050, idmap_conf=idmap)
    check_fields(spec)

    told = KIND.host_settings(spec)

    assert told["port"] == 2050
    assert told["settings"] == {
        "namespace": "a",
        "idmap_conf": "[General]\nDomain = example.com\nVerbosity = 0\n"
        "[Translation]\nMethod = static\n",
    }
    assert KIND.host_settings(spec_of()) == {"port": 2049, "settings": {"namespace": "a"}}


def test_a_key_reaches_what_is_the_services_alone() -> None:
    caps = dict(KIND.caps_of(spec_of()))

    assert caps["osd"].startswith("allow rw pool=.nfs namespace=a, ")
    assert caps["mon"] == "allow r"


def test_hosts_look_for_exports_where_the_module_of_ceph_keeps_them() -> None:
    assert nfs_conf.POOL == POOL
    assert nfs_conf.exports_of("a") == spec_of().rados_config_name()
