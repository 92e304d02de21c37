"""``orch-ansible apply``, ``ls``, ``rm`` and ``daemon ...``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

from adapter.cli.ceph import Ceph, CephError
from adapter.cli.monitors import READING, words_of
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.errors import InvalidValue
from adapter.mgr.store import MonStore
from tests.unit.cli.door import Door
from tests.unit.cli.kept_values import KeptValues
from tests.unit.methods.world import report
from tests.unit.mgr.fake_mon import Manager, MonKeys
from tests.unit.reconcile.fake_keys import OPTIONS

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
KEY = "AQD" + "x" * 35 + "=="
MDS = "service_type: mds\nservice_id: data\nplacement: {hosts: [h1, h2]}\n"
ENOENT = 2


class Cluster(Ceph):
    """The monitors as ``ceph`` reaches them; ``told`` has what changes something."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.keys: Set[str] = set()
        self.kept: Dict[str, str] = {}
        self.values = KeptValues()
        self.config: List[Dict[str, str]] = []
        self.backend = ""

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Answer."""
        line = " ".join(words).replace(" --format json", "")
        if line == "orch status":
            return json.dumps({"backend": "ansible" if self.kept else self.backend})
        if line == "fsid":
            return FSID + "\n"
        self.values.values.update(self.kept)
        kept = self.values.answer(words, given)
        if kept is not None:
            return kept
        if line.startswith(("config get ", "config help ")):
            return _option(words)
        if line.startswith("auth get "):
            if words[2] not in self.keys:
                raise CephError([*words], "Error ENOENT: no such entity", ENOENT)
            return json.dumps([{"entity": words[2], "key": KEY}])
        if line.startswith("auth get-or-create "):
            self.told.append(line)
            self.keys.add(words[2])
            return json.dumps([{"entity": words[2], "key": KEY}])
        if line.startswith(("auth rm ", "config set ", "config rm ", "mds fail ")):
            self._configure(*words)
            self.told.append(line)
            return ""
        answers = {
            "config generate-minimal-conf": f"[global]\nfsid = {FSID}\n",
            "osd dump": '{"epoch": 1, "osds": [], "pools": []}',
            "osd tree": '{"nodes": [], "stray": []}',
            "mon dump": '{"mons": []}',
            "node ls": '{"mon": {}, "osd": {}, "mds": {}, "mgr": {}}',
            "service dump": '{"services": {}}',
            "quorum_status": '{"quorum_names": ["h1"], "monmap": {"mons": [{"name": "h1"}]}}',
            "mgr dump": '{"active_name": "h1", "standbys": []}',
            "fs dump": '{"standbys": [], "filesystems": []}',
            "mds ok-to-stop": "",
            "auth ls": '{"auth_dump": []}',
            "config dump": json.dumps(self.config),
        }
        return next(text for prefix, text in answers.items() if line.startswith(prefix))

    def _configure(self, room: str, verb: str, section: str, *more: str) -> None:
        if room != "config":
            return
        option, value = [*more, ""][:2]
        where = {"section": section, "name": option}
        self.config = [row for row in self.config if not where.items() <= row.items()]
        if verb == "set":
            self.config.append({**where, "value": value, "mask": ""})


class Machines:
    """The hosts: what runs on them follows from the jobs."""

    def __init__(self) -> None:
        self.daemons: Set[Tuple[str, str]] = set()
        self.refusing = ""
        self.state = "running"

    def __call__(self, request: Request) -> Dict[str, HostOutcome]:
        """Answer a job."""
        return {target.name: self._answer(request, target.name) for target in request.targets}

    def _answer(self, request: Request, host: str) -> HostOutcome:
        changed = False
        variables: Dict[str, Any] = dict(request.variables)
        if request.operation == "apply_mds":
            if host == self.refusing:
                return HostOutcome(HostStatus.FAILED, message="the port is taken")
            changed = True
            if not request.check:
                rows = variables["daemon_deploy_daemons"][host]
                self.daemons |= {(host, row["id"]) for row in rows}
        if request.operation == "remove_daemons":
            changed = True
            if not request.check:
                rows = variables["daemon_remove_daemons"][host]
                self.daemons -= {(host, row["daemon_id"]) for row in rows}
        rows = [_row(i, self.state) for h, i in sorted(self.daemons) if h == host]
        record = {"schema": 1, "hostname": host, "addr": f"10.0.0.{host[1:]}", "cluster": ""}
        found = {**report(host), "daemons": rows}
        found["identity"]["record"] = record
        status = HostStatus.CHANGED if changed else HostStatus.OK
        diff = ({"before": "", "after": "mds: running\n"},) if changed and request.check else ()
        return HostOutcome(status, result=found, diff=diff)


def _option(words: Tuple[str, ...]) -> str:
    if words[1] == "get":
        return "root\n"
    if words[2] not in OPTIONS:
        raise CephError([*words], "Error ENOENT: ", ENOENT)
    return json.dumps(OPTIONS[words[2]])


def _row(daemon_id: str, state: str) -> Dict[str, Any]:
    return {
        "daemon_type": "mds",
        "daemon_id": daemon_id,
        "unit": f"ceph-mds@{daemon_id}.service",
        "state": state,
        "enabled": True,
        "fsid": FSID,
    }


@pytest.fixture
def machines() -> Machines:
    """Return the hosts."""
    return Machines()


@pytest.fixture
def kept(door: Door, machines: Machines) -> Door:
    """Return the command on a directory with h1, h2 and a cluster without a manager's backend."""
    door.ceph, door.answer = Cluster(), machines
    for name in ("h1", "h2"):
        door.run("host", "add", name, f"10.0.0.{name[1:]}")
    door.requests.clear()
    return door


