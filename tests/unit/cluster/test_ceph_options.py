"""Options and their values are read as the monitors read them: recorded from Ceph 20.2.4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from adapter.cluster.ceph_options import Option, check_value, read_settings
from adapter.errors import InvalidValue
from adapter.kinds import KINDS, kind_of

DATA = Path(__file__).with_name("data")
OPTIONS = {
    row["name"]: Option.read(row) for row in json.loads((DATA / "ceph_options.json").read_text())
}
TOLD: List[Dict[str, Any]] = json.loads((DATA / "config_set.json").read_text())
# The monitors take these, and make of them what nobody means.
STRICTER = {
    ("mds_cache_reservation", " 0.5"),
    ("mds_cache_reservation", "nan"),
    ("mon_mgr_beacon_grace", ""),
    ("ms_shutdown_timeout", "5s"),
    ("mds_cache_memory_limit", "+4"),
    ("debug_rgw", "1/2/3"),
}
# The monitors know what an address is; here it is a text.
LENIENT = {("public_addr", "xx")}


@pytest.mark.parametrize("row", TOLD, ids=lambda row: f"{row['option']}={row['value']!r}"[:60])
def test_a_value_is_refused_that_the_monitors_refuse_and_no_other(row: Dict[str, Any]) -> None:
    option, value = OPTIONS[row["option"]], row["value"]
    kind = next(
        kind
        for kind in (*KINDS, "osd")
        if not option.services or option.services & kind_of(kind).reads
    )
    if row["kept"] is not None and (option.name, value) not in STRICTER:
        check_value(option, value, kind)
        if option.type not in ("addr", "addrvec"):
            assert option.same(value, row["kept"]), row["kept"]
        return
    if (option.name, value) in LENIENT:
        return
    with pytest.raises(InvalidValue) as refused:
        check_value(option, value, kind)
    assert option.name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "kind", "said"),
    [
        ("osd_op_queue", "bad", "osd", "Allowed: wpq, mclock_scheduler, debug_random."),
        (
            "osd_scrub_begin_hour",
            24,
            "osd",
            "it is more than 23. Allowed: a whole number from 0 to 23.",
        ),
        ("osd_memory_target", "1K", "osd", "at least 939524096"),
        ("mds_cache_memory_limit", "4 G", "mds", "a size in bytes, as in 4096, 64K or 4G"),
        (
            "mds_cache_memory_limit",
            "4G",
            "rgw",
            "it is an option of mds, a rgw daemon does not read it",
        ),
        ("rgw_thread_pool_size", 5, "crash", "a crash daemon does not read it"),
        ("keyring", "/x", "mds", "the monitors keep no value of this option"),
        ("rgw_dns_name", None, "rgw", "it is not a single value"),
        ("rgw_dns_name", ["a", "b"], "rgw", "it is not a single value"),
        ("rgw_enable_usage_log", "yes", "rgw", "Allowed: true or false."),
        ("debug_rgw", "x", "rgw", "two as in 1/5"),
    ],
)
def test_an_error_names_option_value_and_what_is_allowed(
    name: str, value: Any, kind: str, said: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        check_value(OPTIONS[name], value, kind)
    assert said in str(refused.value)
    assert f"config {name} {value!r}" in str(refused.value)


def test_an_option_of_a_managers_module_is_one_of_managers() -> None:
    option = Option("mgr/dashboard/ssl", "bool", runtime=False)
    check_value(option, False, "mgr")
    with pytest.raises(InvalidValue, match="it is an option of mgr, a rgw daemon does not read it"):
        check_value(option, False, "rgw")


def test_numbers_and_truth_values_of_yaml_are_values() -> None:
    check_value(OPTIONS["rgw_enable_usage_log"], True, "rgw")
    check_value(OPTIONS["mds_cache_reservation"], 0.5, "mds")
    check_value(OPTIONS["rgw_thread_pool_size"], 128, "rgw")


def test_what_needs_a_restart_is_what_ceph_says() -> None:
    needs = {name for name, option in OPTIONS.items() if option.needs_restart}
    assert {"rgw_frontends", "rgw_gc_max_objs", "mgr_pool", "rgw_dns_name"} <= needs
    assert not {"rgw_thread_pool_size", "debug_rgw", "mds_cache_memory_limit"} & needs


def test_every_kind_of_daemon_says_whose_options_it_reads() -> None:
    # Programs that are none of Ceph's read nothing of the monitors.
    ceph = [kind for kind in (*KINDS, "osd") if kind_of(kind).is_ceph]
    assert all("common" in kind_of(kind).reads for kind in ceph)
    assert not any(kind_of(kind).reads for kind in KINDS if kind not in ceph)
    assert {"rgw", "mds", "osd"} <= {
        each for kind in (*KINDS, "osd") for each in kind_of(kind).reads
    }


def test_settings_of_a_mask_are_nobodys_here() -> None:
    rows = [
        {"section": "mds.a", "name": "debug_ms", "value": "1/1", "mask": ""},
        {"section": "mds.a", "name": "debug_mds", "value": "2/2", "mask": "host:h1"},
    ]
    assert read_settings(rows) == {("mds.a", "debug_ms"): "1/1"}
    assert read_settings({}) == {}
