"""Services that are wanted, and the disks that a drive group may take."""

from __future__ import annotations

import json
import random
from typing import Any, Dict

import pytest

from adapter.cluster.specs import OsdClaims, Specs, Wanted
from adapter.cluster.store import MemoryStore
from adapter.errors import UnreadableRecord
from adapter.interface import DeviceSelection, DriveGroupSpec, PlacementSpec, ServiceSpec
from adapter.mgr.store import MonStore
from tests.unit.mgr.fake_mon import ENTRY_SIZE, Manager, MonKeys

EVERY = DriveGroupSpec(
    service_id="all-available-devices",
    placement=PlacementSpec(host_pattern="*"),
    data_devices=DeviceSelection(all=True),
)
NAME = "osd.all-available-devices"


def record(**claims: Any) -> Dict[str, Any]:
    return {"spec": EVERY.to_json(), "created": 1.0, "claims": claims}


def test_disks_stand_by_host_and_are_read_as_they_stood_before() -> None:
    pairs = [("h1", "a"), ("h1", "b"), ("h2", "a")]
    claims = OsdClaims(frozenset(pairs), frozenset(pairs[:1]))
    data = claims.to_json()

    assert data == {"only": {"h1": ["a", "b"], "h2": ["a"]}, "released": {"h1": ["a"]}}
    assert OsdClaims.from_json(json.loads(json.dumps(data))) == claims
    before = {"only": [list(pair) for pair in pairs], "released": [["h1", "a"]]}
    assert OsdClaims.from_json(before) == claims
    assert OsdClaims.from_json(OsdClaims().to_json()) == OsdClaims()


@pytest.mark.parametrize("only", [{"h1": "abc"}, {"h1": None}, [["h1"]], 3, ["ab", 3]])
def test_claims_that_are_damaged_make_the_record_unusable(only: Any) -> None:
    store = MemoryStore()
    store.set(f"spec.{NAME}", record(only=only))
    specs = Specs(store)

    assert specs.find(NAME) is None
    with pytest.raises(UnreadableRecord, match=NAME):
        specs.get(NAME)


def test_24000_disks_are_kept_and_one_of_them_is_released() -> None:
    letters = random.Random(7)
    serial = lambda: f"SEAGATE_ST16000NM000J-2TW103_ZR5{letters.getrandbits(40):010X}"  # noqa: E731
    pairs = [(f"ceph-{host:04}", serial()) for host in range(1000) for _ in range(24)]
    keys = MonKeys()
    specs = Specs(MonStore(Manager(keys)))

    specs.save(Wanted(EVERY, 1.0, claims=OsdClaims(only=frozenset(pairs))))
    asked = len(keys.commands)
    specs.release(pairs[77][0], [pairs[77][1]])

    assert max(map(len, keys.values.values())) <= ENTRY_SIZE
    assert sum(map(len, keys.values.values())) < 512 * 1024
    assert len(keys.commands) - asked < 40
    (wanted,) = Specs(MonStore(Manager(keys))).all()
    assert len(wanted.claims.only or ()) == 24_000
    assert not wanted.claims.allow(*pairs[77])
    assert wanted.claims.allow(*pairs[78])


def test_a_disk_that_was_freed_stays_so_when_its_host_has_its_long_name() -> None:
    claims = OsdClaims(released=frozenset({("h3", "SERIAL")}))
    assert not claims.allow("h3.example.org", "SERIAL")
    assert not OsdClaims(released=frozenset({("h3.example.org", "SERIAL")})).allow("h3", "SERIAL")
    assert claims.allow("h2", "SERIAL")


def ingress(**fields: Any) -> Any:
    given = {"backend_service": "rgw.a", "virtual_ip": "10.0.0.9/24", "frontend_port": 80}
    data = {"service_type": "ingress", "service_id": "web"}
    return ServiceSpec.from_json({**data, "spec": {**given, "monitor_port": 81, **fields}})


def test_passwords_are_made_once_and_read_again() -> None:
    store = MemoryStore()
    specs = Specs(store)
    specs.save(Wanted(ingress(), 1.0))
    made = dict(specs.get("ingress.web").made)

    assert sorted(made) == ["keepalived_password", "monitor_password"]
    assert all(len(text) == 8 and text.isalnum() for text in made.values())
    assert len(set(made.values())) == 2
    assert not any(text in repr(specs.get("ingress.web")) for text in made.values())
    specs.save(Wanted(ingress(frontend_port=82), 2.0))
    assert Specs(store).get("ingress.web").made == made


def test_a_password_of_the_spec_goes_before_the_one_that_was_made() -> None:
    specs = Specs(MemoryStore())
    specs.save(Wanted(ingress(monitor_password="mine"), 1.0))
    wanted = specs.get("ingress.web")

    whole: Any = wanted.whole_spec()
    assert whole.monitor_password == "mine"
    assert whole.keepalived_password == wanted.made["keepalived_password"]
    assert ingress().keepalived_password is None
    assert "made" not in str(wanted.spec.to_json())


def test_a_record_whose_passwords_are_no_texts_is_unusable() -> None:
    store = MemoryStore()
    store.set("spec.ingress.web", {**Wanted(ingress(), 1.0).to_json(), "made": {"x": 1}})

    assert Specs(store).find("ingress.web") is None
    assert "ingress.web" in Specs(store).problems
