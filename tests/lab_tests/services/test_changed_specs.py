"""A changed spec arrives on real hosts: options at once, a port with one restart, and back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services import by_hand
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.services.test_command import DIRECTORY, command, ok

NAME, SECTION, HOST = "rgw.pc", "client.rgw.pc", "h2"


def spec(port: int, **config: Any) -> str:
    lines = "".join(f"  {name}: {value}\n" for name, value in config.items())
    return (
        f"service_type: rgw\nservice_id: pc\nplacement: {{hosts: [{HOST}]}}\n"
        f"spec: {{rgw_frontend_port: {port}}}\n" + (f"config:\n{lines}" if config else "")
    )


def apply(lab: Lab, text: str, *more: str) -> str:
    answer = lab.ssh(lab.first, "ceph", "orch", "apply", "-i", "-", *more, stdin=text)
    assert answer.rc == 0, answer.err
    return str(answer.out)


def daemon(services: Services) -> Mapping[str, Any]:
    (row,) = services.ps(NAME)
    return row


def option(lab: Lab, name: str) -> str:
    return next(
        (
            row["value"]
            for row in lab.ceph_json("config", "dump")
            if (row["section"], row["name"]) == (SECTION, name)
        ),
        "",
    )


def listens(lab: Lab, port: int) -> bool:
    return f":{port} " in lab.sh(HOST, f"ss -Hltn 'sport = :{port}'")


@pytest.fixture(scope="module")
def gateway(services: Services) -> Iterator[Services]:
    services.remove(NAME)
    apply(services.lab, spec(8100, rgw_thread_pool_size=128))
    services.wait_runs(NAME, 1)
    yield services
    services.remove(NAME)


def test_an_option_arrives_within_two_seconds_and_without_a_job(gateway: Services) -> None:
    lab, jobs, before = gateway.lab, gateway.changing_jobs(), daemon(gateway)
    apply(lab, spec(8100, rgw_thread_pool_size=256, rgw_enable_usage_log="true"))
    began = time.monotonic()
    wait_until("it is set", lambda: option(lab, "rgw_thread_pool_size") == "256", 20)
    assert time.monotonic() - began < 2.0
    assert option(lab, "rgw_enable_usage_log") == "true"
    assert gateway.changing_jobs() == jobs
    assert daemon(gateway)["started"] == before["started"]


def test_an_option_that_is_taken_out_goes_and_others_stay(gateway: Services) -> None:
    lab = gateway.lab
    lab.ok("config", "set", SECTION, "debug_rgw", "2/2")
    try:
        apply(lab, spec(8100, rgw_thread_pool_size=256))
        wait_until("it is gone", lambda: option(lab, "rgw_enable_usage_log") == "", 20)
        lab.ok("config", "set", SECTION, "rgw_thread_pool_size", "5")
        wait_until("it is healed", lambda: option(lab, "rgw_thread_pool_size") == "256", 60)
        assert option(lab, "debug_rgw") == "2/2"
    finally:
        lab.ok("config", "rm", SECTION, "debug_rgw")


def test_a_port_that_moves_is_said_before_and_restarts_the_daemon_once(gateway: Services) -> None:
    lab, before = gateway.lab, daemon(gateway)
    name = before["daemon_name"]
    seen = apply(lab, spec(8200, rgw_thread_pool_size=256), "--dry-run")
    assert f"would restart {name} (rgw_frontends changed)" in seen
    assert listens(lab, 8100)

    said = apply(lab, spec(8200, rgw_thread_pool_size=256))
    assert f"restart {name} (rgw_frontends changed)" in said
    wait_until("it listens on the new port", lambda: listens(lab, 8200), SECONDS)
    assert not listens(lab, 8100)
    gateway.wait_runs(NAME, 1)

    def configured() -> bool:
        return bool(daemon(gateway).get("last_configured", "") > before["last_configured"])

    wait_until("ps says when", configured, 30)
    jobs = gateway.changing_jobs()
    for _ in range(2):
        apply(lab, spec(8200, rgw_thread_pool_size=256))
    time.sleep(5)
    assert gateway.changing_jobs() == jobs
    assert "would" not in apply(lab, spec(8200, rgw_thread_pool_size=256), "--dry-run")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"rgw_thread_pool_size": "many"}, "Invalid config rgw_thread_pool_size 'many'"),
        ({"mds_cache_memory_limit": "4G"}, "a rgw daemon does not read it"),
        ({"keyring": "/x"}, "the monitors keep no value of this option"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_value_that_ceph_refuses_is_refused(
    gateway: Services, config: dict[str, Any], said: str, more: tuple[str, ...]
) -> None:
    lab, before = gateway.lab, gateway.ls()[NAME]["spec"]
    answer = lab.ssh(
        lab.first, "ceph", "orch", "apply", "-i", "-", *more, stdin=spec(8200, **config)
    )
    assert said in answer.out + answer.err
    assert gateway.ls()[NAME]["spec"] == before


def test_one_that_was_made_by_hand_is_left_until_its_spec_changes(services: Services) -> None:
    lab = services.lab
    by_hand.make(lab, "h3", "mds", "own.h3.byhand")
    text = "service_type: mds\nservice_id: own\nplacement: {hosts: [h3]}\n"
    try:
        lab.ok("orch", "ps", "--refresh")
        wait_until("it is listed", lambda: services.hosts("mds.own") == ["h3"], SECONDS)
        (before,) = services.ps("mds.own")
        apply(lab, text)
        time.sleep(10)
        (now,) = services.ps("mds.own")
        assert now["started"] == before["started"]

        apply(lab, text + "config: {log_file: /var/log/ceph/own.log}\n")

        def restarted() -> bool:
            (row,) = services.ps("mds.own")
            return bool(row["started"] != before["started"] and row["status_desc"] == "running")

        wait_until("it was restarted", restarted, SECONDS)
    finally:
        services.remove("mds.own")
        lab.ceph("auth", "rm", "mds.own.h3.byhand")


def test_nothing_of_it_is_left(gateway: Services) -> None:
    lab = gateway.lab
    gateway.remove(NAME)
    assert [row for row in lab.ceph_json("config", "dump") if row["section"] == SECTION] == []
    assert lab.ceph("config-key", "get", f"mgr/ansible/settings.{NAME}").rc != 0


def test_the_command_predicts_it_too(services: Services) -> None:
    lab = services.lab
    services.remove(NAME)
    apply(lab, spec(8100, rgw_thread_pool_size=128))
    services.wait_runs(NAME, 1)
    wait_until("ps says when", lambda: daemon(services).get("last_configured"), 30)
    try:
        out = ok(command(lab, "apply", "-i", "-", "--check", stdin=spec(8200, debug_rgw="2/2")))
        name = daemon(services)["daemon_name"]
        assert f"{NAME}: would set debug_rgw of {SECTION}" in out
        assert f"{NAME}: would remove rgw_thread_pool_size of {SECTION}" in out
        assert f"{NAME}: would restart {name} (rgw_frontends changed)" in out
        assert f"+{name}: running (restarted)" in out
        refused = command(lab, "apply", "-i", "-", "--check", stdin=spec(8200, debug_rgw="x"))
        assert "Invalid config debug_rgw 'x'" in refused.err
        assert listens(lab, 8100)
    finally:
        lab.sh(lab.first, "rm -rf $1", DIRECTORY)
        services.remove(NAME)


def test_a_key_that_was_given_anew_arrives(services: Services) -> None:
    lab = services.lab
    apply(lab, "service_type: mds\nservice_id: own\nplacement: {hosts: [h3]}\n")
    try:
        services.wait_runs("mds.own", 1)
        (before,) = services.ps("mds.own")
        name = before["daemon_name"]
        lab.ok("auth", "rotate", name)
        new = lab.ceph_json("auth", "get", name)[0]["key"]
        place = f"/var/lib/ceph/mds/ceph-{before['daemon_id']}/keyring"
        wait_until("it has the key", lambda: new in lab.sh("h3", f"cat {place}"), SECONDS)

        def restarted() -> bool:
            (row,) = services.ps("mds.own")
            return bool(row["started"] != before["started"] and row["status_desc"] == "running")

        wait_until("it was restarted", restarted, SECONDS)
        jobs = services.changing_jobs()
        time.sleep(70)
        assert services.changing_jobs() == jobs
    finally:
        services.remove("mds.own")


def test_monitors_and_managers_are_restarted_one_by_one(services: Services) -> None:
    lab = services.lab
    for kind, count, name, value in (
        ("mon", 3, "mon_debug_dump_location", "/var/log/ceph/x.tdump"),
        ("mgr", 2, "mgr_pool", "true"),
    ):
        text = f"service_type: {kind}\nplacement: {{count: {count}}}\n"
        apply(lab, text)
        services.wait_runs(kind, count)
        wait_until(
            "all were configured",
            lambda kind=kind: all(row["status_desc"] == "running" for row in services.ps(kind)),
            SECONDS,
        )
        before = {row["daemon_id"]: row["started"] for row in services.ps(kind)}
        said = apply(lab, text + f"config: {{{name}: {value}}}\n")
        assert said.count(f"restart {kind}.") == count, said

        def all_again(kind: str = kind, before: Mapping[str, Any] = before) -> bool:
            rows = services.ps(kind)
            quorum = lab.ceph_json("quorum_status")["quorum_names"]
            assert kind != "mon" or len(quorum) >= 2
            now = {row["daemon_id"]: row.get("started") for row in rows}
            return all(now.get(name) not in (None, started) for name, started in before.items())

        wait_until(f"all {kind} daemons began again", all_again, 2 * SECONDS)
        services.wait_runs(kind, count)
