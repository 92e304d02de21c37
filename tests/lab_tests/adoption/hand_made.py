"""A cluster made by hand on the lab's hosts, with the commands of Ceph's manual deployment."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from tests.lab_tests.lab_client import Lab, wait_until

PORT = 8080
SECONDS = 120.0

KEYS = """
umask 077; mkdir -p /root/made; cd /root/made
key() { ceph-authtool -C "$1" --gen-key --name "$2" "${@:3}" >/dev/null; }
key mon mon. --cap mon 'allow *'
all='allow *'
key admin client.admin --cap mon "$all" --cap osd "$all" --cap mds "$all" --cap mgr "$all"
key osd client.bootstrap-osd --cap mon 'profile bootstrap-osd' --cap mgr 'allow r'
ceph-authtool mon --import-keyring admin >/dev/null
ceph-authtool mon --import-keyring osd >/dev/null
arguments=""
for each in $MONS; do
    name=${each%%=*}; addr=${each#*=}
    arguments="$arguments --addv $name [v2:$addr:3300,v1:$addr:6789]"
done
release=$(ceph-mon --version | sed -E 's/.* version ([0-9]+).*/\\1/')
monmaptool --create --fsid "$FSID" $arguments --enable-all-features \
    --set-min-mon-release "$release" monmap >/dev/null
tar c mon admin osd monmap | base64 -w0
"""
MON = """
umask 077; mkdir -p /root/made /var/lib/ceph/bootstrap-osd; cd /root/made
base64 -d | tar x
umask 022
cat >/etc/ceph/ceph.conf <<CONF
$CONF
CONF
umask 077
if [ -n "$ADMIN" ]; then cp admin /etc/ceph/ceph.client.admin.keyring; fi
cp osd /var/lib/ceph/bootstrap-osd/ceph.keyring
chown -R ceph:ceph /var/lib/ceph/bootstrap-osd
mkdir -p "/var/lib/ceph/mon/ceph-$ID"; chown -R ceph:ceph "/var/lib/ceph/mon/ceph-$ID"
cp mon monmap /var/lib/ceph/tmp; chown ceph: /var/lib/ceph/tmp/mon /var/lib/ceph/tmp/monmap
setpriv --reuid=ceph --regid=ceph --init-groups ceph-mon --mkfs -i "$ID" \
    --monmap /var/lib/ceph/tmp/monmap --keyring /var/lib/ceph/tmp/mon
rm -r /var/lib/ceph/tmp/mon /var/lib/ceph/tmp/monmap /root/made
systemctl enable -q --now "ceph-mon@$ID"
"""
DAEMON = """
umask 077; mkdir -p "$DIR"; cat >"$DIR/keyring"; chown -R ceph:ceph "$DIR"
# Debian's unit of gateways cannot be enabled under a name of its own.
case $UNIT in
    ceph-radosgw@*) systemctl add-wants -q ceph-radosgw.target "$UNIT" ;;
    *) systemctl enable -q "$UNIT" ;;
