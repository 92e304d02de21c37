"""Any input of ``from_json`` and ``from_string``: an object or a documented error, quickly."""

from __future__ import annotations

import copy
import json
import os
import time
from typing import Any, Callable, Dict, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adapter.interface as interface
from adapter.interface.specs.fields import CLASSES

DOCUMENTED = (interface.SpecValidationError, interface.OrchestratorValidationError)
CLASSES_WITH_JSON: List[Any] = [
    interface.ArgumentSpec,
    interface.CustomConfig,
    interface.DaemonDescription,
    interface.Device,
    interface.DeviceSelection,
    interface.Devices,
    interface.DriveGroupSpec,
    interface.HostPattern,
    interface.HostPlacementSpec,
    interface.HostSpec,
    interface.InitContainerSpec,
    interface.InventoryHost,
    interface.OrchestratorEvent,
    interface.PlacementSpec,
    interface.SMBClusterBindIPSpec,
    interface.SMBClusterPublicIPSpec,
    interface.ServiceDescription,
    interface.ServiceSpec,
    interface.TunedProfileSpec,
    interface.UpgradeStatusSpec,
]
WORDS = sorted(
    {name for spec_class in CLASSES.values() for name in spec_class._fields.names}  # type: ignore[attr-defined]
    | set(interface.DaemonDescription._CHECKERS)
    | set(interface.Device._CHECKERS)
    | set(interface.ServiceSpec.KNOWN_SERVICE_TYPES)
    | {"spec", "status", "events", "service_name", "hosts", "host_pattern", "count", "path"}
    | {"regex:", "label:", "count:", "fnmatch:", "count-per-host:", "10.0.0.0/8", "h1:", "="}
    | {"2026-01-31T12:00:00.000001Z", "osd.3", "*", "\x00", "-1", "((((", "a" * 300}
)
TEXT = st.text(max_size=40) | st.sampled_from(WORDS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(10**30), 1e308])
    | TEXT
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=20,
)
# INTERFACE_EXAMPLES=20 looks for longer: that many times as many examples.
TIMES = int(os.environ.get("INTERFACE_EXAMPLES", "1"))
ANYTHING = settings(
    max_examples=40 * TIMES,
    deadline=None,
    database=None,
    derandomize=TIMES == 1,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
Quickly = Callable[[Callable[[], Any]], Any]


@pytest.mark.parametrize("cls", CLASSES_WITH_JSON, ids=lambda cls: str(cls.__name__))
@ANYTHING
@given(value=JSON)
def test_any_json(cls: Any, quickly: Quickly, value: Any) -> None:
    made = _object_or_documented_error(quickly, lambda: cls.from_json(value))
    if made is not None:
        _can_be_used(made)


@pytest.mark.parametrize("service_type", interface.ServiceSpec.KNOWN_SERVICE_TYPES)
@settings(ANYTHING, max_examples=15 * TIMES)
@given(data=st.data())
def test_any_value_for_each_field(service_type: str, quickly: Quickly, data: Any) -> None:
    fields: Any = getattr(CLASSES.get(service_type, interface.ServiceSpec), "_fields")  # noqa: B009
    document = data.draw(st.dictionaries(st.sampled_from(sorted(fields.names)), JSON, max_size=8))
    document.update({"service_type": service_type, "service_id": "a"})

    made = _object_or_documented_error(quickly, lambda: interface.ServiceSpec.from_json(document))
    if made is not None:
        _can_be_used(made)


@settings(ANYTHING, max_examples=300 * TIMES)
@given(data=st.data())
def test_any_change_of_a_valid_document(
    quickly: Quickly,
    corpus: List[Tuple[str, Dict[str, Any]]],
    read: Callable[[str, Any], Any],
    data: Any,
) -> None:
    name, document = data.draw(st.sampled_from(corpus))
    changed = _changed(copy.deepcopy(document["json"]), data)

    made = _object_or_documented_error(quickly, lambda: read(name, changed))
    if made is not None:
        _can_be_used(made)


@settings(ANYTHING, max_examples=200 * TIMES)
@given(
    text=st.text(max_size=200)
    | st.lists(TEXT, max_size=6).map(" ".join)
    | st.lists(TEXT, max_size=6).map(";".join)
    | st.lists(TEXT, max_size=6).map(",".join)
    | st.text(alphabet="()[]{}*+?|\\^$.a1,:-=!<>P# ", max_size=120).map("regex:{}".format)
)
def test_any_placement_text(quickly: Quickly, text: str) -> None:
    made = _object_or_documented_error(quickly, lambda: interface.PlacementSpec.from_string(text))
    if made is not None:
        assert interface.PlacementSpec.from_string(made.pretty_str()) == made
        assert interface.PlacementSpec.from_json(made.to_json()) == made


HOST = st.from_regex(r"[a-z0-9-]{1,8}(\.[a-z0-9-]{1,5})?", fullmatch=True)
NETWORK = st.sampled_from(
    ["", "10.0.0.1", "10.0.0.0/24", "fd00::1", "10.0.0.0/24,10.1.0.0/24", "[v2:10.0.0.1:3300]"]
)
NAMED_HOST = st.builds(interface.HostPlacementSpec, HOST, NETWORK, st.sampled_from(["", "a.b"]))
PATTERN_TEXT = st.from_regex(r"[a-z0-9*?:=.-]{1,9}", fullmatch=True)
PATTERN_TYPE = st.sampled_from(interface.PatternType)


@settings(ANYTHING, max_examples=150 * TIMES)
@given(
    hosts=st.none() | st.lists(NAMED_HOST, max_size=3),
    label=st.none() | st.text(max_size=8),
    count=st.none() | st.integers(min_value=0, max_value=10**9),
    per_host=st.none() | st.integers(min_value=0, max_value=10**9),
    pattern=st.none() | st.text(max_size=8) | st.tuples(PATTERN_TEXT, PATTERN_TYPE),
)
def test_pretty_str_of_any_placement(
    hosts: Any, label: Any, count: Any, per_host: Any, pattern: Any
) -> None:
    """The page: for all placement specs, from_string(ps.pretty_str()) == ps."""
    try:
        if isinstance(pattern, tuple):
            pattern = interface.HostPattern(*pattern)
        made = interface.PlacementSpec(label, hosts, count, per_host, pattern)
    except interface.SpecValidationError:
        return
    assert interface.PlacementSpec.from_string(made.pretty_str()) == made
    assert interface.PlacementSpec.from_json(made.to_json()) == made


@ANYTHING
@given(text=st.text(max_size=60) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"))
def test_any_time(quickly: Quickly, text: str) -> None:
    try:
        moment = quickly(lambda: interface.str_to_datetime(text))
    except ValueError:
        return
    assert interface.str_to_datetime(interface.datetime_to_str(moment)) == moment


@ANYTHING
@given(moment=st.datetimes())
def test_times_come_back(moment: Any) -> None:
    text = interface.datetime_to_str(moment)

    assert interface.str_to_datetime(text).replace(tzinfo=None) == moment


@ANYTHING
@given(text=st.text(max_size=80) | JSON.map(lambda value: json.dumps(value, default=str)))
def test_any_yaml(quickly: Quickly, text: str) -> None:
    made = _object_or_documented_error(lambda run: run(), lambda: interface.specs_from_yaml(text))
    for spec in made or []:
        _can_be_used(spec)


@pytest.mark.parametrize(
    "text",
    [
        "a," * 50_000,
        "h1 " * 50_000,
        "regex:" + "(" * 500,
        "regex:" + "(?i)" + r"[\u0000-\uffff]" * 30,
        "regex:" + "a*" * 250,
        "regex:" + "(a+)+" * 100,
        "regex:" + "a{1,60000}" * 40,
        "*" * 100_000,
        "label:" + "x" * 100_000,
        "9" * 100_000,
        "h:" + "1." * 50_000,
        "h:[" + "v2:" * 30_000,
        "count:" + "0" * 10_000,
    ],
    ids=lambda text: str(text[:20]),
)
def test_hostile_placement_text(text: str) -> None:
    message = ""
    before = time.thread_time()
    try:
        interface.PlacementSpec.from_string(text)
    except interface.SpecValidationError as error:
        message = str(error)

    # It takes milliseconds; an expression that runs away takes minutes.
    assert time.thread_time() - before < 5.0
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("cls", "value"),
    [
        (interface.OrchestratorEvent, "2" * 100_000),
        (interface.OrchestratorEvent, "2026-01-31T12:00:00.000001Z a:" + " [" * 50_000),
        (interface.OrchestratorEvent, "2026-01-31T12:00:00." + "0" * 100_000 + 'Z a:b [INFO] ""'),
        (interface.ServiceSpec, {"service_type": "rgw", "service_id": "a" * 100_000}),
        (interface.ServiceSpec, {"service_type": "x" * 100_000}),
        (interface.ServiceSpec, {"service_name": "." * 100_000}),
        (interface.ServiceSpec, {"service_type": "mgr", "networks": ["1." * 50_000]}),
        (interface.ServiceSpec, {"service_type": "mgr", "x" * 100_000: 1}),
        (interface.HostSpec, {"hostname": "h", "x" * 100_000: 1}),
        (interface.DaemonDescription, {"created": "1" * 100_000}),
        (interface.DaemonDescription, {"created": 10**5000}),
        (interface.ServiceSpec, {"service_type": "mgr", "service_id": 10**5000}),
        (interface.ServiceSpec, {"service_type": "mgr", "placement": {"count": 10**5000}}),
        (interface.ServiceSpec, {"service_type": "rgw", "rgw_frontend_port": 10**5000}),
    ],
    ids=range(14),
)
def test_hostile_json(cls: Any, value: Any, quickly: Quickly) -> None:
    message = ""
    try:
        made = quickly(lambda: cls.from_json(value))
        made.to_json()
    except DOCUMENTED as error:
        message = str(error)

    assert len(message) < 3000


def test_deeply_nested_json(quickly: Quickly) -> None:
    value: Any = "x"
    for _ in range(900):
        value = [value]
    for cls in CLASSES_WITH_JSON:
        for document in (value, {"service_type": "mgr", "config": {"a": value}}):
            _object_or_documented_error(quickly, lambda cls=cls, d=document: cls.from_json(d))


def _object_or_documented_error(quickly: Quickly, function: Callable[[], Any]) -> Any:
    try:
        return quickly(function)
    except DOCUMENTED:
        return None


def _can_be_used(made: Any) -> None:
    """Use everything that an object offers: nothing of it may fail on what from_json accepted."""
    written = made.to_json()
    assert made == made
    repr(made)
    if isinstance(made, interface.ServiceSpec):
        made.validate()
        made.get_port_start()
        made.get_virtual_ip()
        made.one_line_str()
        json.dumps(written)
        again = interface.ServiceSpec.from_json(written)
        assert repr(again.to_json()) == repr(written)
    elif isinstance(made, (interface.DaemonDescription, interface.ServiceDescription)):
        made.to_dict()
        made.get_port_summary()
    elif isinstance(made, interface.PlacementSpec):
        made.filter_matching_hostspecs([interface.HostSpec("h1")])


def _changed(value: Any, data: Any) -> Any:
    """Replace, add or remove something somewhere in a document."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        value[key] = _changed(value[key], data)
        return value
    if isinstance(value, list) and value and data.draw(st.booleans()):
        index = data.draw(st.integers(0, len(value) - 1))
        value[index] = _changed(value[index], data)
        return value
    if isinstance(value, dict) and data.draw(st.booleans()):
        if value and data.draw(st.booleans()):
            del value[data.draw(st.sampled_from(sorted(value)))]
        else:
            value[data.draw(TEXT)] = data.draw(JSON)
        return value
    return data.draw(JSON)
