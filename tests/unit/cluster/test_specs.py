"""Services that are wanted, and the disks that a drive group may take."""

from __future__ import annotations

import json
import random
from typing import Any, Dict

import pytest

from adapter.cluster.specs import OsdClaims, Specs, Wanted
from adapter.cluster.store import MemoryStore
from adapter.errors import UnreadableRecord
from adapter.interface import DeviceSelection, DriveGroupSpec, PlacementSpec
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
