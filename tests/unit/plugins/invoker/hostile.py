"""Inputs that the invoker must refuse, made at random from a seed; each is made wrong."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple

VERSION = "1.2.3"
FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
KEYRING = "[client.bootstrap-osd]\n\tkey = AQBcIyRnAAAAABAA0000000000000000000000==\n"
CONF = f"[global]\n\tfsid = {FSID}\n\tmon_host = [v2:192.0.2.1:3300/0,v1:192.0.2.1:6789/0]\n"
DAEMON = {"daemon_type": "mds", "daemon_id": "a.b", "keyring_file": "k"}
DISK = {"path": "/dev/sdx"}
OSD = {"osd_id": 3, "osd_uuid": FSID, "disks": [DISK]}
# Of each verb parameters that are allowed.
GOOD: Dict[str, Dict[str, Any]] = {
    "ceph_daemon": {
        "daemons": [DAEMON],
        "cluster": FSID,
        "keyrings": {"k": KEYRING},
        "conf": CONF,
        "packages": {"Debian": ["ceph-mds"], "RedHat": ["ceph-mds"]},
    },
    "cluster_access": {"fsid": FSID, "conf": CONF, "keyring": KEYRING},
    "daemon_action": {"action": "restart", "units": ["ceph-osd@3.service"]},
    "device_light": {
        "host": "h1",
        "locations": [{"host": "h1", "dev": "sdx", "path": "/dev/sdx"}],
        "kind": "ident",
        "on": True,
    },
    "device_zap": {"devices": [DISK], "cluster": FSID, "keyring": KEYRING},
    "host_maintenance": {
        "step": "exit",
        "units": [{"unit": "ceph-osd@3.service", "how": "mask", "ran": True}],
    },
    "host_record": {"hostname": "h1", "addr": "192.0.2.1", "labels": ["a"], "cluster": FSID},
    "host_report": {"gather": []},
    "host_rescan": {"timeout": 5},
    "host_upgrade": {"version": "20.2.5", "units": ["ceph-mgr@a.service"]},
    "osd_create": {"groups": [{"data": [DISK]}], "cluster": FSID, "conf": CONF},
    "osd_remove": {"osds": [OSD], "cluster": FSID},
    "package_install": {"packages": {"Debian": ["ceph-osd"], "RedHat": ["ceph-osd"]}},
    "package_lists": {"timeout": 5},
    "tuned_profiles": {"fsid": FSID, "profiles": {"p": {"vm.swappiness": "10"}}},
}
# Paths into them (keys and numbers), and values that are not allowed there.
PATHS = (
    "/etc/shadow",
    "/dev/../etc/shadow",
    "/dev/shm/x",
    "sdx",
    "/dev/sd\nx",
    "-x",
    "/dev/sdx;id",
)
UNITS = ("ssh.service", "../x", "ceph-osd@1.service x", "-H", "ceph-orch-packages.service", "a\nb")
HELD = ("ceph-orch-x@1.service", "ssh@ceph-1.service", "ceph-x@/etc.service", "ceph-x.service")
CONFS = (
    "[client]\n\tlog_file = /etc/cron.d/x",
    "[global]\n\tlog file = /etc/cron.d/x",
    "[global]\n# a\rlog_file = /etc/cron.d/x",
    "[global]\nfsid = a\\\nlog_file = /x",
    "[global]\nplugin_dir = /tmp",
    "[osd]\nfsid = x",
    "include /etc/shadow",
)
KEYRINGS = (
    "root:x:0:0",
    "[a]\n\tlog_file = /etc/x",
    "[a]\nkey = $(id)",
    "[a]\ncaps mon = a\rkey=1",
)
SETTINGS = (
    "kernel.core_pattern",
    "kernel/core_pattern",
    "kernel.modprobe",
    "fs.binfmt_misc.register",
    "net.core.//.//.kernel.core_pattern",
    "vm.mmap_min_addr",
    "x",
    "",
)
PACKAGES = ("openssh-server", "../x.deb", "-o=Dpkg::Pre-Invoke::=id", "ceph-osd=1", "a b", "?")
Place = Tuple[Any, ...]
BAD: List[Tuple[str, Place, Iterable[Any]]] = [
    ("ceph_daemon", ("conf",), CONFS),
    ("ceph_daemon", ("keyrings", "k"), (*KEYRINGS, ["x"], {"a": "b"}, 3)),
    ("ceph_daemon", ("packages", "Debian"), (["bash", PACKAGES[0]], "bash", {"a": 1})),
    ("ceph_daemon", ("packages", "Suse"), (["ceph-osd"],)),
    ("ceph_daemon", ("packages",), ("Debian=bash", '{"Debian": ["bash"]}', ["bash"])),
    ("ceph_daemon", ("daemons",), ("daemon_type=mds", '[{"daemon_type": "mds"}]', [["x"]], ["x"])),
    ("ceph_daemon", ("daemons", 0, "unit"), UNITS),
    ("ceph_daemon", ("daemons", 0, "secret_files"), ({"haproxy.cfg": "k"},)),
    ("ceph_daemon", ("daemons", 0, "daemon_type"), ("nfs",)),
    ("ceph_daemon", ("daemons", 0, "addr"), ("a b", "$(id)", "::1\n[osd]")),
    ("ceph_daemon", ("daemons", 0, "owner"), ("root",)),
    ("cluster_access", ("conf",), CONFS),
    ("cluster_access", ("keyring",), KEYRINGS),
    ("cluster_access", ("path",), ("/etc/shadow",)),
    ("daemon_action", ("units",), ([unit] for unit in UNITS)),
    ("daemon_action", ("action",), ("mask", "enable", "start; id", ["start"])),
    ("daemon_action", ("wait",), (-1, 86401, 10**18)),
    ("device_light", ("command",), (["/bin/sh", "-c", "id"], ["id"], "id")),
    ("device_light", ("sysfs_root",), ("/tmp", "/sys/../tmp", "~", "$HOME", "")),
    ("device_light", ("locations", 0, "path"), PATHS),
    ("device_light", ("locations", 0, "dev"), ("shm/x", "../etc/x", "/etc/x", "a b")),
    ("device_zap", ("devices", 0, "path"), PATHS),
    ("device_zap", ("devices", 0, "link"), PATHS),
    ("device_zap", ("keyring",), KEYRINGS),
    ("host_maintenance", ("units", 0, "unit"), (*UNITS, *HELD, 3, None)),
    ("host_maintenance", ("units", 0), ("unit=ssh.service", ["a"], 3)),
    ("host_record", ("path",), ("/etc/cron.d/x", "../x", "/var/lib/ceph-orch-ansible/../x", "~/x")),
    ("host_report", ("sysfs_root",), ("/tmp", "$HOME")),
    ("host_report", ("dev_root",), ("/tmp", "~")),
    ("host_report", ("gather",), ("facts", {"a": 1}, ["secrets"])),
    ("host_rescan", ("sysfs_root",), ("/tmp", "/proc/self/root/sys")),
    ("host_upgrade", ("version",), ("-x", "20.2.5;id", "../20", "20.2.5 x", "a\nb")),
    ("host_upgrade", ("units",), ([unit] for unit in UNITS)),
    ("host_upgrade", ("step",), ("remove", "install; id", ["install"])),
    ("osd_create", ("groups", 0, "data", 0, "path"), PATHS),
    ("osd_create", ("groups", 0, "db"), ([{"path": path}] for path in PATHS)),
    ("osd_create", ("conf",), CONFS),
    ("osd_create", ("parallel",), (-1, 10**9)),
    ("osd_remove", ("osds", 0, "disks", 0, "path"), PATHS),
    ("osd_remove", ("keyring",), KEYRINGS),
    ("package_install", ("packages", "Debian"), ([name] for name in PACKAGES)),
    ("package_install", ("packages", "RedHat"), ([name] for name in PACKAGES)),
    ("package_lists", ("timeout",), (-1, 86401)),
    ("tuned_profiles", ("profiles", "p"), ({name: "1"} for name in SETTINGS)),
    (
        "tuned_profiles",
        ("profiles", "p"),
        ({"vm.swappiness": "1\nkernel.modprobe = /x"}, ["x"], "x"),
    ),
    ("tuned_profiles", ("profiles", "../x"), ({"vm.swappiness": "1"},)),
    ("tuned_profiles", ("profiles",), ("p=x", [])),
]
_BAD = [(verb, place, value) for verb, place, values in BAD for value in values]
_WRONG = (None, True, 1, -1, 1.5, "", "x", [], {}, [[]], "\x00", "\u2028", "../" * 40, "a" * 9000)


def document(verb: str, parameters: Dict[str, Any], **more: Any) -> Dict[str, Any]:
    """Return a document that asks for a verb, in check mode."""
    base = {"version": VERSION, "verb": verb, "check": True, "parameters": parameters}
    return {**base, **more}


def bad_values() -> Iterator[Dict[str, Any]]:
    """Yield each value that is not allowed once, in a document that is good otherwise."""
    for verb, place, value in _BAD:
        yield document(verb, _changed(GOOD[verb], place, value))


def _changed(good: Dict[str, Any], place: Place, value: Any) -> Dict[str, Any]:
    changed = copy.deepcopy(good)
    inner: Any = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def inputs(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield inputs of every kind in turn."""
    chance = random.Random(seed)
    for number in range(count):
        yield _KINDS[number % len(_KINDS)](chance)


