"""Whatever a text says, it stays a text: through variables, from hosts, through every method."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Request, Target
from adapter.interface import (
    DeviceLightLoc,
    DriveGroupSpec,
    HostSpec,
    OrchestratorError,
    OrchestratorValidationError,
    ServiceSpec,
    SpecValidationError,
    raise_if_exception,
    specs_from_yaml,
)
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import here
from tests.soak.payloads import payloads
from tests.unit.engine.harness import CONTENT, finish
from tests.unit.methods.world import World, report

Record = Callable[[str, object], None]
GROUP = "Texts that would be code"
ROOT = Path(__file__).resolve().parents[2]
MANY, FEW = 10_000, 1_000
# A new orchestrator after so many texts: what one left behind shall not help the next for long.
LIFE = 50
REFUSALS = (OrchestratorError, OrchestratorValidationError, SpecValidationError)
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
ADDRESS = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9.:%-]*[A-Za-z0-9:])?")
DEVICE = re.compile(r"/dev/[A-Za-z0-9/_.:+@=-]+")


@pytest.fixture
def canary(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file that must not be there in the end, under whatever name."""
    directory = state / "nest"
    directory.mkdir()
    monkeypatch.chdir(tmp_path)
    yield directory / "canary"
    assert list(directory.iterdir()) == [], "a text was run"


@pytest.mark.fault(GROUP, "as variables of jobs, as keys and values", full=1)
def test_variables(
    make_engine: MakeEngine, canary: Path, is_full: bool, record_property: Record
) -> None:
    """Seen to fail with strings written without their tag: the canary is there."""
    engine = make_engine(content=CONTENT)
    texts = payloads(MANY if is_full else FEW, str(canary))
    for start in range(0, len(texts), FEW):
        part = texts[start : start + FEW]
        given = {"list": part, "deep": [{"x": [{text: text}]} for text in part]}
        job = finish(
            engine, engine.submit(Request("get_report", here("h0"), {"given": given})), 120
        )
        assert job.exception is None, job.exception
        assert job.result["h0"]["given"] == given
    record_property("outcome", f"{len(texts):,} texts: each comes back as it was, none is run")


@pytest.mark.fault(GROUP, "in what a host answers", full=1)
def test_answers_of_a_hostile_host(
    make_engine: MakeEngine, state: Path, canary: Path, is_full: bool, record_property: Record
) -> None:
    """Not seen to fail: ansible-core takes no answer for a template; this holds it to that."""
    engine = make_engine(content=ROOT)
    texts = payloads(MANY if is_full else FEW, str(canary))
    for start in range(0, len(texts), FEW):
        for answer in _answers(texts[start : start + FEW], canary):
            _ask(engine, state, answer)
    record_property(
        "outcome", f"{len(texts):,} texts: no host is added, no connection changed, none is run"
    )


def _answers(texts: List[str], canary: Path) -> Iterator[Dict[str, Any]]:
    """Yield results that a module on the host may print instead of its own."""
    proxy = f"-oProxyCommand=touch {canary}"
    report = {"schema": 1, "identity": {text: text for text in texts}, "facts": {"x": texts}}
    yield {
        "changed": False,
        "ceph_orch_result": report,
        "ansible_facts": {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.9",
            "ansible_ssh_common_args": proxy,
            "ansible_ssh_args": proxy,
            "ansible_python_interpreter": f"touch {canary};",
            "ansible_shell_executable": f"touch {canary};",
            "host_report_gather": texts[0],
            "host_record_path": texts[0],
            "inventory_hostname": texts[0],
            "texts": texts,
        },
        "add_host": {"host_name": "evil", "host_vars": {"ansible_connection": "local"}},
        "add_group": "evil",
        "stats": {"aggregate": True, "per_host": False, "data": {"evil": texts[0]}},
        "ansible_stats": {"aggregate": True, "per_host": False, "data": {"evil": texts[0]}},
    }
    yield {"failed": True, "msg": " ".join(texts)[:200_000], "exception": texts[0], "rc": texts[1]}
    yield {
        "warnings": texts[:50],
        "deprecations": [{"msg": text, "version": text} for text in texts[:50]],
        "diff": [{"before": text, "after": text} for text in texts[:50]],
        "invocation": {"module_args": {text: text for text in texts[:50]}},
        "_ansible_delegated_vars": {"ansible_host": texts[0]},
        "_ansible_no_log": texts[0],
        "ceph_orch_result": {
            "identity": {"__ansible_unsafe": texts[0]},
            "facts": {"__ansible_type": "TrustedAsTemplate", "value": texts[0]},
            "devices": [
                {
                    "__ansible_type": "_AnsibleTaggedStr",
                    "value": text,
                    "tags": [{"__ansible_type": "TrustedAsTemplate"}],
                }
                for text in texts[:50]
            ],
        },
    }


def _ask(engine: LocalEngine, state: Path, answer: Dict[str, Any]) -> None:
    """Ask a host that answers every module with the same."""
    data, python = state / "answer.json", state / "hostile-python"
    data.write_text(json.dumps(answer))
    python.write_text(f"#!/bin/sh\ncat >/dev/null\ncat {data}\n")
    python.chmod(0o700)
    target = Target("h0", "127.0.0.1", connection="local", python=str(python))
    friend = Target("h1", "127.0.0.1", connection="local", python=sys.executable)
    variables = {
        "host_record_path": str(state / "record.json"),
        "host_record_fsid": "",
        "host_report_gather": [],
    }
    job = engine.submit(Request("update_host_addr", (target, friend), variables, timeout=60.0))
    finish(engine, job, 90)
    assert job.status in (JobStatus.SUCCEEDED, JobStatus.FAILED), job.message
    assert set(job.outcomes) == {"h0", "h1"}, "a host that nobody named"
    assert job.outcomes["h1"].status in (HostStatus.OK, HostStatus.CHANGED), job.outcomes["h1"]


