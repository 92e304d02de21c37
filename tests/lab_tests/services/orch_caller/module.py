# ruff: noqa: I002 -- Ceph reads annotations of command handlers as objects, not as strings
"""Call every method of the orchestrator interface from inside ceph-mgr, as other modules do.

Runs on the lab's host only: Ceph's client mixin, Ceph's classes, the way through the C++ side.
"""

import json
from typing import Any, Dict, List, Tuple

import orchestrator
from ceph.deployment.drive_group import DeviceSelection, DriveGroupSpec
from ceph.deployment.hostspec import HostSpec
from ceph.deployment.service_spec import (
    IngressSpec,
    IscsiServiceSpec,
    MDSSpec,
    NFSServiceSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    TunedProfileSpec,
)
from mgr_module import CLICommandBase, HandleCommandResult, MgrModule

Commands = CLICommandBase.make_registry_subtype("OrchCallerCommands")
NOWHERE = PlacementSpec(hosts=["nope"])
HERE = PlacementSpec(hosts=["h1"])
OSDS = DriveGroupSpec(
    placement=NOWHERE, service_id="x", data_devices=DeviceSelection(paths=["/dev/nope"])
)
LIGHT = orchestrator.DeviceLightLoc("h1", "/dev/nope", "/dev/nope")
PROFILE = TunedProfileSpec("x", placement=HERE, settings={"vm.swappiness": "10"})

