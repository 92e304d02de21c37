"""SMB services: what their specs and what the smb module keeps may say, and what Samba is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.errors import InvalidValue
from adapter.kinds import ClusterView, ViewedDaemon, check_fields, kind_of
from tests.unit.kinds.specs import BESIDE, refusal_of, spec_from

DATA: Dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("smb_refused.yml").read_text(encoding="utf-8")
)
KIND = kind_of("smb")
CONFIG = "rados://.smb/files/config.smb"
USERS = "rados:mon-config-key:smb/config/files/users-groups.0.json"
ENTITY = "client.smb.fs.cluster.files"
FOLDER = "/etc/ceph-orch-ansible/smb/files.h1.abcdef"
# As the smb module of Ceph 20.2 writes them.
SHARE = {
    "path": "/volumes/_nogroup/one/5c1f",
    "vfs objects": "acl_xattr ceph_snapshots ceph_new",
    "acl_xattr:security_acl_name": "user.NTACL",
    "ceph_new:config_file": "/etc/ceph/ceph.conf",
    "ceph_new:filesystem": "cephfs",
    "ceph_new:user_id": "smb.fs.cluster.files",
    "read only": "No",
    "browseable": "Yes",
    "kernel share modes": "no",
    "x:ceph:id": "files.one",
    "smbd profiling share": "yes",
    "ceph_new:proxy": "yes",
}
KEPT: Dict[str, Any] = {
    "samba-container-config": "v0",
    "configs": {
        "files": {
            "instance_name": "files",
            "instance_features": [],
            "globals": ["default", "files"],
            "shares": ["one"],
        }
    },
    "globals": {
        "default": {"options": {"load printers": "No", "printcap name": "/dev/null"}},
        "files": {"options": {}},
    },
    "shares": {"one": {"options": SHARE}},
}
PEOPLE = {"users": [{"name": "user1", "password": "secret"}]}


def spec_of(**fields: Any) -> Any:
    beside = [*BESIDE, "placement", "service_id", "extra_container_args"]
    beside += ["extra_entrypoint_args", "custom_configs"]
    return spec_from("smb", "files", {**DATA["good"], **fields}, beside)


def texts_of(config: Any = None, people: Any = None) -> Dict[str, str]:
    given = PEOPLE if people is None else people
    kept = {name: {"all_entries": each} for name, each in given.items()}
    return {
        "conf:": "[global]\n\tfsid = f\n\tmon_host = 10.0.0.1\n",
        f"keyring:{ENTITY}": f"[{ENTITY}]\n\tkey = AQkey==\n",
        CONFIG: config if isinstance(config, str) else json.dumps(config or KEPT),
        USERS: json.dumps({"samba-container-config": "v0", **kept}),
    }


def files(spec: Any = None, **texts: Any) -> Dict[str, str]:
    view = ClusterView("f", texts=texts_of(**texts))
    one = ViewedDaemon("smb", "files.h1.abcdef", "smb.files", "h1", "", 445)
    return KIND.files(spec or spec_of(), view, one)


def with_share(name: str = "one", **options: Any) -> Dict[str, Any]:
    kept = copy.deepcopy(KEPT)
    kept["configs"]["files"]["shares"] = [name]
    kept["shares"] = {name: {"options": {**SHARE, **options}}}
    return kept


@pytest.mark.parametrize("case", DATA["refused"])
def test_what_cannot_be_carried_out_is_refused(case: str) -> None:
    fields, said = DATA["refused"][case]

    assert said in refusal_of(lambda: check_fields(spec_of(**fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"placement": {"hosts": ["h1"]}},
        {"placement": {"hosts": ["h1", "h2"], "count": 1}},
        {"features": ["clustered"], "placement": {"hosts": ["h1"]}},
        {"custom_ports": {"smb": 4450, "smbmetrics": 9922}},
        {"bind_addrs": [{"network": "10.0.0.0/24"}, {"address": "10.1.0.7"}]},
    ],
)
def test_what_can_be_carried_out_is_taken(fields: Dict[str, Any]) -> None:
    check_fields(spec_of(**fields))


def test_samba_reads_the_shares_and_where_its_files_are() -> None:
    text = files()["smb.conf"]

    assert "\tload printers = No\n" in text
    assert f"\tpassdb backend = smbpasswd:{FOLDER}/smbpasswd\n" in text
    assert "\tprivate dir = /var/lib/ceph-orch-smb/files/private\n" in text
    share = text.partition("\n[one]\n")[2]
    assert "\tpath = /volumes/_nogroup/one/5c1f\n" in share
    assert "\tceph_new:proxy = yes\n" in share
    # The administrator's configuration of the host is not asked for: it may not be there.
    assert "config_file = /etc/ceph-orch-ansible/smb/files.h1.abcdef/ceph.conf\n" in share
    assert "/etc/ceph/ceph.conf" not in text


def test_port_and_addresses_are_those_of_the_spec() -> None:
    spec = spec_of(
        custom_ports={"smb": 4450},
        bind_addrs=[{"network": "10.0.0.0/24"}, {"address": "10.1.0.7"}],
    )

    text = files(spec)["smb.conf"]

    assert "\tsmb ports = 4450\n" in text
    assert "\tinterfaces = lo 10.0.0.0/24 10.1.0.7/32\n" in text
    assert "\tbind interfaces only = yes\n" in text
    assert KIND.host_settings(spec) == {"port": 4450}
    assert KIND.ports(spec, 1) == (4450,)
    assert "interfaces" not in files()["smb.conf"]


def test_own_options_come_last_whatever_is_kept() -> None:
    kept = copy.deepcopy(KEPT)
    kept["globals"]["files_custom"] = {"options": {"server min protocol": "SMB3"}}
    kept["configs"]["files"]["globals"].append("files_custom")

    text = files(config=kept)["smb.conf"]

    assert "\tserver min protocol = SMB3\n" in text
    assert text.index("server min") < text.index("security = user")


@pytest.mark.parametrize("case", DATA["shares"])
def test_an_option_of_a_share_that_reaches_the_host_is_refused(case: str) -> None:
    options, said = DATA["shares"][case]

    with pytest.raises(InvalidValue) as raised:
        files(config=with_share(**options))

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", DATA["globals"])
def test_an_option_of_the_service_that_reaches_the_host_is_refused(case: str) -> None:
    options, said = DATA["globals"][case]
    kept = copy.deepcopy(KEPT)
    kept["globals"]["files"]["options"] = options

    with pytest.raises(InvalidValue) as raised:
        files(config=kept)

    assert said in str(raised.value)


@pytest.mark.parametrize("name", DATA["names"])
def test_a_share_cannot_be_another_section(name: str) -> None:
    with pytest.raises(InvalidValue, match="a share cannot have this name"):
        files(config=with_share(name))


@pytest.mark.parametrize("case", DATA["users"])
def test_users_that_hosts_cannot_have_are_refused_without_their_passwords(case: str) -> None:
    people, said = DATA["users"][case]

    with pytest.raises(InvalidValue) as raised:
        files(people=people)

    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("case", DATA["texts"])
def test_what_is_no_configuration_is_refused(case: str) -> None:
    text, said = DATA["texts"][case]
    view = ClusterView("f", texts={**texts_of(), CONFIG: text})

    with pytest.raises(InvalidValue, match=said):
        KIND.check_sources(spec_of(), view)


@pytest.mark.parametrize("place", [CONFIG, USERS, "conf:", f"keyring:{ENTITY}"])
def test_what_could_not_be_read_is_not_nothing(place: str) -> None:
    texts = {name: text for name, text in texts_of().items() if name != place}

    with pytest.raises(InvalidValue):
        KIND.check_sources(spec_of(), ClusterView("f", texts=texts))


def test_a_cluster_of_another_name_is_refused() -> None:
    with pytest.raises(InvalidValue, match="it has no cluster other"):
        files(spec_of(cluster_id="other"))


def test_users_are_known_by_hash_and_have_the_same_number_everywhere() -> None:
    people = {
        "users": [
            {"name": "user1", "password": "password"},
            {"name": "user2", "nt_hash": "8846f7eaee8fb117ad06bdd830b7586c", "uid": "2000"},
            {"name": "user3", "password": "x", "gid": "3000"},
        ],
        "groups": [{"name": "staff", "gid": "3000"}, {"name": "others"}],
    }

    found = files(people=people)

    one, two, three = found["smbpasswd"].splitlines()
    assert ":8846F7EAEE8FB117AD06BDD830B7586C:[UX" in one
    assert one.split(":")[3] == two.split(":")[3] != three.split(":")[3]
    number = int(one.split(":")[1])
    assert 1_000_000_000 <= number < 2_000_000_000
    assert f"user1:x:{number}:{number}:" in found["passwd"]
    assert "user2:x:2000:2000:" in found["passwd"]
    assert ":3000::" in found["passwd"].splitlines()[-1]
    assert "staff:x:3000:\n" in found["group"]
    assert "user3:x:" not in found["group"]
    assert found["group"].count("others:x:") == 1
    again = files(people={"users": people["users"][:1]})
    assert one in again["smbpasswd"], "who else there is changes nothing"


def test_the_sid_is_that_of_cluster_and_service() -> None:
    one = files()["environment"]

    assert one.startswith("SMB_SID=S-1-5-21-")
    assert files()["environment"] == one
    view = ClusterView("other", texts=texts_of())
    there = ViewedDaemon("smb", "files.h2.abcdef", "smb.files", "h2", "", 445)
    assert KIND.files(spec_of(), view, there)["environment"] != one


def test_secrets_are_in_their_own_files_alone() -> None:
    found = files(people={"users": [{"name": "user1", "password": "secret"}]})

    assert not any("secret" in text for text in found.values())
    assert [name for name, text in found.items() if "AQkey==" in text] == ["keyring"]
    assert "keyring = /etc/ceph-orch-ansible/smb/files.h1.abcdef/keyring" in found["ceph.conf"]
    assert "secret" not in repr(ClusterView("f", texts=texts_of()))