def spec(door: Door, text: str = MDS) -> str:
    path = Path(door.directory) / "specs.yml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_apply_brings_a_service_about_and_shows_it(kept: Door, machines: Machines) -> None:
    out = kept.run("apply", "-i", spec(kept)).stdout

    assert "Scheduled mds.data update..." in out
    assert out.splitlines()[-1].split()[:2] == ["mds.data", "2/2"]
    assert {host for host, _ in machines.daemons} == {"h1", "h2"}
    told = sorted(line.partition(" mds.")[0] for line in kept.ceph.told)
    assert told == ["auth get-or-create", "auth get-or-create", "config set"]
    apply = next(each for each in kept.requests if each.operation == "apply_mds")
    assert KEY not in str(apply.variables)


def test_a_second_apply_does_nothing(kept: Door) -> None:
    kept.run("apply", "-i", spec(kept))
    kept.requests.clear()
    kept.ceph.told.clear()

    kept.run("apply", "-i", spec(kept))

    assert [name for name, _ in kept.operations()] == ["get_inventory"]
    assert kept.ceph.told == []


def test_a_check_says_what_would_be_done_everywhere_and_does_nothing(
    kept: Door, machines: Machines
) -> None:
    result = kept.run("apply", "-i", spec(kept), "--check")

    assert "mds.data: would add one on h1" in result.stdout
    assert "would run: ceph auth get-or-create mds.data.h1." in result.stdout
    assert "+mds: running" in result.stdout
    assert "Nothing was changed" in result.stderr
    assert (kept.ceph.told, machines.daemons) == ([], set())
    assert "No services" in kept.run("ls").stdout


def test_ls_exports_what_apply_reads(kept: Door) -> None:
    kept.run("apply", "-i", spec(kept))
    exported = kept.run("ls", "--export").stdout
    kept.requests.clear()

    kept.run("apply", "-i", spec(kept, exported))

    assert kept.run("ls", "--export").stdout == exported
    assert "apply_mds" not in [name for name, _ in kept.operations()]


def test_a_daemon_that_an_earlier_spec_would_remove_is_not_removed_by_the_way(
    kept: Door, machines: Machines
) -> None:
    kept.run("apply", "-i", spec(kept))
    machines.daemons.add(("h2", "data.h2.byhand"))
    crash = spec(kept, "service_type: crash\nplacement: {hosts: [h1]}\nunmanaged: true\n")

    line = kept.refused("apply", "-i", crash, status=1)

    assert " on h2 would be removed by earlier specs" in line
    assert len(machines.daemons) == 3
    assert "crash" not in kept.run("ls", "--export").stdout
    kept.run("apply", "-i", spec(kept))
    assert len(machines.daemons) == 2


