"""The files of Samba: its configuration, its users, and where the cluster is. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from adapter.kinds._smb_hashes import sid_of
from adapter.kinds._smb_options import check_name, checked, share_options
from adapter.kinds._smb_texts import mapping, read, wrong
from adapter.kinds._smb_users import users_of
from adapter.kinds._sources import CONF, KEY
from adapter.kinds._view import ClusterView

CONFIG, PASSWORDS, KEYRING = "smb.conf", "smbpasswd", "keyring"
PASSWD, GROUP, CEPH_CONF, ENVIRONMENT = "passwd", "group", "ceph.conf", "environment"
PORT = 445
# Where the files of a service are on its host, and what Samba keeps for itself.
FOLDER = "/etc/ceph-orch-ansible/smb"
STORE = "/var/lib/ceph-orch-smb"
SOCKET = "libcephfsd.sock"
# Samba's directories below the store, by option.
_PLACES = {
    "private dir": "private",
    "lock directory": "lock",
    "state directory": "state",
    "cache directory": "cache",
    "pid directory": "pid",
    "ncalrpc dir": "ncalrpc",
}
_HEAD = "# Written by ceph-orch-ansible, and written anew when it changes.\n"


def instance_of(daemon_id: str) -> str:
    """Return what the directories of a daemon are called: a host has one of a service."""
    return daemon_id.partition(".")[0]


def port_of(spec: Any) -> int:
    """Return the port for clients."""
    return int((spec.custom_ports or {}).get("smb") or PORT)


def sources_of(spec: Any) -> List[str]:
    """Return the places of what files are made of."""
    keys = [f"{KEY}{entity}" for entity in spec.include_ceph_users or ()]
    return [CONF, *keys, spec.config_uri, *(spec.user_sources or ())]


def smb_files(spec: Any, view: ClusterView, daemon_id: str) -> Dict[str, str]:
    """Return the texts by name; raises ``InvalidValue``."""
    users = users_of(spec, view.texts)
    folder = f"{FOLDER}/{daemon_id}"
    store = f"{STORE}/{instance_of(daemon_id)}"
    entities = list(spec.include_ceph_users or ())
    keys = [view.texts.get(f"{KEY}{each}") for each in entities]
    if None in keys:
        missing = entities[keys.index(None)]
        raise wrong("include_ceph_users", missing, "nobody could read its key yet")
    if CONF not in view.texts:
        raise wrong("config_uri", spec.config_uri, "the monitors did not say where they are")
    return {
        CONFIG: smb_conf(spec, view.texts, folder, store),
        PASSWORDS: users.smbpasswd,
        PASSWD: users.passwd,
        GROUP: users.group,
        KEYRING: "".join(map(str, keys)),
        # libcephfsd reads a copy of it under another name, which finds no keyring by itself.
        CEPH_CONF: f"{view.texts[CONF].rstrip()}\n\n[client]\n\tkeyring = {folder}/{KEYRING}\n",
        ENVIRONMENT: (
            f"SMB_SID={sid_of(view.fsid, str(spec.service_id))}\n"
            f"LIBCEPHFSD_SOCKET={store}/{SOCKET}\n"
        ),
    }


def smb_conf(spec: Any, texts: Mapping[str, str], folder: str, store: str) -> str:
    """Return Samba's configuration; raises ``InvalidValue`` for what is not carried out."""
    data = read("config_uri", spec.config_uri, texts)
    mine = mapping(mapping(data, "configs"), spec.cluster_id)
    if not mine:
        raise wrong("config_uri", spec.config_uri, f"it has no cluster {spec.cluster_id}")
    options: Dict[str, str] = {}
    for name in mine.get("globals") or ():
        options.update(checked(mapping(mapping(data, "globals"), str(name)).get("options")))
    options.update(_own(spec, folder, store))
    lines = [_HEAD, "[global]\n", *_lines(options)]
    for name in mine.get("shares") or ():
        check_name(str(name))
        given = checked(mapping(mapping(data, "shares"), str(name)).get("options"))
        found = share_options(
            str(name), given, f"{folder}/{CEPH_CONF}", spec.include_ceph_users or ()
        )
        lines += [f"\n[{name}]\n", *_lines(found)]
    return "".join(lines)


def _lines(options: Mapping[str, str]) -> List[str]:
    return [f"\t{key} = {value}\n" for key, value in options.items()]


def _own(spec: Any, folder: str, store: str) -> Dict[str, str]:
    """Return what follows from the spec and from the place on the host."""
    networks = [network for each in spec.bind_addrs or () for network in each.as_network_strs()]
    binds = {"interfaces": " ".join(["lo", *networks]), "bind interfaces only": "yes"}
    return {
        "server role": "standalone server",
        "security": "user",
        "disable netbios": "yes",
        "smb ports": str(port_of(spec)),
        "passdb backend": f"smbpasswd:{folder}/{PASSWORDS}",
        "smb passwd file": f"{folder}/{PASSWORDS}",
        **{option: f"{store}/{name}" for option, name in _PLACES.items()},
        **(binds if networks else {}),
    }
