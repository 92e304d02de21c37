"""Which options of Samba the smb module's configuration may set. Pure functions.

``custom_smb_global_options`` and ``custom_smb_share_options`` come through: they may set what they
like, but run no program as root of a host, read no file of it, and change nothing that this backend
sets itself.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Sequence

from adapter.errors import InvalidValue

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :_*@.+/-]{0,127}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9. _-]{0,63}")
_SECTIONS = frozenset(("global", "homes", "printers", "ipc"))
# Names without blanks, as Samba compares them.
_RUN = re.compile(r".*(command|script|preexec|postexec|program|action|hook)|exec|svcctllist")
_OWN = {
    "bindinterfacesonly": "`bind_addrs`",
    "interfaces": "`bind_addrs`",
    "smbports": "`custom_ports`",
    "security": "`features`",
    "serverrole": "`features`",
    "realm": "`features`",
    "clustering": "`features`",
    "passdbbackend": "`user_sources`",
    "smbpasswdfile": "`user_sources`",
    "usernamemap": "`user_sources`",
    **dict.fromkeys(
        (
            *("privatedir", "privatedirectory", "lockdirectory", "lockdir", "statedirectory"),
            *("cachedirectory", "piddirectory", "ncalrpcdir", "logfile", "usersharepath"),
            *("binddnsdir", "ctdbdsocket", "winbinddsocketdirectory", "disablenetbios"),
        ),
        "the place that it has on each host",
    ),
}
_ELSEWHERE = frozenset(
    (
        *("include", "configfile", "copy", "configbackend", "registryshares", "preloadmodules"),
        *("autoservices", "preload", "rootdirectory", "rootdir", "root"),
    )
)
MODULES = frozenset(
    (
        *("acl_xattr", "audit", "catia", "ceph", "ceph_new", "ceph_snapshots", "extd_audit"),
        *("fruit", "full_audit", "readonly", "recycle", "shadow_copy2", "streams_xattr"),
        *("time_audit", "worm"),
    )
)
# Those that keep a share's files in CephFS: without one it would be a directory of the host.
_CEPH = ("ceph_new", "ceph")
DIRECT, PROXIED = "no", "yes"


def check_name(name: str) -> None:
    """Raise ``InvalidValue`` for a share that Samba takes for something else."""
    if not _SHARE.fullmatch(name) or name.lower() in _SECTIONS:
        raise refused(name, "a share cannot have this name", "Give it another name.")


def checked(options: Any) -> Dict[str, str]:
    """Return options that may be set; raises ``InvalidValue`` for the first other one."""
    if not isinstance(options, dict):
        return {}
    found = {}
    for key, value in options.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(value, str):
            raise refused(key, "it is no option of Samba")
        if _CONTROL.search(value) or value.endswith("\\"):
            raise refused(key, "its value has control characters, or ends with a backslash")
        _check(key)
        found[key] = value
    return found


def _check(key: str) -> None:
    plain = plain_name(key)
    if plain in _OWN:
        raise refused(key, f"it follows from {_OWN[plain]}")
    if ":" not in plain and _RUN.fullmatch(plain):
        raise refused(key, "Samba would run a program on the host for it")
    if plain in _ELSEWHERE or plain.startswith("usershare"):
        raise refused(key, "Samba would read files of the host for it")


def plain_name(key: str) -> str:
    """Return an option's name as Samba compares it."""
    return re.sub(r"\s", "", key).lower()


def share_options(
    name: str, given: Mapping[str, str], conf: str, users: Sequence[str]
) -> Dict[str, str]:
    """Return the options of a share with the file that tells where the cluster is.

    ``users`` are those of Ceph that the service has keys of. Raises ``InvalidValue``.
    """
    by_name = {plain_name(key): value for key, value in given.items()}
    if len(by_name) < len(given) or "vfsobject" in by_name:
        # Nobody knows which of two Samba would take.
        raise refused(name, "an option of this share is written in two ways")
    modules = by_name.get("vfsobjects", "").replace(",", " ").split()
    unknown = [each for each in modules if each not in MODULES]
    if unknown:
        raise refused(
            f"{name}: vfs objects",
            f"this backend does not use {unknown[0]}",
            f"Use {', '.join(sorted(MODULES))}.",
        )
    if not modules or modules[-1] not in _CEPH or sum(each in _CEPH for each in modules) > 1:
        raise refused(
            f"{name}: vfs objects", "the last one is not ceph_new", "Let it end with ceph_new."
        )
    module = modules[-1]
    if not by_name.get("path", "").startswith("/"):
        raise refused(f"{name}: path", "it is no path of CephFS", "Give one that begins with /.")
    user = by_name.get(f"{module}:user_id", "")
    if f"client.{user}" not in users:
        raise refused(
            f"{name}: {module}:user_id",
            f"the spec has no key of client.{user}",
            "Name it in `include_ceph_users`.",
        )
    if by_name.get(f"{module}:proxy", DIRECT) not in (DIRECT, PROXIED):
        raise refused(f"{name}: {module}:proxy", "it is neither yes nor no")
    kept = {
        key: value for key, value in given.items() if plain_name(key) != f"{module}:config_file"
    }
    return {**kept, f"{module}:config_file": conf}


def refused(what: Any, reason: str, remedy: str = "Leave it out.") -> InvalidValue:
    """Return the error for an option, by the field of the spec that leads to it."""
    return InvalidValue("config_uri", what, reason, remedy)