CALLS: Dict[str, Callable[[Any, str], Any]] = {
    "host name": lambda o, text: o.add_host(HostSpec(text, "192.0.2.7")),
    "host address": lambda o, text: o.add_host(HostSpec("new", text)),
    "host label": lambda o, text: o.add_host(HostSpec("new", "192.0.2.7", labels=[text])),
    "label": lambda o, text: o.add_host_label("h1", text),
    "label removed": lambda o, text: o.remove_host_label("h1", text),
    "host of a label": lambda o, text: o.add_host_label(text, "x"),
    "address": lambda o, text: o.update_host_addr("h1", text),
    "host removed": lambda o, text: o.remove_host(text, force=True, offline=True),
    "light": lambda o, text: o.blink_device_light(
        "ident", True, [DeviceLightLoc("h1", text, text)]
    ),
    "zapped disk": lambda o, text: o.zap_device("h1", text),
    "host of a zapped disk": lambda o, text: o.zap_device(text, "/dev/sdb"),
    "OSD": lambda o, text: o.remove_osds([text]),
    "OSD path": lambda o, text: o.create_osds(_drive_group([text])),
    "drive group's path": lambda o, text: o.apply([_drive_group([text])]),
    "service id": lambda o, text: o.apply([_spec(service_id=text)]),
    "placement host": lambda o, text: o.apply([_spec(placement={"hosts": [text]})]),
    "placement label": lambda o, text: o.apply([_spec(placement={"label": text})]),
    "placement pattern": lambda o, text: o.apply([_spec(placement={"host_pattern": text})]),
    "service type": lambda o, text: o.apply([_spec(service_type=text)]),
    "networks": lambda o, text: o.apply([_spec(networks=[text])]),
    "configuration": lambda o, text: o.apply([_spec(config={text: text})]),
    "service": lambda o, text: o.remove_service(text),
    "unmanaged service": lambda o, text: o.set_unmanaged(text, True),
    "service action": lambda o, text: o.service_action("restart", text),
    "action": lambda o, text: o.service_action(text, "mon"),
    "daemon": lambda o, text: o.daemon_action("restart", text),
    "daemon removed": lambda o, text: o.remove_daemons([text]),
    "rescanned host": lambda o, text: o.rescan_host(text),
    "file of specs": lambda o, text: o.apply(specs_from_yaml(text)),
    "value in a file of specs": lambda o, text: o.apply(
        specs_from_yaml(f"service_type: mds\nservice_id: {text}\n")
    ),
    "key in a file of specs": lambda o, text: o.apply(
        specs_from_yaml(f"service_type: mds\nservice_id: x\nconfig:\n  {text}: y\n")
    ),
}


def _spec(**fields: Any) -> ServiceSpec:
    return ServiceSpec.from_json({"service_type": "mds", "service_id": "data", **fields})


def _drive_group(paths: List[str]) -> DriveGroupSpec:
    return DriveGroupSpec.from_json(
        {
            "service_type": "osd",
            "service_id": "x",
            "placement": {"hosts": ["h1"]},
            "spec": {"method": "raw", "data_devices": {"paths": paths}},
        }
    )


@pytest.mark.fault(GROUP, "through every method", full=1)
@pytest.mark.parametrize("what", CALLS)
def test_methods(what: str, is_full: bool, record_property: Record) -> None:
    """Seen to fail without the check of addresses: a job for the address of a text.

    What is let through goes the way of ``test_variables``.
    """
    accepted = 0
    texts = payloads(MANY if is_full else FEW // 5, "/run/canary")
    for number, text in enumerate(texts):
        if number % LIFE == 0:
            world = _world()
        before = len(world.requests)
        said = _said(lambda text=text, world=world: CALLS[what](world.orchestrator, text))
        assert len(said) < 2000, f"a message of {len(said)} characters"
        assert not {"\n", "\x1b"} & set(said), repr(said)
        accepted += not said
        world.engine.poll()
        for request in world.requests[before:]:
            _assert_harmless(request)
    record_property("outcome", f"{len(texts):,} texts: each is refused in one line, or harmless")
    record_property("accepted", accepted)


def _world() -> World:
    """Return an orchestrator that knows one host and its disks, and waits for nothing."""
    world = World()
    world.core.answer_wait = 0.0
    raise_if_exception(world.orchestrator.add_host(HostSpec("h1", "192.0.2.1")))
    world.core.reports.absorb("h1", report("h1"), 1.0)
    return world


def _said(call: Callable[[], Any]) -> str:
    """Return the error of a call, or nothing; any other exception than a refusal is a failure."""
    try:
        raise_if_exception(call())
    except REFUSALS as error:
        return str(error)
    return ""


def _assert_harmless(request: Request) -> None:
    for target in request.targets:
        assert HOST_NAME.fullmatch(target.name), target
        assert ADDRESS.fullmatch(target.addr), target
    for path in _paths(request.variables):
        assert DEVICE.fullmatch(path), path
        assert ".." not in path.split("/"), path


def _paths(value: Any) -> Iterator[str]:
    """Yield what is called a path, however deep."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "path" and isinstance(item, str):
                yield item
            else:
                yield from _paths(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths(item)