esac
systemctl start "$UNIT"
"""
OSD = """
ceph-volume raw prepare --bluestore --data "$DISK" >/dev/null 2>&1
for each in /var/lib/ceph/osd/ceph-*; do
    id=${each##*-}; systemctl enable -q --now "ceph-osd@$id"
done
"""
CAPS = {
    "mgr": ("mgr.{id}", "mon 'profile mgr' osd 'allow *' mds 'allow *'"),
    "mds": (
        "mds.{id}",
        "mon 'profile mds' mgr 'profile mds' osd 'allow rw tag cephfs *=*' mds allow",
    ),
    "rgw": ("client.rgw.{id}", "mon 'allow rw' mgr 'allow rw' osd 'allow rwx'"),
}
PLACES = {
    "mgr": ("/var/lib/ceph/mgr/ceph-{id}", "ceph-mgr@{id}"),
    "mds": ("/var/lib/ceph/mds/ceph-{id}", "ceph-mds@{id}"),
    "rgw": ("/var/lib/ceph/radosgw/ceph-rgw.{id}", "ceph-radosgw@rgw.{id}"),
}


@dataclass(frozen=True)
class Layout:
    """What hosts and daemons are called, by the lab's name of the host.

    ``frontends`` is what gateways read in their hosts' ceph.conf, with ``{addr}``.
    """

    hostnames: Mapping[str, str]
    mons: Mapping[str, str]
    mgrs: Mapping[str, str]
    mdss: Mapping[str, str]
    rgws: Mapping[str, str]
    frontends: str = f"beast port={PORT}"
    admins: tuple[str, ...] = ("h1",)
    # Whether there is an inventory, with ceph-ansible's groups.
    groups: bool = False

    def inventory(self, lab: Lab) -> str:
        """Return an inventory with the groups that the daemons mean."""
        lines = []
        for kind in ("mon", "mgr", "mds", "rgw"):
            lines.append(f"[{kind}s]")
            for host in getattr(self, f"{kind}s"):
                lines.append(f"node-{host} ansible_host={lab.machines[host].addr}")
        return "\n".join(lines) + "\n"


HOSTS = ("h1", "h2", "h3")
SHORT = {host: host for host in HOSTS}
LONG = {host: f"{host}.lab.test" for host in HOSTS}

LAYOUTS = {
    "short names": Layout(SHORT, SHORT, SHORT, SHORT, {"h2": "h2", "h3": "h3"}),
    "full names": Layout(LONG, LONG, LONG, LONG, {"h2": LONG["h2"]}),
    "names of their own": Layout(
        SHORT,
        {"h1": "a", "h2": "b", "h3": "c"},
        {"h1": "x", "h2": "y"},
        {"h2": "one", "h3": "two"},
        {"h3": "gate"},
    ),
    "ceph-ansible": Layout(
        SHORT,
        SHORT,
        SHORT,
        {"h2": "h2", "h3": "h3"},
        {"h2": "h2.rgw0", "h3": "h3.rgw0"},
        "beast endpoint={addr}:8080",
        admins=HOSTS,
        groups=True,
    ),
}


def make(lab: Lab, layout: Layout) -> str:
    """Make the cluster on fresh hosts; return its fsid."""
    fsid = str(uuid.uuid4())
    for host, name in layout.hostnames.items():
        if name != host:
            lab.sh(host, f"hostnamectl set-hostname {name}")
    _mons(lab, layout, fsid)
    for host, identity in layout.mgrs.items():
        _daemon(lab, host, "mgr", identity)
        wait_until(
            "a manager is active", lambda: lab.ceph_json("mgr", "stat")["available"], SECONDS
        )
    for host in HOSTS:
        lab.sh(host, _with(OSD, DISK=lab.machines[host].disks[0]))
    wait_until("OSDs are up", lambda: _osds_up(lab) == len(HOSTS), SECONDS)
    for section, option, value in (
        ("mon", "mon_data_avail_warn", "2"),
        ("mon", "auth_allow_insecure_global_id_reclaim", "false"),
        ("global", "osd_pool_default_pg_num", "8"),
        ("global", "osd_pool_default_size", "2"),
    ):
        lab.ok("config", "set", section, option, value)
    for pool in ("files.meta", "files.data"):
        lab.ok("osd", "pool", "create", pool)
    lab.ok("fs", "new", "files", "files.meta", "files.data")
    for host, identity in layout.mdss.items():
        _daemon(lab, host, "mds", identity)
    for host, identity in layout.rgws.items():
        _daemon(lab, host, "rgw", identity)
    wait_until("all of it serves", lambda: serves(lab, layout), SECONDS)
    return fsid


def _mons(lab: Lab, layout: Layout, fsid: str) -> None:
    machines = lab.machines
    addresses = {host: machines[host].addr for host in layout.mons}
    mons = " ".join(f"{name}={addresses[host]}" for host, name in layout.mons.items())
    tar = lab.sh("h1", _with(f"bash -euc {_quoted(KEYS)}", FSID=fsid, MONS=mons))
    base64.b64decode(tar, validate=True)
    for host, name in layout.mons.items():
        conf = [
            "[global]",
            f"fsid = {fsid}",
            f"mon host = {','.join(addresses.values())}",
            f"public network = {addresses['h1'].rpartition('.')[0]}.0/24",
        ]
        if host in layout.rgws:
            frontends = layout.frontends.format(addr=addresses[host])
            conf += [f"[client.rgw.{layout.rgws[host]}]", f"rgw frontends = {frontends}"]
        admin = "yes" if host in layout.admins else ""
        script = _with(MON, ID=name, CONF="\n".join(conf), ADMIN=admin)
        lab.sh(host, script, stdin=tar)
    wait_until(
        "a quorum of all",
        lambda: len(lab.ceph_json("quorum_status")["quorum"]) == len(layout.mons),
        SECONDS,
    )


def _daemon(lab: Lab, host: str, kind: str, identity: str) -> None:
    entity, caps = CAPS[kind]
    directory, unit = (text.format(id=identity) for text in PLACES[kind])
    key = lab.sh("h1", f"ceph auth get-or-create {entity.format(id=identity)} {caps}")
    lab.sh(host, _with(DAEMON, DIR=directory, UNIT=unit), stdin=key)


def _osds_up(lab: Lab) -> int:
    return int(lab.ceph_json("osd", "stat")["num_up_osds"])


def serves(lab: Lab, layout: Layout) -> bool:
    """Tell whether all daemons are at work."""
    filesystems = lab.ceph_json("fs", "dump")
    states = [
        row["state"]
        for each in filesystems["filesystems"]
        for row in each["mdsmap"]["info"].values()
    ]
    known = len(states) + len(filesystems["standbys"])
    services = json.loads(lab.ok("service", "dump", "-f", "json"))["services"]
    gateways = [name for name in services.get("rgw", {}).get("daemons", {}) if name != "summary"]
    managers = lab.ceph_json("mgr", "dump")
    return (
        "up:active" in states
        and known == len(layout.mdss)
        and len(gateways) == len(layout.rgws)
        and len(managers["standbys"]) == len(layout.mgrs) - 1
    )


def _with(script: str, **values: str) -> str:
    return "\n".join([*(f"export {key}={_quoted(each)}" for key, each in values.items()), script])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
