"""What may be asked of the invoker: the verbs, and the values that their parameters may have.

A verb is one of our modules. Its own argument specification holds besides; what stands here is what
would make root of whoever may set it: names of packages and kernel settings, programs, paths, and
texts that root's programs read.
"""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping, Tuple

from ..disks.block import DEVICE_PATH
from ..host.record import RECORD_PATH
from ..system.package_upgrade import TARGET
from ..system.reading import clean
from ..system.sysctl import VALUE_LIMIT, canonical
from .allowed import CONF_OPTIONS, KERNEL_SETTINGS, PACKAGES
from .document import Refused
from .limits import PATH, Limits

Parameters = Mapping[str, Any]
Rule = Callable[[Parameters, Limits], None]

MOST_SECONDS = 86400
_UNIT = re.compile(
    r"(ceph-(mon|mgr|osd|mds|radosgw|rbd-mirror|exporter)|cephfs-mirror)@[A-Za-z0-9._:-]{1,200}"
    r"\.service|ceph-(crash|exporter)\.service|prometheus(-alertmanager|-node-exporter)?\.service"
    r"|grafana-server\.service"
    r"|ceph-orch-(haproxy|keepalived|nfs|container|smb|libcephfsd)@[A-Za-z0-9_.-]{1,200}\.service"
)
# What a host's record of maintenance may hold besides: all of Ceph's instances, as those by which
# ceph-volume starts OSDs and those of containers, but not what this project runs itself.
_HELD = re.compile(
    _UNIT.pattern + r"|ceph-(?!orch-)[A-Za-z0-9._:\\-]{1,60}@[A-Za-z0-9@._:\\-]{1,180}\.service"
)
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{0,64}")
_HEADING = re.compile(r"\s*\[global\]\s*")
_COMMENT = re.compile(r"\s*(?:[#;][^\\]*)?")
_SETTING = re.compile(r"\s*([A-Za-z][A-Za-z _-]*?)\s*=\s*([A-Za-z0-9_.:,;/ \[\]-]*)")
_KEYRING = re.compile(
    r"\s*|\s*[#;][^\\]*|\s*\[[A-Za-z0-9_.@-]+\]\s*|\s*key\s*=\s*\"?[A-Za-z0-9+/]{20,200}={0,2}\"?\s*"
    r"|\s*caps\s+[a-z]+\s*=\s*\"(?:[^\"\\]|\\.)*\"\s*"
)
# Kinds whose files say what root does.
_BY_FILES = ("haproxy", "container", "smb")
# Where every user may make a file or a link.
_OPEN_DIRECTORIES = ("/dev/shm/", "/dev/mqueue/", "/dev/pts/", "/dev/fd/", "/dev/hugepages/")  # noqa: S108


def check(verb: str, parameters: Parameters, limits: Limits) -> None:
    """Raise ``Refused`` for a verb that there is not, and for a value that is not allowed.

    ``parameters`` are what the module has made of them by its own argument specification.
    """
    rules = VERBS.get(verb)
    if rules is None:
        raise Refused(f"There is no verb {clean(verb)!r}. There are {', '.join(sorted(VERBS))}.")
    for rule in (_seconds, _cluster, *rules):
        rule(parameters, limits)


def _refuse(name: str, value: object, cause: str, key: str = "") -> None:
    remedy = f" Root may allow it there, as {key} in {PATH}." if key else ""
    raise Refused(f"Invalid {name} {clean(str(value), 80)!r}: {cause}.{remedy}")


def _seconds(parameters: Parameters, limits: Limits) -> None:
    for name in ("wait", "timeout", "patience", "ceph_volume_timeout", "cache_max_age", "parallel"):
        value = parameters.get(name) or 0
        if not 0 <= value <= MOST_SECONDS:
            _refuse(name, value, f"it is not between 0 and {MOST_SECONDS}")


def _cluster(parameters: Parameters, limits: Limits) -> None:
    for name in ("cluster", "fsid"):
        value = parameters.get(name) or ""
        if value and limits.clusters and value not in limits.clusters:
            _refuse(name, value, "this host is for other clusters", "clusters")


def _packages(parameters: Parameters, limits: Limits) -> None:
    for family, names in (parameters.get("packages") or {}).items():
        if family not in ("Debian", "RedHat") or not _is_texts(names or []):
            _refuse("packages", family, "give lists of names for Debian and RedHat")
        for name in names or []:
            if name[: -1 if name.endswith("?") else None] not in (*PACKAGES, *limits.packages):
                _refuse("package", name, "it is none that Ceph's daemons need", "packages")


def _units(parameters: Parameters, limits: Limits) -> None:
    for unit in parameters.get("units") or []:
        if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
            _refuse("unit", unit, "it is not a unit of Ceph")


def _held(parameters: Parameters, limits: Limits) -> None:
    for row in parameters.get("units") or []:
        unit = row.get("unit") if isinstance(row, dict) else row
        if not isinstance(unit, str) or not _HELD.fullmatch(unit):
            _refuse("unit", unit, "it is not a unit of Ceph")
        osd = row.get("osd") if isinstance(row, dict) else None
        devices = osd.get("devices") if isinstance(osd, dict) else None
        _check_paths(devices if isinstance(devices, list) else [])