Call = Tuple[str, Tuple[Any, ...], Dict[str, Any]]
# Right calls that change nothing or little, and wrong ones.
CALLS: List[Call] = [
    ("get_feature_set", (), {}),
    ("cancel_completions", (), {}),
    ("available", (), {}),
    ("get_hosts", (), {}),
    ("get_facts", (), {}),
    ("get_facts", ("h1",), {}),
    ("get_facts", ("nope",), {}),
    ("get_inventory", (), {}),
    ("get_inventory", (orchestrator.InventoryFilter(hosts=["h2"]), True), {}),
    ("get_inventory", (orchestrator.InventoryFilter(hosts=["nope"]),), {}),
    ("describe_service", (), {}),
    ("describe_service", ("mon", None), {"refresh": True}),
    ("describe_service", (), {"service_name": "nope"}),
    ("list_daemons", (), {}),
    ("list_daemons", (), {"daemon_type": "mon", "host": "h1", "refresh": True}),
    ("list_daemons", (), {"host": "nope"}),
    ("add_host", (HostSpec("h1", addr="10.0.0.1"),), {}),
    ("add_host", (HostSpec("my_host"),), {}),
    ("add_host_label", ("nope", "x"), {}),
    ("add_host_label", ("h1", "from-caller"), {}),
    ("remove_host_label", ("h1", "from-caller"), {}),
    ("remove_host_label", ("h1", "from-caller"), {"force": True}),
    ("remove_host", ("h1", False, False, False), {}),
    ("remove_host", ("nope",), {"force": True, "offline": True, "rm_crush_entry": True}),
    ("update_host_addr", ("nope", "10.0.0.1"), {}),
    ("rescan_host", ("h1",), {}),
    ("apply", ([ServiceSpec("mds", "x", placement=NOWHERE)],), {"no_overwrite": True}),
    ("apply", ([ServiceSpec("prometheus")],), {}),
    ("apply", ([HostSpec("h1", addr="10.0.0.1")], True, True), {}),
    ("plan", ([ServiceSpec("mds", "x", placement=HERE), OSDS],), {}),
    ("apply_mon", (ServiceSpec("mon", placement=NOWHERE),), {}),
    ("apply_mgr", (ServiceSpec("mgr", placement=NOWHERE),), {}),
    ("apply_mds", (MDSSpec("mds", service_id="x", placement=NOWHERE),), {}),
    ("apply_rgw", (RGWSpec(service_id="x", placement=NOWHERE),), {}),
    ("apply_rbd_mirror", (ServiceSpec("rbd-mirror", placement=NOWHERE),), {}),
    ("apply_crash", (ServiceSpec("crash", placement=NOWHERE),), {}),
    ("apply_ceph_exporter", (ServiceSpec("ceph-exporter", placement=NOWHERE),), {}),
    ("apply_nfs", (NFSServiceSpec(service_id="x"),), {}),
    ("apply_ingress", (IngressSpec(service_id="x"),), {}),
    ("apply_iscsi", (IscsiServiceSpec(service_id="x"),), {}),
    *[
        (f"apply_{kind.replace('-', '_')}", (ServiceSpec(kind, service_id="x"),), {})
        for kind in ("prometheus", "node-exporter", "loki", "promtail", "grafana", "alertmanager")
    ],
    *[
        (f"apply_{kind}", (ServiceSpec("prometheus"),), {})
        for kind in ("nvmeof", "snmp_gateway", "mgmt_gateway", "oauth2_proxy", "smb")
    ],
    ("set_unmanaged", ("nope", True), {}),
    ("set_unmanaged_flag", (True, "osd"), {}),
    ("add_daemon", (ServiceSpec("mds", "x", placement=NOWHERE),), {}),
    ("remove_daemons", (["mds.nope"],), {}),
    ("remove_daemons", (["osd.0"],), {}),
    ("remove_service", ("nope",), {}),
    ("remove_service", ("mon",), {"force": True}),
    ("service_action", ("restart", "nope"), {}),
    ("service_action", ("dance", "mon"), {}),
    ("service_action", ("stop", "mon"), {}),
    ("daemon_action", ("restart", "mon.nope"), {}),
    ("daemon_action", ("redeploy", "mon.h1"), {"image": "quay.io/ceph/ceph"}),
    ("daemon_action", ("start", "mon.h1"), {}),
    ("create_osds", (OSDS,), {}),
    ("apply_drivegroups", ([OSDS],), {}),
    ("preview_osdspecs", (), {}),
    ("preview_osdspecs", (None, [OSDS]), {}),
    ("remove_osds", (["999"],), {"replace": False, "force": False, "zap": False}),
    ("remove_osds_status", (), {}),
    ("stop_remove_osds", (["999"],), {}),
    ("set_osd_spec", ("osd.nope", ["0"]), {}),
    ("replace_device", ("h1", "/dev/nope"), {}),
    ("zap_device", ("nope", "/dev/nope"), {}),
    ("blink_device_light", ("ident", True, [LIGHT]), {}),
    ("drain_host", ("nope",), {}),
    ("stop_drain_host", ("nope",), {}),
    ("host_ok_to_stop", ("h1",), {}),
    ("enter_host_maintenance", ("nope",), {}),
    ("exit_host_maintenance", ("nope",), {}),
    ("hardware_light", ("chassis", "get", "h1"), {}),
    ("hardware_powercycle", ("h1",), {}),
    ("hardware_shutdown", ("h1",), {}),
    ("hardware_status", (), {}),
    ("node_proxy_common", ("memory",), {}),
    *[
        (f"node_proxy_{name}", (), {})
        for name in ("summary", "fullreport", "firmware", "firmwares", "criticals")
    ],
    *[(f"cert_store_{name}", (), {}) for name in ("cert_ls", "entity_ls", "reload", "cert_check")],
    ("cert_store_key_ls", (), {}),
    ("cert_store_get_cert", ("x",), {"no_exception_when_missing": True}),
    ("cert_store_get_key", ("x",), {"no_exception_when_missing": True}),
    ("cert_store_set_pair", ("c", "k", "x"), {}),
    ("cert_store_set_cert", ("x", "c"), {}),
    ("cert_store_set_key", ("k", "x"), {}),
    ("cert_store_rm_cert", ("x",), {}),
    ("cert_store_rm_key", ("x",), {}),
    *[
        (name, (), {})
        for name in (
            "get_prometheus_access_info",
            "get_security_config",
            "get_alertmanager_access_info",
        )
    ],
    ("set_alertmanager_access_info", ("u", "p"), {}),
    ("set_prometheus_access_info", ("u", "p"), {}),
    ("generate_certificates", ("prometheus",), {}),
    ("set_custom_prometheus_alerts", ("x",), {}),
    ("set_prometheus_target", ("http://x",), {}),
    ("remove_prometheus_target", ("http://x",), {}),
    ("apply_tuned_profiles", ([PROFILE], False), {}),
    ("rm_tuned_profile", ("x",), {}),
    ("tuned_profile_ls", (), {}),
    ("tuned_profile_add_setting", ("x", "a", "b"), {}),
    ("tuned_profile_add_settings", ("x", {"a": "b"}), {}),
    ("tuned_profile_rm_setting", ("x", "a"), {}),
    ("tuned_profile_rm_settings", ("x", ["a"]), {}),
    ("upgrade_check", (None, "20.2.4"), {}),
    ("upgrade_ls", (None, False), {}),
    ("upgrade_start", (None, "20.2.4", None, None, None, None), {}),
    *[(f"upgrade_{name}", (), {}) for name in ("pause", "resume", "stop", "status", "available")],
    ("update_service", ("mon", "x", "x"), {}),
    ("pause", (), {}),
    ("resume", (), {}),
]


class Module(MgrModule, orchestrator.OrchestratorClientMixin):  # type: ignore[misc]
    """Calls the orchestrator."""

    CLICommand = Commands
    NOTIFY_TYPES: List[Any] = []  # noqa: RUF012 -- Ceph's own form

    @Commands.Read("orch-caller run")
    def run(self) -> HandleCommandResult:
        """Call every method, and print what the caller has of it"""
        called = [[name, *self._outcome(name, args, named)] for name, args, named in CALLS]
        public = [name for name in vars(orchestrator.Orchestrator) if not name.startswith("_")]
        missing = sorted(set(public) - {name for name, _, _ in CALLS})
        return HandleCommandResult(stdout=json.dumps({"calls": called, "not_called": missing}))

    def _outcome(self, name: str, args: Tuple[Any, ...], named: Dict[str, Any]) -> List[str]:
        """Return the class of what came back, and its words."""
        try:
            value = getattr(self, name)(*args, **named)
            if isinstance(value, orchestrator.OrchResult):
                value = orchestrator.raise_if_exception(value)
        except Exception as error:  # noqa: BLE001 -- which one it is matters
            return [type(error).__name__, str(error)]
        return ["", repr(value)[:300]]