def test_rm_takes_the_daemons_the_keys_and_the_spec(kept: Door, machines: Machines) -> None:
    kept.run("apply", "-i", spec(kept))
    assert "mds.data" in kept.run("rm", "mds.data").stdout
    assert machines.daemons == set()
    assert kept.run("ls", "--export").stdout == ""


def test_a_host_that_refuses_is_named_and_the_next_run_goes_on(
    kept: Door, machines: Machines
) -> None:
    machines.refusing = "h2"
    result = kept.run("apply", "-i", spec(kept), status=1)
    assert "h2: the port is taken" in result.stderr

    machines.refusing = ""
    kept.run("apply", "-i", spec(kept))
    assert {host for host, _ in machines.daemons} == {"h1", "h2"}


def test_what_is_not_done_in_time_is_said(kept: Door, machines: Machines) -> None:
    machines.state = "error"

    result = kept.run("apply", "-i", spec(kept), "--wait", "1", status=1)

    assert "mds.data: mds.data.h1." in result.stderr
    assert "is not well" in result.stderr
    assert "not done within 1 s; the next run goes on" in result.stderr


def test_a_host_that_does_not_answer_is_left_out(kept: Door, machines: Machines) -> None:
    kept.offline("10.0.0.2")

    result = kept.run("apply", "-i", spec(kept))

    assert "h2 is left out: no route." in result.stderr
    assert {host for host, _ in machines.daemons} == {"h1"}


def test_a_cluster_with_a_managers_backend_is_only_looked_at(
    kept: Door, machines: Machines
) -> None:
    hosts = {
        f"mgr/ansible/host.{name}": json.dumps({"hostname": name, "addr": f"10.0.0.{name[1:]}"})
        for name in ("h1", "h2", "h3")
    }
    kept.ceph.kept = {**hosts, "mgr/ansible/ssh_identity_key": "PRIVATE"}

    line = kept.refused("apply", "-i", spec(kept), status=1)
    assert line.startswith("The cluster's manager does this by itself. Use `ceph orch`")
    out = kept.run("apply", "-i", spec(kept, MDS.replace("h1, h2", "h3")), "--check").stdout

    assert "mds.data: would add one on h3" in out
    assert (kept.ceph.told, machines.daemons) == ([], set())
    assert not any("PRIVATE" in path.read_text() for path in kept.directory.rglob("*.*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no spec in"),
        ("service_type: mdx\nplacement: {count: 1}\n", "document 1: "),
        (MDS.replace("h2", "h9"), "h9"),
        (MDS + "unknown: 1\n", "unknown"),
        ("service_type: loki\n", "this backend does not deploy it"),
        ("{", "YAML"),
    ],
)
def test_what_is_no_spec_is_refused_with_its_field(kept: Door, text: str, said: str) -> None:
    assert said in kept.refused("apply", "-i", spec(kept, text))
    assert {name for name, _ in kept.operations()} <= {"get_inventory"}


def test_a_daemon_is_restarted_where_it_runs(kept: Door, machines: Machines) -> None:
    kept.run("apply", "-i", spec(kept))
    name = f"mds.{min(machines.daemons)[1]}"
    kept.requests.clear()

    kept.run("daemon", "restart", name)

    assert kept.operations()[-1] == ("daemon_action", ["h1"])
    assert not list((kept.directory / "daemon_action").glob("*.yml")), "nobody takes over"
    assert "mds.nope" in kept.refused("daemon", "restart", "mds.nope")


def test_the_words_of_a_command() -> None:
    given = {"prefix": "osd ok-to-stop", "ids": ["1", "2"], "max": 3, "format": "json"}
    assert words_of(given) == ["osd", "ok-to-stop", "1", "2", "--max", "3", "--format", "json"]
    sure = {"prefix": "osd purge-actual", "id": 3, "yes_i_really_mean_it": True}
    assert words_of(sure) == ["osd", "purge-actual", "3", "--yes-i-really-mean-it"]
    assert "auth get-or-create" not in READING
    with pytest.raises(InvalidValue, match="would take it for an option"):
        words_of({"prefix": "config set", "who": "mds.a", "name": "x", "value": "--id=admin"})


