"""A client drives an in-memory backend through every method of the interface."""

from __future__ import annotations

import inspect
import pickle
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

import adapter.interface as interface
from adapter.interface import (
    NoOrchestrator,
    Orchestrator,
    OrchestratorClientMixin,
    OrchestratorError,
    OrchestratorValidationError,
    OrchResult,
    handle_orch_error,
    raise_if_exception,
)
from adapter.interface.orchestrator import APPLY_METHODS, FEATURES, HIDDEN_FEATURES

FORWARDED = sorted({*FEATURES, *HIDDEN_FEATURES} - {"is_orchestrator_module"})
BARE = {
    "available": (True, "", {"paused": False}),
    "cancel_completions": None,
    "get_feature_set": None,
    "pause": None,
    "resume": None,
    "set_unmanaged_flag": interface.HandleCommandResult(0, "done", ""),
}


class Recorder(Orchestrator):
    """Common to both backends: remembers the calls."""

    def __init__(self) -> None:
        self.calls: List[Tuple[str, Dict[str, Any]]] = []


def _implementation(name: str) -> Callable[..., Any]:
    signature = inspect.signature(inspect.unwrap(getattr(Orchestrator, name)))

    def method(self: Recorder, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        del arguments["self"]
        self.calls.append((name, arguments))
        return BARE.get(name, f"did {name}")

    method.__name__ = name
    return method if name in BARE else handle_orch_error(method)


MemoryBackend = type(
    "MemoryBackend",
    (Recorder,),
    {name: _implementation(name) for name in (*FEATURES, "available", "upgrade_available")},
)


class HostsOnly(Recorder):
    """A backend of two methods."""

    @handle_orch_error
    def get_hosts(self) -> List[interface.HostSpec]:
        self.calls.append(("get_hosts", {}))
        return [interface.HostSpec("h1")]

    @handle_orch_error
    def add_host(self, host_spec: interface.HostSpec) -> str:
        if host_spec.hostname == "bad":
            raise OrchestratorValidationError("hostname: 'bad' is not allowed")
        if host_spec.hostname == "later":
            raise NotImplementedError("add_host for this kind of host")
        if host_spec.hostname == "bug":
            raise KeyError("bug")
        return "Added"


class Mgr:
    """Calls as ceph-mgr 20.2 does: everything is pickled on the way."""

    def __init__(self, backend: Optional[Orchestrator], name: Optional[str] = "memory") -> None:
        self.backend, self.name = backend, name

    def remote(self, module: str, method: str, *args: Any, **kwargs: Any) -> Any:
        if module == "orchestrator":
            assert method == "_select_orchestrator"
            return self.name
        if module != "memory":
            raise ImportError("Module not found")
        args, kwargs = pickle.loads(pickle.dumps((args, kwargs)))
        try:
            function = getattr(self.backend, method)
        except AttributeError:
            raise NameError("Method not found") from None
        try:
            return pickle.loads(pickle.dumps(function(*args, **kwargs)))
        except Exception as error:  # noqa: BLE001 - as ceph-mgr does
            raise RuntimeError(f"Remote method threw exception: {error!r}") from None


def client(backend: Optional[Orchestrator], name: Optional[str] = "memory") -> Any:
    made = OrchestratorClientMixin()
    made.set_mgr(Mgr(backend, name))
    return made


@pytest.mark.parametrize("name", FORWARDED)
def test_every_method_reaches_the_backend(name: str) -> None:
    backend: Any = MemoryBackend()
    signature = inspect.signature(inspect.unwrap(getattr(Orchestrator, name)))
    arguments = {one: f"given {one}" for one in list(signature.parameters)[1:]}

    by_name = getattr(client(backend), name)(**arguments)
    by_position = getattr(client(backend), name)(*arguments.values())

    if name in BARE:
        assert by_name == by_position
        if name != "get_feature_set":
            assert by_name == BARE[name]
            assert backend.calls == [(name, arguments)] * 2
        return
    assert raise_if_exception(by_name) == raise_if_exception(by_position) == f"did {name}"
    assert backend.calls == [(name, arguments)] * 2


@pytest.mark.parametrize("name", FORWARDED)
def test_stub_has_the_signature(name: str) -> None:
    stub, method = getattr(OrchestratorClientMixin, name), getattr(Orchestrator, name)

    assert stub is not method
    assert inspect.signature(stub) == inspect.signature(method)
    assert stub.__doc__ == method.__doc__


def test_whether_it_is_an_orchestrator_is_about_the_module_itself() -> None:
    assert client(None).is_orchestrator_module() is True


def test_defaults_are_the_backends() -> None:
    backend: Any = MemoryBackend()

    client(backend).remove_osds(["3"], force=True)

    assert backend.calls[0][1]["force"] is True
    assert backend.calls[0][1]["zap"] is False


@pytest.mark.parametrize("name", sorted(set(FEATURES) - {"get_hosts", "add_host", "apply"}))
def test_not_implemented_arrives(name: str) -> None:
    signature = inspect.signature(getattr(Orchestrator, name))
    arguments = ["x"] * (len(signature.parameters) - 1)

    with pytest.raises(NotImplementedError, match=f"memory does not implement {name}"):
        getattr(client(HostsOnly()), name)(*arguments)


def test_errors_arrive() -> None:
    hosts = client(HostsOnly())

    with pytest.raises(OrchestratorValidationError, match="'bad' is not allowed"):
        raise_if_exception(hosts.add_host(interface.HostSpec("bad")))
    with pytest.raises(NotImplementedError, match="for this kind of host"):
        raise_if_exception(hosts.add_host(interface.HostSpec("later")))
    with pytest.raises(KeyError, match="bug"):
        raise_if_exception(hosts.add_host(interface.HostSpec("bug")))
    assert raise_if_exception(hosts.get_hosts()) == [interface.HostSpec("h1")]


def test_backend_without_the_method_at_all() -> None:
    """An older backend: the method is neither there nor in its feature set."""

    class Old:
        def get_feature_set(self) -> Dict[str, Dict[str, bool]]:
            return {"get_hosts": {"available": True}}

    with pytest.raises(NotImplementedError):
        client(Old()).tuned_profile_ls()  # type: ignore[arg-type]


def test_no_orchestrator() -> None:
    with pytest.raises(NoOrchestrator):
        client(None, name=None).get_hosts()


def test_backend_not_loaded() -> None:
    with pytest.raises(ImportError):
        client(None, name="gone").get_hosts()
    with pytest.raises(ImportError):
        client(None, name="gone").available()


def test_failing_call_of_an_implemented_method_stays_a_failure() -> None:
    class Broken(HostsOnly):
        def get_hosts(self) -> Any:
            raise ValueError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        client(Broken()).get_hosts()


def test_arguments_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    client(MemoryBackend()).set_prometheus_access_info("admin", "geheim")

    assert "set_prometheus_access_info" in caplog.text
    assert "geheim" not in caplog.text


def test_mixin_of_an_mgr_module() -> None:
    class Module(Mgr, OrchestratorClientMixin):
        def _select_orchestrator(self) -> str:
            return "memory"

    assert Module(HostsOnly()).get_hosts().result == [interface.HostSpec("h1")]


def test_feature_set_of_backends() -> None:
    features = client(HostsOnly()).get_feature_set()
    everything = client(MemoryBackend()).get_feature_set()

    assert {name for name, one in features.items() if one["available"]} == {
        "get_hosts",
        "add_host",
    }
    assert all(one["available"] for one in everything.values())
    assert not any(one["available"] for one in Orchestrator().get_feature_set().values())


class Applier(Recorder):
    """Implements what ``apply`` needs for three types."""

    @handle_orch_error
    def describe_service(self, *args: Any, **kwargs: Any) -> List[Any]:
        return [interface.ServiceDescription(interface.ServiceSpec("mgr"))]

    @handle_orch_error
    def get_hosts(self) -> List[Any]:
        return [interface.HostSpec("h1")]

    @handle_orch_error
    def add_host(self, host_spec: Any) -> str:
        return f"Added {host_spec.hostname}"

    @handle_orch_error
    def apply_mgr(self, spec: Any) -> str:
        self.calls.append(("apply_mgr", {}))
        return "Scheduled mgr update..."

    @handle_orch_error
    def apply_mon(self, spec: Any) -> str:
        raise OrchestratorError("no mon today")

    @handle_orch_error
    def apply_drivegroups(self, specs: List[Any]) -> List[str]:
        return [f"Scheduled {spec.service_name()} update..." for spec in specs]


MGR, MON, CRASH = (interface.ServiceSpec(name) for name in ("mgr", "mon", "crash"))
OSD = interface.DriveGroupSpec(
    interface.PlacementSpec(host_pattern="*"), "a", interface.DeviceSelection(all=True)
)


def apply(specs: List[Any], **kwargs: Any) -> List[str]:
    result: OrchResult[List[str]] = Applier().apply(specs, **kwargs)
    return raise_if_exception(result)


def test_apply_gives_one_line_for_each_spec() -> None:
    assert apply([interface.HostSpec("h2"), MGR, OSD]) == [
        "Added h2",
        "Scheduled mgr update...",
        "Scheduled osd.a update...",
    ]


def test_apply_refuses_a_type_before_anything_is_done() -> None:
    backend = Applier()
    container = interface.CustomContainerSpec(service_id="x", image="y")

    with pytest.raises(OrchestratorValidationError, match=r"container.*allowed: alertmanager"):
        raise_if_exception(backend.apply([MGR, container]))
    assert backend.calls == []


def test_apply_stops_at_the_first_error() -> None:
    with pytest.raises(OrchestratorError, match="no mon today"):
        apply([MON, MGR])


def test_apply_can_go_on() -> None:
    assert apply([MON, MGR], continue_on_error=True) == [
        "Failed to apply spec for mon: no mon today",
        "Scheduled mgr update...",
    ]


def test_apply_of_a_method_that_is_missing() -> None:
    with pytest.raises(NotImplementedError):
        apply([CRASH])


def test_apply_does_not_overwrite() -> None:
    lines = apply([interface.HostSpec("h1"), interface.HostSpec("h2"), MGR, OSD], no_overwrite=True)

    assert lines == [
        "Skipped h1 host spec. To change it omit the --no-overwrite flag",
        "Added h2",
        "Skipped mgr service spec. To change it omit the --no-overwrite flag",
        "Scheduled osd.a update...",
    ]


def test_apply_table_names_methods_that_exist() -> None:
    for service_type, name in APPLY_METHODS.items():
        assert name in FEATURES
        assert service_type == "host" or service_type in interface.KNOWN_SERVICE_TYPES
