"""What a site has done itself: a value of an option, a mask, a realm that is not there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.services.test_changed_specs import apply

MDS, HOST = "mds.own", "h3"
OPTION, SITES, OURS = "mds_cache_memory_limit", "5000000000", "3000000000"
TEXT = f"service_type: mds\nservice_id: own\nplacement: {{hosts: [{HOST}]}}\n"
WITH_OPTION = f"{TEXT}config: {{{OPTION}: {OURS}}}\n"


def option(lab: Lab) -> str:
    rows = lab.ceph_json("config", "dump")
    found = [row["value"] for row in rows if (row["section"], row["name"]) == (MDS, OPTION)]
    return found[0] if found else ""


def events(services: Services, name: str) -> str:
    return "\n".join(map(str, services.ls()[name].get("events", ())))


def unit_of(services: Services) -> str:
    (row,) = services.ps(MDS)
    return f"ceph-mds@{row['daemon_id']}.service"


def masked(services: Services) -> bool:
    rows: list[Any] = services.ps(MDS)
    return [row["status_desc"] for row in rows] == ["masked"]


def load_state(lab: Lab, unit: str) -> str:
    return lab.sh(HOST, "systemctl show --property=LoadState --value -- $1", unit).strip()


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    yield
    lab = services.lab
    lab.sh(HOST, "systemctl unmask ceph-mds@.service ceph-crash")
    services.remove(MDS, "rgw.own")
    lab.ceph("config", "rm", MDS, OPTION)


def test_a_sites_value_is_named_and_comes_back(services: Services) -> None:
    lab = services.lab
    lab.ok("config", "set", MDS, OPTION, SITES)
    seen = apply(lab, WITH_OPTION, "--dry-run")
    print(seen)
    assert f"would set {OPTION} of {MDS} (replaces a value that was set before)" in seen
    said = apply(lab, WITH_OPTION)
    print(said)
    assert f"It replaces values that were set before: {OPTION} of {MDS};" in said
    assert SITES not in seen + said
    wait_until("it is ours", lambda: option(lab) == OURS, 20)
    services.wait_runs(MDS, 1)

    seen = apply(lab, TEXT, "--dry-run")
    print(seen)
    assert f"would put {OPTION} of {MDS} back to the value that it had before" in seen
    apply(lab, TEXT)
    wait_until("it is the site's", lambda: option(lab) == SITES, 20)
    assert f"put {OPTION} of {MDS} back" in events(services, MDS)

    apply(lab, WITH_OPTION)
    wait_until("it is ours", lambda: option(lab) == OURS, 20)
    lab.ok("mgr", "fail")
    wait_until("a manager answers", lambda: MDS in services.ls(), 60)
    said = lab.ok("orch", "rm", MDS)
    print(said)
    wait_until("it is gone", lambda: MDS not in services.ls(), SECONDS)
    assert option(lab) == SITES
    assert lab.ceph("config-key", "get", f"mgr/ansible/settings.{MDS}").rc != 0


def test_a_masked_daemon_is_named_with_its_remedy(services: Services) -> None:
    lab = services.lab
    apply(lab, TEXT)
    services.wait_runs(MDS, 1)
    unit = unit_of(services)
    lab.sh(HOST, "systemctl mask --now -- $1", unit)
    lab.ok("orch", "ps", "--refresh")
    wait_until("ps says it", lambda: masked(services), 60)
    print(lab.ok("orch", "ps", "--service_name", MDS))

    def named() -> str:
        text = lab.ok("health", "detail")
        return text if f"systemctl unmask {unit}" in text else ""

    text = wait_until("health says the remedy", named, 120) or named()
    print("\n".join(line for line in named().splitlines() if "mask" in line))
    assert "Install the package" not in str(text)
    name = services.ps(MDS)[0]["daemon_name"]
    job = lab.ceph("orch", "daemon", "start", name)
    print(job.out, job.err)

    lab.sh(HOST, "systemctl unmask -- $1", unit)
    services.wait_runs(MDS, 1, SECONDS)
    assert load_state(lab, unit) == "loaded"


@pytest.mark.parametrize("template", [False, True], ids=["its own mask", "its template's"])
def test_a_masked_daemon_is_removed_to_the_end(services: Services, template: bool) -> None:
    lab = services.lab
    apply(lab, TEXT)
    services.wait_runs(MDS, 1)
    unit = unit_of(services)
    mask = "ceph-mds@.service" if template else unit
    lab.sh(HOST, "systemctl mask -- $1; systemctl stop -- $2", mask, unit)
    lab.ok("orch", "ps", "--refresh")
    wait_until("ps says it", lambda: masked(services), 60)
    lab.ok("orch", "rm", MDS)
    wait_until("it is gone", lambda: MDS not in services.ls(), SECONDS)
    assert load_state(lab, unit) == ("masked" if template else "loaded")
    left = lab.sh(HOST, "find /etc/systemd/system /var/lib/ceph/mds -name '*own*'")
    assert left == ""


def test_a_gateway_without_its_realm_says_so(services: Services) -> None:
    lab = services.lab
    apply(
        lab,
        "service_type: rgw\nservice_id: own\nplacement: {hosts: [h2]}\n"
        "spec: {rgw_frontend_port: 8300, rgw_realm: nope, rgw_zone: nozone}\n",
    )

    def named() -> str:
        text = lab.ok("health", "detail")
        return text if "rgw.own" in text else ""

    began = time.monotonic()
    wait_until("health says why", named, 2 * SECONDS)
    text = "\n".join(line for line in named().splitlines() if "rgw.own" in line)
    print(f"{time.monotonic() - began:.0f} s", text)
    assert "failed to load realm" in text
    assert text.count("Couldn't init storage provider") <= 1
