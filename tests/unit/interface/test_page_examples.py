"""The examples of reference/orchestrator_interface.txt, executed."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
import yaml

from adapter.interface import (
    HostPattern,
    HostPlacementSpec,
    NFSServiceSpec,
    OrchestratorClientMixin,
    OrchestratorError,
    OrchResult,
    PatternType,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
)

FROM_STRING = [
    ("3", "PlacementSpec(count=3)"),
    (
        "host1 host2",
        "PlacementSpec(hosts=[HostPlacementSpec(hostname='host1', network='', name=''),"
        " HostPlacementSpec(hostname='host2', network='', name='')])",
    ),
    (
        "2 host1 host2",
        "PlacementSpec(count=2, hosts=[HostPlacementSpec(hostname='host1', network='', name=''),"
        " HostPlacementSpec(hostname='host2', network='', name='')])",
    ),
    ("label:mon", "PlacementSpec(label='mon')"),
    ("3 label:mon", "PlacementSpec(count=3, label='mon')"),
    (
        "regex:Foo[0-9]|Bar[0-9]",
        "PlacementSpec(host_pattern=HostPattern(pattern='Foo[0-9]|Bar[0-9]',"
        " pattern_type=PatternType.regex))",
    ),
    (
        "data[1-3]",
        "PlacementSpec(host_pattern=HostPattern(pattern='data[1-3]',"
        " pattern_type=PatternType.fnmatch))",
    ),
    (None, "PlacementSpec()"),
]
NAMES: Dict[str, Any] = {
    "HostPattern": HostPattern,
    "HostPlacementSpec": HostPlacementSpec,
    "PatternType": PatternType,
    "PlacementSpec": PlacementSpec,
}


@pytest.mark.parametrize(("text", "shown"), FROM_STRING)
def test_placement_from_string(text: Optional[str], shown: str) -> None:
    placement = PlacementSpec.from_string(text)

    assert repr(placement) == shown
    assert eval(shown, NAMES) == placement  # what is shown is Python


@pytest.mark.parametrize(("text", "shown"), FROM_STRING)
def test_pretty_str_comes_back(text: Optional[str], shown: str) -> None:
    ps = PlacementSpec.from_string(text)

    assert PlacementSpec.from_string(ps.pretty_str()) == ps


OLD_STYLE = """
service_type: nfs
service_id: foo
pool: mypool
namespace: myns
"""
NEW_STYLE = """
service_type: nfs
service_id: foo
config:
  some_option: the_value
networks: [10.10.0.0/16]
spec:
  pool: mypool
  namespace: myns
"""


def test_old_style_spec() -> None:
    spec = ServiceSpec.from_json(yaml.safe_load(OLD_STYLE))

    assert isinstance(spec, NFSServiceSpec)
    assert spec.service_name() == "nfs.foo"
    assert spec.config is None


def test_new_style_spec() -> None:
    spec = ServiceSpec.from_json(yaml.safe_load(NEW_STYLE))

    assert isinstance(spec, NFSServiceSpec)
    assert spec.service_name() == "nfs.foo"
    assert spec.config == {"some_option": "the_value"}
    assert spec.networks == ["10.10.0.0/16"]


def test_both_styles_mean_the_same() -> None:
    old = {"service_type": "rgw", "service_id": "web", "rgw_frontend_port": 8080, "ssl": True}
    new = {
        "service_type": "rgw",
        "service_id": "web",
        "spec": {"rgw_frontend_port": 8080, "ssl": True},
    }

    assert ServiceSpec.from_json(old) == ServiceSpec.from_json(new)
    assert "spec" in ServiceSpec.from_json(old).to_json()


def test_rgw_example() -> None:
    spec = ServiceSpec.from_json(
        yaml.safe_load(
            """
service_type: rgw
service_id: myrealm.myzone
spec:
    rgw_realm: myrealm
    rgw_zonegroup: myzonegroup
    rgw_zone: myzone
    ssl: true
    rgw_frontend_port: 1234
    rgw_frontend_type: beast
    rgw_frontend_ssl_certificate: ...
"""
        )
    )

    assert isinstance(spec, RGWSpec)
    assert spec.rgw_zonegroup == "myzonegroup"
    assert spec.get_port() == [1234]


class ListMgr:
    """A backend that only lists hosts."""

    def _select_orchestrator(self) -> str:
        return "test"

    def remote(self, module: str, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "get_hosts":
            return OrchResult([])
        if method == "get_feature_set":
            return {"get_hosts": {"available": True}, "add_host": {"available": False}}
        raise RuntimeError("Remote method threw exception: NotImplementedError")


def test_client_example() -> None:
    class MyModule(ListMgr, OrchestratorClientMixin):
        def func(self) -> List[Any]:
            completion = self.get_hosts()
            return [completion.result]

    assert MyModule().func() == [[]]


def test_ask_for_forgiveness_example() -> None:
    client = OrchestratorClientMixin()
    client.set_mgr(ListMgr())

    assert client.get_feature_set()["get_hosts"]["available"]
    with pytest.raises((OrchestratorError, NotImplementedError)):
        client.add_host("somehost")  # type: ignore[arg-type]


def test_set_mgr_example() -> None:
    class Dashboard:
        def __init__(self) -> None:
            self.orch_client = OrchestratorClientMixin()
            self.orch_client.set_mgr(ListMgr())

    assert Dashboard().orch_client.get_hosts().result == []
