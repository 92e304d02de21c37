"""Daemons and their names."""

from __future__ import annotations

from typing import Optional

import pytest

from adapter.interface import (
    DaemonDescription,
    DaemonDescriptionStatus,
    OrchestratorError,
    OrchestratorValidationError,
)

Status = DaemonDescriptionStatus


@pytest.mark.parametrize(
    ("daemon_type", "daemon_id", "hostname", "service_name"),
    [
        ("mds", "fs.h1.x", "h1", "mds.fs"),
        ("mds", "fs.h1.x", "h1.example.com", "mds.fs"),
        ("mds", "h1", "h1", "mds.h1"),
        ("mds", "x", "h1", "mds.x"),
        ("rgw", "a.b.c", "h1", "rgw.a.b"),
        ("rgw", "a.b.c.d", "h1", "rgw.a.b"),
        ("rgw", "a.b", "h1", "rgw.a.b"),
        ("rgw", "a", "h1", "rgw.a"),
        ("iscsi", "a.h1.b", "h1", "iscsi.a"),
        ("nfs", "foo.0.0.h1.abc", "h1", "nfs.foo.0.0"),
        ("haproxy", "nfs.foo.h1.abc", "h1", "ingress.nfs.foo"),
        ("keepalived", "rgw.web.h1.abc", "h1", "ingress.rgw.web"),
        ("crash", "h1", "h1", "crash"),
        ("crashcollector", "h1", "h1", "crash"),
        ("rbd-mirror", "h1.x", "h1", "rbd-mirror"),
        ("osd", "3", "h1", "osd"),
        ("mon", "h1", "h1", "mon"),
    ],
)
def test_service_name(daemon_type: str, daemon_id: str, hostname: str, service_name: str) -> None:
    assert DaemonDescription(daemon_type, daemon_id, hostname).service_name() == service_name


def test_given_service_name_wins() -> None:
    daemon = DaemonDescription("osd", "3", "h1", service_name="osd.hdds")

    assert daemon.service_name() == "osd.hdds"
    assert daemon.service_id() == "hdds"
    assert DaemonDescription("osd", "3", "h1", osdspec_affinity="ssds").service_id() == "ssds"
    assert DaemonDescription("mon", "h1", "h1").service_id() == "h1"


@pytest.mark.parametrize(
    ("daemon_type", "daemon_id", "hostname"),
    [
        ("rgw", "h1.rgw0", "h1"),
        ("mds", "h10", "h1"),
        ("mds", None, "h1"),
        ("mds", "x", None),
        (None, "x", "h1"),
    ],
)
def test_service_name_that_cannot_be_found(
    daemon_type: Optional[str], daemon_id: Optional[str], hostname: Optional[str]
) -> None:
    daemon = DaemonDescription(daemon_type, daemon_id, hostname)

    with pytest.raises(OrchestratorError, match="Cannot find the service of daemon"):
        daemon.service_name()
    with pytest.raises(OrchestratorError, match="give its service_name"):
        daemon.service_id()


def test_unknown_type() -> None:
    with pytest.raises(OrchestratorValidationError, match=r"radosgw.*allowed: agent"):
        DaemonDescription("radosgw", "x", "h1").service_name()


def test_status() -> None:
    daemon = DaemonDescription("osd", "3", status=Status.running, status_desc="up")
    assert daemon.status_desc == "up"

    daemon.status = Status.stopped
    assert (daemon.status, daemon.status_desc) == (Status.stopped, "stopped")
    daemon.status = None
    assert daemon.status_desc == "unknown"
    assert [int(one) for one in Status] == [-2, -1, 0, 1, 2]
    assert Status.to_str(Status.error) == "error"


@pytest.mark.parametrize(
    ("service_name", "matches"),
    [("mds.fs", True), ("mds", True), ("mds.f", False), ("mgr", False), (None, False), ("", False)],
)
def test_matches_service_by_name(service_name: Optional[str], matches: bool) -> None:
    assert DaemonDescription("mds", "fs.h1.x", "h1").matches_service(service_name) is matches


def test_matches() -> None:
    daemon = DaemonDescription("osd", "3", service_name="osd.a", container_image_digests=["x", "y"])

    assert daemon.matches_service("osd.a")
    assert not daemon.matches_service("osd")
    assert daemon.matches_digests(["y", "z"])
    assert not daemon.matches_digests(None)
    assert not DaemonDescription("osd", "3").matches_digests(["x"])
    assert not daemon.matches_image_name("img")
    assert DaemonDescription("osd", "3", container_image_name="img").matches_image_name("img")


def test_port_summary() -> None:
    assert DaemonDescription("osd", "3").get_port_summary() == ""
    assert DaemonDescription("osd", "3", ports=[2, 1]).get_port_summary() == "*:1,2"
    assert DaemonDescription("osd", "3", ports=[2], ip="10.0.0.1").get_port_summary() == (
        "10.0.0.1:2"
    )


def test_forms() -> None:
    daemon = DaemonDescription("osd", "3", "h1", status_desc="running")

    assert repr(daemon) == "<DaemonDescription>(osd.3)"
    assert str(daemon) == "osd.3 in status running on h1"
    assert daemon.name() == daemon.daemon_name == "osd.3"
    assert hash(daemon) == hash(DaemonDescription("osd", "3", "h1"))
    assert daemon != "osd.3"


def test_osd_own_name_is_no_service() -> None:
    daemon = DaemonDescription.from_json(
        {"daemon_type": "osd", "daemon_id": "3", "service_name": "osd.3"}
    )

    assert "service_name" not in daemon.to_json()


def test_affinity_is_written_for_osds_only() -> None:
    assert "osdspec_affinity" not in DaemonDescription("mon", "a", osdspec_affinity="x").to_json()


def test_deployment_arguments_are_read_and_not_written() -> None:
    daemon = DaemonDescription.from_json(
        {"daemon_type": "osd", "daemon_id": "3", "extra_entrypoint_args": ["--x"]}
    )

    assert daemon.extra_entrypoint_args == ["--x"]
    assert "extra_entrypoint_args" not in daemon.to_json()


def test_events_in_both_forms() -> None:
    text = '2026-01-31T12:00:00.000001Z daemon:osd.3 [INFO] "x"'
    daemon = DaemonDescription.from_json({"events": [text]})

    assert daemon.to_json()["events"] == [text]
    assert daemon.to_dict()["events"][0]["subject"] == "daemon:osd.3"


def test_pending_config() -> None:
    daemon = DaemonDescription("mgr", "a")
    daemon.update_pending_daemon_config(True)

    assert daemon.to_json()["pending_daemon_config"] is True