def _noise(chance: random.Random) -> bytes:
    return bytes(chance.randrange(256) for _ in range(chance.randrange(400)))


def _not_json(chance: random.Random) -> bytes:
    text = json.dumps(_some(chance)).encode()
    at = chance.randrange(1, len(text))
    cut = [text[:at], text[at:], text + b"}", text * 2, b"[" + text, text.replace(b'"', b"'")]
    return chance.choice(cut)


def _deep(chance: random.Random) -> bytes:
    depth = chance.choice((33, 100, 1000, 100_000))
    opening = chance.choice((b"[", b'{"a":'))
    return opening * depth + (
        b"1" + (b"]" if opening == b"[" else b"}") * depth
    ) * chance.randrange(2)


def _huge(chance: random.Random) -> bytes:
    kinds = [
        json.dumps(document("host_report", {"gather": ["a" * (1 << 20)]})).encode(),
        b'{"version": ' + b"9" * chance.randrange(21, 10_000) + b"}",
        json.dumps(_some(chance)).encode() + b" " * (1 << 20),
        b'"' + b'\\"' * 300_000,
        b'{"check": 1e999}',
        b'{"check": NaN}',
    ]
    return chance.choice(kinds)


def _envelope(chance: random.Random) -> bytes:
    wrong = _some(chance)
    name = chance.choice(("version", "verb", "check", "diff", "mark", "parameters"))
    kinds = {"check": bool, "diff": bool, "parameters": dict}
    kind = kinds.get(name, str)
    wrong[name] = chance.choice([each for each in _WRONG if type(each) is not kind])
    return json.dumps(wrong).encode()