def _daemons(parameters: Parameters, limits: Limits) -> None:
    for row in parameters["daemons"]:
        if row["unit"] and not _UNIT.fullmatch(row["unit"]):
            _refuse("unit", row["unit"], "it is not a unit of Ceph")
        if not _ADDRESS.fullmatch(row["addr"]):
            _refuse("addr", row["addr"], "it is not an IP address")
        if row.get("secret_files") or (row["daemon_type"] in _BY_FILES and row.get("files")):
            name = f"{row['daemon_type']}.{row['daemon_id']}"
            _refuse("daemon", name, "root would read its files, which cannot be checked here")
        if row["daemon_type"] == "nfs" and parameters.get("state") == "present":
            name = f"nfs.{row['daemon_id']}"
            _refuse("daemon", name, "what it exports, as root, stands in the cluster")


def _keyrings(parameters: Parameters, limits: Limits) -> None:
    texts = [parameters.get("keyring") or "", *(parameters.get("keyrings") or {}).values()]
    for text in texts:
        # The text is not repeated: it may be a key.
        if not isinstance(text, str) or not all(map(_KEYRING.fullmatch, text.splitlines())):
            raise Refused("Invalid keyring: it has more than entities, keys and capabilities.")


def _conf(parameters: Parameters, limits: Limits) -> None:
    # Ceph ends a line with a carriage return as well.
    for line in (parameters.get("conf") or "").splitlines():
        if _HEADING.fullmatch(line) or _COMMENT.fullmatch(line):
            continue
        setting = _SETTING.fullmatch(line)
        name = re.sub(r"[ -]+", "_", setting.group(1).lower()) if setting else ""
        if name not in CONF_OPTIONS:
            # What stands behind it may be a key.
            given = name or line.partition("=")[0].strip()
            _refuse("conf", given, f"a host gets {', '.join(CONF_OPTIONS)} of [global]")


def _sysfs(parameters: Parameters, limits: Limits) -> None:
    root = parameters["sysfs_root"]
    if root not in ("/sys", *limits.sysfs_roots):
        _refuse("sysfs_root", root, "it is not /sys", "sysfs_roots")


def _dev(parameters: Parameters, limits: Limits) -> None:
    if parameters["dev_root"] != "/dev":
        _refuse("dev_root", parameters["dev_root"], "it is not /dev")


def _record(parameters: Parameters, limits: Limits) -> None:
    if parameters["path"] != RECORD_PATH:
        _refuse("path", parameters["path"], f"the record is {RECORD_PATH}")


def _light(parameters: Parameters, limits: Limits) -> None:
    command = tuple(parameters["command"])
    if command and command not in limits.light_commands:
        _refuse("command", " ".join(command), "root has not allowed it", "light_commands")
    for row in parameters["locations"]:
        _check_paths((row["path"], row["dev"] and os.path.join("/dev", row["dev"])))


def _disks(parameters: Parameters, limits: Limits) -> None:
    rows: List[Mapping[str, Any]] = list(parameters.get("devices") or [])
    for osd in parameters.get("osds") or []:
        rows += osd["disks"]
    for group in parameters.get("groups") or []:
        rows += [*group["data"], *group["db"], *group["wal"]]
    _check_paths(path for row in rows for path in (row["path"], row.get("link")))


def _check_paths(paths: Iterable[Any]) -> None:
    for path in paths:
        if not path:
            continue
        plain = isinstance(path, str) and DEVICE_PATH.fullmatch(path)
        if not plain or {"..", "."} & set(path.split("/")) or path.startswith(_OPEN_DIRECTORIES):
            _refuse("path", path, "it is not the file of a disk below /dev")


def _profiles(parameters: Parameters, limits: Limits) -> None:
    for profile, settings in parameters["profiles"].items():
        if not _PROFILE.fullmatch(profile) or not isinstance(settings, dict):
            _refuse("profile", profile, "it has another name, or is not a mapping of texts")
        for name, value in settings.items():
            _check_setting(name, value, limits)


def _check_setting(name: str, value: object, limits: Limits) -> None:
    if not isinstance(value, str) or len(value) > VALUE_LIMIT or not value.isprintable():
        _refuse(name, value, "it is not a text of one line")
    try:
        key = canonical(name)
    except ValueError as error:
        raise Refused(f"Invalid kernel setting {clean(name, 80)!r}: {error}.") from None
    for allowed in (*KERNEL_SETTINGS, *limits.kernel_settings):
        if key == allowed or (allowed.endswith("*") and key.startswith(allowed[:-1])):
            return
    cause = "with some of the kernel's settings programs are run as root, so not all are allowed"
    _refuse("kernel setting", name, cause, "kernel_settings")


def _version(parameters: Parameters, limits: Limits) -> None:
    version = parameters["version"]
    if version and not TARGET.fullmatch(version):
        _refuse("version", version, "it is no version of packages")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


VERBS: Dict[str, Tuple[Rule, ...]] = {
    "ceph_daemon": (_daemons, _packages, _keyrings, _conf),
    "cluster_access": (_keyrings, _conf),
    "daemon_action": (_units,),
    "device_light": (_light, _sysfs),
    "device_zap": (_disks, _keyrings),
    "host_maintenance": (_held,),
    "host_record": (_record,),
    "host_report": (_sysfs, _dev),
    "host_rescan": (_sysfs,),
    "host_upgrade": (_version, _units),
    "osd_create": (_disks, _keyrings, _conf),
    "osd_remove": (_disks, _keyrings),
    "package_install": (_packages,),
    "package_lists": (),
    "tuned_profiles": (_profiles,),
}
