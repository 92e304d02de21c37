"""``docs/troubleshooting.md``: figures, records, and what an offline host allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List

import pytest

from adapter.cluster import backoff, bad_records, refresh
from adapter.engine.local import LocalEngine
from adapter.engine.model import Target
from adapter.engine.ssh import ProbeResult
from adapter.errors import AdapterError, HostUnreachable
from adapter.interface import DeviceLightLoc, HostSpec, raise_if_exception
from adapter.operations import REGISTRY
from adapter.settings import Settings
from tests.tools.documents import ROOT, flat, names, rows, section, texts
from tests.unit.methods.world import World

PAGE = texts()["docs/troubleshooting.md"]
TEXT = flat(PAGE)
MINUTES = {60.0: "one", 300.0: "5", 600.0: "ten", 900.0: "15", 1800.0: "thirty"}


def test_deadlines_of_jobs_are_those_of_operations() -> None:
    seconds = sorted(each.timeout for each in REGISTRY.values())
    expected = f"between {MINUTES[seconds[0]]} and {MINUTES[seconds[-1]]} minutes"
    assert expected in TEXT
    one = REGISTRY["get_facts"]

    def timeout(count: int) -> float:
        targets = [Target(f"h{each}", "10.0.0.1") for each in range(count)]
        return one.request(targets, actor="test").timeout

    (many, more) = re.findall(
        r"with more than (\d+) hosts, ([\d.]+) s more for each of them", TEXT
    )[0]
    assert timeout(int(many)) == one.timeout
    assert timeout(int(many) + 1) == pytest.approx(one.timeout + float(more))


def test_a_report_that_failed_is_tried_again_as_the_code_says() -> None:
    said = flat(section(PAGE, "ANSIBLE_REFRESH_FAILED"))
    last = MINUTES[refresh.RETRY_LAST]
    assert f"after {refresh.RETRY_FIRST:g} seconds at first, at most after {last} minutes" in said


def test_a_service_that_failed_is_tried_again_as_the_code_says() -> None:
    said = flat(section(PAGE, "ANSIBLE_SERVICE_FAILED"))
    last = MINUTES[backoff.RETRY_LAST]
    assert f"after {backoff.RETRY_FIRST:g} seconds at first, at most after {last} minutes" in said


def test_a_record_that_was_not_kept_is_shown_as_long_as_is_said() -> None:
    shown = MINUTES[bad_records.UNKEPT_SHOWN]
    assert f"The warning goes {shown} minutes after" in flat(section(PAGE, "ANSIBLE_NOT_KEPT"))


def test_hosts_are_looked_at_as_often_as_is_said() -> None:
    said = flat(section(PAGE, "ANSIBLE_HOST_OFFLINE"))
    assert f"every {Settings().probe_interval:g} seconds" in said


def test_so_many_jobs_run_at_a_time_as_is_said() -> None:
    default = LocalEngine.__init__.__kwdefaults__["max_running"]
    assert {4: "At most four run at a time"}[default] in TEXT


def test_records_of_every_kind_are_in_both_tables() -> None:
    kinds = {"state": "state.paused"}
    kinds = {kind: kinds.get(kind, kind) for kind in bad_records.ADVICE}
    whole = section(PAGE, "ANSIBLE_BAD_RECORD")
    by_hand = section(PAGE, "Records that are changed by hand")
    first = {name for row in rows(whole.replace(by_hand, "")) for name in names(row[0])}
    second = {name for row in rows(by_hand) for name in names(row[0])}

    def of_kind(name: str) -> str:
        return name if name == "state.paused" else name.partition(".")[0]

    assert {of_kind(name) for name in first} == set(kinds.values())
    assert {of_kind(name) for name in second} == set(kinds.values())


def test_the_words_of_health_checks_are_those_of_the_code() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in _python("adapter"))
    shown = re.findall(r"\[WRN\] (ANSIBLE_\w+): (.*)", PAGE)
    assert shown
    for code, words in shown:
        bare = re.sub(r"^\d+ (hosts? )?", "", words)
        near = [
            source[found.start() - 200 : found.end() + 200] for found in re.finditer(code, source)
        ]
        assert [each for each in near if f'{bare}"' in each], code


def _python(folder: str) -> List[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_a_failed_daemon_is_acted_on() -> None:
    """tests/unit/reconcile has that a daemon in error of a managed service is brought back."""
    said = flat(section(PAGE, "ANSIBLE_DAEMON_FAILED"))
    assert "is started again by itself" in said
    assert "def test_a_broken_daemon_is_brought_back" in (
        ROOT / "tests/unit/reconcile/test_services.py"
    ).read_text(encoding="utf-8")
    assert not [name for name, text in texts().items() if "only looks at them" in flat(text)]


@pytest.fixture
def offline(world: World) -> Any:
    """Return an orchestrator whose host h1 is offline; it answers at 10.0.0.9 as well."""
    same = ProbeResult(True, hostname="h1", machine_id="m1", keys=("ssh-ed25519 AAAA",))
    world.ssh.prober.answers.update({"10.0.0.1": same, "10.0.0.9": same})
    for name, addr in (("h1", "10.0.0.1"), ("h2", "10.0.0.2")):
        raise_if_exception(world.orchestrator.add_host(HostSpec(name, addr=addr, labels=["a"])))
    while world.engine.poll():
        pass
    for _ in range(2):
        world.core.liveness.missed("h1", "no route to host", 0.0, 0.0)
    return world.orchestrator


def test_what_an_offline_host_allows(offline: Any) -> None:
    said = flat(section(PAGE, "ANSIBLE_HOST_OFFLINE"))
    assert (
        "While a host is offline, its labels can be changed (it learns them later), it can be "
        "given another address or a new host key (`ceph orch host set-addr`), and be removed with "
        "`--offline --force`. Other commands that need it are refused at once" in said
    )
    for result in (
        offline.add_host_label("h1", "b"),
        offline.remove_host_label("h1", "a"),
        offline.update_host_addr("h1", "10.0.0.9"),
    ):
        raise_if_exception(result)
    with pytest.raises(AdapterError, match="--offline --force"):
        raise_if_exception(offline.remove_host("h1"))
    for _ in range(2):
        offline.core.liveness.missed("h1", "no route to host", 0.0, 0.0)
    raise_if_exception(offline.remove_host("h1", force=True, offline=True))


def test_other_commands_for_an_offline_host_are_refused_at_once(offline: Any) -> None:
    for result in (
        offline.rescan_host("h1"),
        offline.blink_device_light("ident", True, [DeviceLightLoc("h1", "sdb", "/dev/sdb")]),
        offline.zap_device("h1", "/dev/sdb"),
    ):
        with pytest.raises(HostUnreachable):
            raise_if_exception(result)