def test_a_cluster_with_another_backend_is_left_to_it(kept: Door) -> None:
    kept.ceph.backend = "cephadm"

    line = kept.refused("apply", "-i", spec(kept), status=1)
    assert line.startswith("The cluster's manager does this by itself.")
    assert kept.operations() == []


def test_a_large_record_of_the_manager_is_read(kept: Door) -> None:
    keys = MonKeys(limit=3000)
    store = MonStore(Manager(keys))
    for name in ("h1", "h2", "h3"):
        labels = [f"{name}-{number**3}" for number in range(2000)]
        store.set(f"host.{name}", {"hostname": name, "addr": f"10.0.0.{name[1]}", "labels": labels})
    assert any(key.startswith("mgr/ansible/part.") for key in keys.values)
    kept.ceph.kept = {**keys.values, "mgr/ansible/ssh_identity_key": "PRIVATE"}
    text = MDS.replace("hosts: [h1, h2]", "label: h3-7988005999")

    assert "would add one on h3" in kept.run("apply", "-i", spec(kept, text), "--check").stdout


def test_nothing_is_brought_about_while_a_record_cannot_be_read(kept: Door) -> None:
    (kept.directory / "host" / "h3.yml").write_text("[")
    before = len(kept.operations())

    line = kept.refused("apply", "-i", spec(kept), status=1)
    assert "h3.yml" in line
    assert len(kept.operations()) == before


def test_a_record_of_the_manager_that_is_none_is_named(kept: Door) -> None:
    kept.ceph.kept = {"mgr/ansible/host.h1": "{", "mgr/ansible/ssh_identity_key": "PRIVATE"}

    assert "host.h1 cannot be used" in kept.refused("apply", "-i", spec(kept), "--check", status=1)


H3 = "service_type: host\nhostname: h3\naddr: 10.0.0.3\nlabels: [mds]\n"
LABELLED = "service_type: mds\nservice_id: data\nplacement: {label: mds}\n"


@pytest.mark.parametrize("service", [LABELLED, MDS.replace("h1, h2", "h3")])
def test_hosts_of_a_file_are_known_to_its_services(
    kept: Door, machines: Machines, service: str
) -> None:
    file = spec(kept, f"{H3}---\n{service}")
    before = kept.files()

    result = kept.run("apply", "-i", file, "--check")
    assert "host h3: would be added with addr '10.0.0.3' and the labels mds" in result.stdout
    assert "mds.data: would add one on h3" in result.stdout
    assert (kept.files(), machines.daemons) == (before, set())
    kept.run("apply", "-i", file)
    assert {host for host, _ in machines.daemons} == {"h3"}
    files = kept.files()
    kept.requests.clear()
    again = kept.run("apply", "-i", file).stdout
    assert "Host 'h3' with addr '10.0.0.3' is there already; nothing is changed" in again
    assert kept.files() == files
    assert {name for name, _ in kept.operations()} == {"get_inventory"}


def test_a_check_shows_the_plans_of_what_is_right(kept: Door, machines: Machines) -> None:
    wrong = MDS.replace("h1, h2", "h9").replace("data", "other")
    result = kept.run("apply", "-i", spec(kept, f"{MDS}---\n{wrong}"), "--check", status=2)

    assert "mds.data: would add one on h1" in result.stdout
    assert "mds.other: There is no host 'h9'" in result.stderr
    assert machines.daemons == set()


def test_all_documents_that_are_wrong_are_named(kept: Door) -> None:
    line = kept.refused("apply", "-i", spec(kept, f"{MDS}---\n{MDS}---\nservice_type: mdx\n"))

    assert "document 2: service mds.data is there twice, in document 1 (line 1)" in line
    assert "document 3: service_type: 'mdx'" in line
    assert kept.operations() == []


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "-f", "yaml"],
        ["ls", "-f", "json"],
        ["ls", "--export", "-f", "json"],
        ["host", "ls", "-f", "yaml"],
    ],
)
def test_what_is_printed_is_applied_again(kept: Door, words: List[str]) -> None:
    kept.run("apply", "-i", spec(kept))
    text = kept.run(*words).stdout
    before = (kept.files(), kept.run("ls", "--export").stdout)
    kept.requests.clear()

    kept.run("apply", "-i", spec(kept, text))
    assert (kept.files(), kept.run("ls", "--export").stdout) == before
    assert {name for name, _ in kept.operations()} == {"get_inventory"}


