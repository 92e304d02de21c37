"""Which fields, lists and roles AWX's kinds of objects have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROMPTS = (
    *("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type"),
    *("verbosity", "inventory", "credential", "execution_environment", "labels", "forks"),
    *("job_slice_count", "timeout", "instance_groups"),
)
_COMMON_LISTS = ("activity_stream", "access_list", "object_roles", "copy")


@dataclass(frozen=True)
class Shape:
    """A kind of object.

    ``fields`` are what may be set, with defaults; ``keys`` which of them name other objects, and in
    which collection these are; ``required`` what has to be given; ``unique`` what must differ.
    """

    type: str
    fields: dict[str, Any]
    keys: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ("name",)
    unique: tuple[str, ...] = ("name", "organization")
    roles: dict[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict)


SHAPES: dict[str, Shape] = {
    "organizations": Shape(
        "organization",
        {"name": "", "description": "", "max_hosts": 0, "default_environment": None},
        keys={"default_environment": "execution_environments"},
        unique=("name",),
        roles={
            "admin_role": "Admin",
            "execute_role": "Execute",
            "inventory_admin_role": "Inventory Admin",
            "member_role": "Member",
            "read_role": "Read",
        },
        lists=("projects", "inventories", "job_templates", "users", "teams", "credentials"),
        kept={"custom_virtualenv": None},
    ),
    "users": Shape(
        "user",
        {"username": "", "password": "", "is_superuser": False, "first_name": "", "last_name": ""},
        required=("username", "password"),
        unique=("username",),
        lists=("roles", "teams"),
    ),
    "teams": Shape(
        "team",
        {"name": "", "description": "", "organization": None},
        keys={"organization": "organizations"},
        required=("name", "organization"),
        roles={"admin_role": "Admin", "member_role": "Member", "read_role": "Read"},
        lists=("users", "roles"),
    ),
    "credential_types": Shape(
        "credential_type",
        {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}},
        required=("name", "kind"),
        unique=("name", "kind"),
        lists=("credentials",),
        kept={"managed": False, "namespace": None},
    ),
    "credentials": Shape(
        "credential",
        {
            "name": "",
            "description": "",
            "organization": None,
            "credential_type": None,
            "inputs": {},
        },
        keys={"organization": "organizations", "credential_type": "credential_types"},
        required=("name", "credential_type"),
        unique=("name", "organization", "credential_type"),
        roles={"admin_role": "Admin", "use_role": "Use", "read_role": "Read"},
        lists=("input_sources",),
        kept={"managed": False},
    ),
    "execution_environments": Shape(
        "execution_environment",
        {
            "name": "",
            "description": "",
            "organization": None,
            "image": "",
            "credential": None,
            "pull": "",
        },
        keys={"organization": "organizations", "credential": "credentials"},
        required=("name", "image"),
        unique=("name",),
        kept={"managed": False},
    ),
    "projects": Shape(
        "project",
        {
            "name": "",
            "description": "",
            "organization": None,
            "scm_type": "",
            "scm_url": "",
            "scm_branch": "",
            "scm_refspec": "",
            "scm_clean": False,
            "scm_track_submodules": False,
            "scm_delete_on_update": False,
            "credential": None,
            "timeout": 0,
            "scm_update_on_launch": False,
            "scm_update_cache_timeout": 0,
            "allow_override": False,
            "default_environment": None,
        },
        keys={
            "organization": "organizations",
            "credential": "credentials",
            "default_environment": "execution_environments",
        },
        roles={
            "admin_role": "Admin",
            "use_role": "Use",
            "update_role": "Update",
            "read_role": "Read",
        },
        lists=("playbooks", "update", "project_updates"),
        kept={"status": "never updated", "scm_revision": "", "last_update_failed": False},
    ),
    "inventories": Shape(
        "inventory",
        {
            "name": "",
            "description": "",
            "organization": None,
            "kind": "",
            "host_filter": None,
            "variables": "",
            "prevent_instance_group_fallback": False,
        },
        keys={"organization": "organizations"},
        required=("name", "organization"),
        roles={
            "admin_role": "Admin",
            "update_role": "Update",
            "inventory_admin_role": "Can manage all inventories of the {type}",
            "adhoc_role": "Ad Hoc",
            "use_role": "Use",
            "read_role": "Read",
        },
        lists=("hosts", "groups", "inventory_sources"),
        kept={"pending_deletion": False, "total_hosts": 0},
    ),
    "inventory_sources": Shape(
        "inventory_source",
        {
            "name": "",
            "description": "",
            "inventory": None,
            "source": "",
            "source_project": None,
            "source_path": "",
            "source_vars": "",
            "credential": None,
            "execution_environment": None,
            "overwrite": False,
            "overwrite_vars": False,
            "update_on_launch": False,
            "update_cache_timeout": 0,
            "limit": "",
            "host_filter": "",
            "enabled_var": "",
            "enabled_value": "",
            "timeout": 0,
            "verbosity": 1,
        },
        keys={
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
        required=("name", "inventory"),
        unique=("name", "inventory"),
        lists=("update", "inventory_updates"),
        kept={"status": "never updated"},
    ),
    "job_templates": Shape(
        "job_template",
        {
            "name": "",
            "description": "",
            "job_type": "run",
            "inventory": None,
            "project": None,
            "playbook": "",
            "scm_branch": "",
            "forks": 0,
            "limit": "",
            "verbosity": 0,
            "extra_vars": "",
            "job_tags": "",
            "force_handlers": False,
            "skip_tags": "",
            "start_at_task": "",
            "timeout": 0,
            "use_fact_cache": False,
            "execution_environment": None,
            "host_config_key": "",
            **{f"ask_{prompt}_on_launch": False for prompt in PROMPTS},
            "survey_enabled": False,
            "become_enabled": False,
            "diff_mode": False,
            "allow_simultaneous": False,
            "job_slice_count": 1,
            "prevent_instance_group_fallback": False,
        },
        keys={
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
            "organization": "organizations",
        },
        required=("name", "project", "playbook"),
        roles={"admin_role": "Admin", "execute_role": "Execute", "read_role": "Read"},
        lists=("labels", "credentials", "jobs", "launch", "survey_spec", "schedules"),
        kept={"organization": None, "status": "never updated", "custom_virtualenv": None},
    ),
    "instance_groups": Shape(
        "instance_group",
        {"name": ""},
        unique=("name",),
        roles={"admin_role": "Admin", "use_role": "Use", "read_role": "Read"},
        kept={"is_container_group": False},
    ),
    "labels": Shape(
        "label",
        {"name": "", "organization": None},
        keys={"organization": "organizations"},
        required=("name", "organization"),
    ),
}
ROLE_TEXTS = {
    "admin_role": "Can manage all aspects of the {type}",
    "execute_role": "May run the {type}",
    "use_role": "Can use the {type} in a job template",
    "update_role": "May update the {type}",
    "read_role": "May view settings for the {type}",
    "member_role": "User is a member of the {type}",
    "inventory_admin_role": "Can manage all inventories of the {type}",
    "adhoc_role": "May run ad hoc commands on the {type}",
}


def lists_of(shape: Shape) -> tuple[str, ...]:
    """Return the lists below an object of a kind, as its ``related`` names them."""
    return shape.lists + _COMMON_LISTS