def _more_keys(chance: random.Random) -> bytes:
    wrong = _some(chance)
    where = chance.choice((wrong, wrong["parameters"]))
    where[chance.choice(("_ansible_tmpdir", "__ansible_type", "argv", "become", "env", "é"))] = "x"
    return json.dumps(wrong, ensure_ascii=chance.random() < 0.5).encode()


def _twice(chance: random.Random) -> bytes:
    text = json.dumps(_some(chance))
    return (text[:-1] + ', "verb": "host_report"}').encode()


def _no_verb(chance: random.Random) -> bytes:
    names = ("shell", "command", "copy", "backend_install", "invoker_install", "os", "../x", "END")
    return json.dumps(document(chance.choice(names), {"argv": ["id"]})).encode()


def _other_version(chance: random.Random) -> bytes:
    version = chance.choice(("1.2.4", "0", "1.2.3 ", "1.2.3\n", "*", ""))
    return json.dumps({**_some(chance), "version": version}).encode()


def _surrogate(chance: random.Random) -> bytes:
    text = json.dumps(_some(chance))
    bad = chance.choice(('"\\ud800"', '"\\u0000"', '"a\\u0000b"'))
    return text.replace('"parameters": {', '"parameters": {"x": ' + bad + ", ").encode()


def _value(chance: random.Random) -> bytes:
    verb, place, value = chance.choice(_BAD)
    return json.dumps(document(verb, _changed(GOOD[verb], place, value))).encode()


def _some(chance: random.Random) -> Dict[str, Any]:
    verb = chance.choice(sorted(GOOD))
    return document(verb, copy.deepcopy(GOOD[verb]))


_KINDS: Tuple[Callable[[random.Random], bytes], ...] = (
    _value, _noise, _not_json, _value, _deep, _huge, _value, _envelope, _more_keys,
    _value, _twice, _no_verb, _value, _other_version, _surrogate,
)  # fmt: skip
