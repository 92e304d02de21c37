"""The options that say which engine runs the jobs, and where AWX is."""

from __future__ import annotations

from typing import Any, List

from mgr_module import Option

from adapter.mgr.awx_where import ENGINES, WHEN_DOWN

OPTIONS: List[Any] = [
    Option(
        "engine",
        type="str",
        default="local",
        enum_allowed=list(ENGINES),
        desc="Where jobs run: on this manager's host (local), or in AWX (awx), which awx_url and "
        "the other options name. Jobs that have begun end where they are.",
        runtime=True,
    ),
    Option(
        "awx_url",
        type="str",
        default="",
        desc="Where AWX is: https://HOST or https://HOST:PORT.",
        runtime=True,
    ),
    Option(
        "awx_base_path",
        type="str",
        default="/api/v2",
        desc="Where AWX's interface is there; /api/controller/v2 behind a gateway.",
        runtime=True,
    ),
    Option(
        "awx_organization",
        type="str",
        default="",
        desc="The organization of the job templates that `orch-ansible awx apply` has made with "
        "engine: true.",
        runtime=True,
    ),
    Option(
        "awx_name",
        type="str",
        default="ceph",
        desc="What the names of these job templates begin with: name of awx.yml.",
        runtime=True,
    ),
    Option(
        "awx_user",
        type="str",
        default="",
        desc="The user of AWX whose password `ceph ansible awx set-token` has been given. Empty: "
        "it has been given a token.",
        runtime=True,
    ),
    Option(
        "awx_certificate_sha256",
        type="str",
        default="",
        desc="The SHA-256 of AWX's own certificate, which then counts alone. Empty: the authority "
        "given with `ceph ansible awx set-ca`, or those of the system.",
        runtime=True,
    ),
    Option(
        "awx_instance_group",
        type="str",
        default="",
        desc="The instance group of AWX in which jobs run. Empty: AWX chooses.",
        runtime=True,
    ),
    Option(
        "awx_queue_deadline",
        type="secs",
        default=300,
        min=1,
        desc="For how long a job may wait in AWX before it begins; then it has failed.",
        runtime=True,
    ),
    Option(
        "awx_event_deadline",
        type="secs",
        default=30,
        min=1,
        desc="How long the last events of a job are waited for after its end.",
        runtime=True,
    ),
    Option(
        "awx_when_down",
        type="str",
        default="refuse",
        enum_allowed=list(WHEN_DOWN),
        desc="What becomes of changes while AWX does not answer: they are refused, or wait (queue) "
        "until it does.",
        runtime=True,
    ),
]