def test_what_nobody_specified_is_left_as_it_is(kept: Door, machines: Machines) -> None:
    machines.daemons = {("h1", "other.h1.abcdef")}
    text = kept.run("ls", "-f", "yaml").stdout
    assert "mds.other" in text

    result = kept.run("apply", "-i", spec(kept, text))
    assert "mds.other runs and nobody specified it" in result.stderr
    assert kept.run("ls", "--export").stdout == ""


def test_a_certificate_is_exported_line_by_line(kept: Door) -> None:
    directory = kept.directory / "spec"
    directory.mkdir(exist_ok=True)
    rgw = {"service_type": "rgw", "service_id": "a", "unmanaged": True}
    cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    record = {"spec": {**rgw, "spec": {"rgw_frontend_ssl_certificate": cert}}, "created": 1.0}
    (directory / "rgw.a.yml").write_text(json.dumps(record))

    out = kept.run("ls", "--export").stdout
    assert "  rgw_frontend_ssl_certificate: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n" in out


def test_a_changed_spec_is_brought_about(kept: Door) -> None:
    kept.run("apply", "-i", spec(kept))
    kept.requests.clear()
    kept.ceph.told.clear()
    changed = MDS + "config: {log_file: /x/a, mds_cache_memory_limit: 8G}\n"

    out = kept.run("apply", "-i", spec(kept, changed), "--check").stdout
    assert "mds.data: would set mds_cache_memory_limit of mds.data\n" in out
    assert "(log_file changed)" in out
    assert "would run: ceph config set mds.data mds_cache_memory_limit 8G" in out
    assert kept.ceph.told == []

    kept.requests.clear()
    kept.run("apply", "-i", spec(kept, changed))
    rows = [
        each.variables["daemon_deploy_daemons"] for each in kept.requests if "mds" in each.operation
    ]
    assert [list(row) for row in rows] == [["h1"], ["h2"]], "not one after the other"
    assert all(one["since"] for row in rows for ones in row.values() for one in ones)
    assert "config set mds.data log_file /x/a" in kept.ceph.told

    kept.requests.clear()
    kept.ceph.told.clear()
    kept.run("apply", "-i", spec(kept, changed))
    assert ([name for name, _ in kept.operations()], kept.ceph.told) == (["get_inventory"], [])


@pytest.mark.parametrize("more", [(), ("--check",)])
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("mds_cache_memory_limit: lots", "Allowed: a size in bytes, as in 4096, 64K or 4G."),
        ("mds_nope: 1", "Ceph has no option of this name"),
        ("rgw_enable_usage_log: true", "a mds daemon does not read it"),
    ],
)
def test_a_value_that_ceph_refuses_is_refused(
    kept: Door, config: str, said: str, more: Tuple[str, ...]
) -> None:
    text = MDS + f"config: {{{config}}}\n"
    line = kept.refused("apply", "-i", spec(kept, text), *more)
    assert said in line
    assert config.partition(":")[0] in line
    assert kept.run("ls", "--export").stdout == ""


def test_what_waits_for_the_cluster_is_not_waited_for(kept: Door) -> None:
    rgw = "service_type: rgw\nservice_id: s3\nplacement: {hosts: [h1]}\n"
    result = kept.run("apply", "-i", spec(kept, rgw), "--wait", "5", status=1)
    assert "It waits: the cluster has no OSD yet." in result.stdout
    assert "rgw.s3 waits: the cluster has no OSD yet. `ceph orch apply osd`" in result.stderr
    assert kept.pauses <= 30
    dry = kept.run("apply", "-i", spec(kept, rgw), "--check")
    assert "rgw.s3: would wait: the cluster has no OSD yet" in dry.stdout
