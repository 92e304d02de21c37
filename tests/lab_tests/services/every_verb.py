"""Every verb that reaches hosts, once: hosts, devices, OSDs, services of each kind, daemons."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import yaml

from tests.lab_tests.lab_client import RECORD, Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST, OTHER = "h2", "h3"
KEY, VALUE = "net.core.somaxconn", "4095"
SETTING = f"{KEY}={VALUE}"
LIGHT = "/usr/bin/touch /run/every-verb-{dev}-{kind}-{state}"
# Each with how many daemons it has. Debian has no package of ceph-exporter.
WANTED = {
    "mds.verb": 2,
    "rgw.verb": 1,
    "rbd-mirror": 1,
    "cephfs-mirror": 1,
    "crash": 3,
}
SPECS = [
    {"service_type": "mds", "service_id": "verb", "placement": {"count": 2}},
    {
        "service_type": "rgw",
        "service_id": "verb",
        "placement": {"count": 1},
        "spec": {"rgw_frontend_port": 8094},
    },
    {"service_type": "rbd-mirror", "placement": {"count": 1}},
    {"service_type": "cephfs-mirror", "placement": {"count": 1}},
    {"service_type": "crash", "placement": {"host_pattern": "*"}},
]
# What the loop and the verbs below make of it.
OPERATIONS = {
    "add_host",
    "add_host_label",
    "apply_cephfs_mirror",
    "apply_crash",
    "apply_mds",
    "apply_mgr",
    "apply_mon",
    "apply_rbd_mirror",
    "apply_rgw",
    "apply_tuned_profiles",
    "blink_device_light",
    "create_osds",
    "daemon_action",
    "remove_daemons",
    "remove_host",
    "remove_host_label",
    "remove_osds",
    "rescan_host",
    "service_action",
    "update_conf",
    "update_host_addr",
    "zap_device",
}


def hosts(lab: Lab) -> None:
    """Remove a host, add it again, label it, move it to the address that it has."""
    lab.ok("orch", "host", "rm", OTHER, "--force")
    gone = lambda: lab.ssh(OTHER, "test", "-e", RECORD).rc == 1  # noqa: E731
    wait_until("the record on the host is gone", gone, SECONDS)
    addr = lab.machines[OTHER].addr
    lab.ok("orch", "host", "add", OTHER, addr)
    wait_until("its devices are known", lambda: OTHER in lab.listed_devices(), SECONDS)
    # Each on its own: what a later one makes needless is dropped while it is queued.
    for words in (("label", "add", OTHER, "verb"), ("label", "rm", OTHER, "verb")):
        lab.ok("orch", "host", *words)
        wait_until("the host knows its labels", lambda: no_job(lab), SECONDS)
    lab.ok("orch", "host", "set-addr", OTHER, addr)
    lab.ok("ansible", "check-host", OTHER)


def profiles(lab: Lab) -> None:
    """Set a kernel setting of a host and put it back; Ceph 16.2 has no such command."""
    lab.ok("orch", "tuned-profile", "apply", "verb", "--settings", SETTING, "--placement", OTHER)
    wait_until("it is set", lambda: VALUE in lab.sh(OTHER, f"sysctl -n {KEY}"), SECONDS)
    lab.ok("orch", "tuned-profile", "rm", "verb")
    wait_until("it is put back", lambda: VALUE not in lab.sh(OTHER, f"sysctl -n {KEY}"), SECONDS)
    wait_until("the host is through", lambda: no_job(lab), SECONDS)


def no_job(lab: Lab) -> bool:
    """Tell whether no job is queued or running."""
    return all(job["status"] not in ("queued", "running") for job in lab.jobs())


def devices(lab: Lab) -> None:
    """Rescan a host, switch a light, make an OSD and remove it with its data."""
    lab.ok("orch", "host", "rescan", HOST)
    lab.ok("orch", "device", "ls", "--refresh")
    path = free(lab, HOST)[0]
    with lab.option("light_command", LIGHT):
        for state in ("on", "off"):
            answer = lab.light(HOST, path, "ident", state)
            assert answer.rc == 0, answer.err
    before = set(lab.ceph_json("osd", "ls"))
    lab.ok("orch", "daemon", "add", "osd", f"{HOST}:{path}")
    made = lambda: set(lab.ceph_json("osd", "ls")) - before  # noqa: E731
    (number,) = wait_until("the OSD is made", made, SECONDS)
    wait_until("it is up", lambda: is_up(lab, number), SECONDS)
    lab.ok("orch", "osd", "rm", str(number), "--force")
    wait_until("it is gone", lambda: number not in lab.ceph_json("osd", "ls"), SECONDS)
    wait_until("the queue is empty", lambda: "No OSD" in lab.ok("orch", "osd", "rm", "status"), 60)
    lab.ok("orch", "device", "zap", HOST, path, "--force")
    wait_until("the disk is free", lambda: path in free(lab, HOST), SECONDS)


def free(lab: Lab, host: str) -> list[str]:
    return [path for path, row in lab.listed_devices().get(host, {}).items() if row["available"]]


def is_up(lab: Lab, number: int) -> bool:
    return any(row["osd"] == number and row["up"] for row in lab.ceph_json("osd", "dump")["osds"])


@contextlib.contextmanager
def all_services(services: Services, *without: str) -> Iterator[None]:
    """Run a service of each kind; at the end nothing is left but one monitor and one manager."""
    lab = services.lab
    services.remove_all()
    # Whatever was there: what is there already is not deployed.
    one_of_each(services)
    specs = [spec for spec in SPECS if spec["service_type"] not in without]
    wanted = {name: size for name, size in WANTED.items() if name not in without}
    try:
        lab.ok("orch", "apply", "mon", "3")
        lab.ok("orch", "apply", "mgr", "2")
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(specs))
        for name, size in {"mon": 3, "mgr": 2, **wanted}.items():
            services.wait_runs(name, size)
        yield
    finally:
        services.remove(*wanted)
        one_of_each(services)


def one_of_each(services: Services) -> None:
    """Have one manager and one monitor, on the first host."""
    for kind in ("mgr", "mon"):
        services.lab.ok("orch", "apply", kind, f"--placement={services.lab.first}")
        services.wait_runs(kind, 1)


def actions(services: Services) -> None:
    """Restart a service, stop and start a daemon, remove one that comes back, add one more."""
    lab = services.lab
    lab.ok("orch", "restart", "mds.verb")
    services.wait_runs("mds.verb", 2)
    name = services.ps("mds.verb")[0]["daemon_name"]
    for action in ("stop", "start", "restart"):
        lab.ok_when_settled("orch", "daemon", action, name)
    services.wait_runs("mds.verb", 2)
    lab.ok("orch", "daemon", "rm", name, "--force")
    services.wait_runs("mds.verb", 2)
    lab.ok("orch", "daemon", "add", "mds", "verb", HOST)
    wait_until("no job is left", lambda: not working(lab), SECONDS)
    services.wait_runs("mds.verb")


def working(lab: Lab) -> list[str]:
    return [row["id"] for row in lab.jobs() if row["status"] in ("queued", "running")]
