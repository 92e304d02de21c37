"""All objects that AWX is to have for one cluster, made of the settings and the playbooks."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Tuple

from adapter.awx import objects
from adapter.awx.credential_types import keyrings_type, monitors_type
from adapter.awx.for_engine import engine_team, engine_template
from adapter.awx.objects import Grant, Ref, Wanted
from adapter.awx.parameters import Playbook
from adapter.awx.settings import AwxSettings
from adapter.awx.survey import survey

# AWX's own types have these names in every installation.
MACHINE = Ref(objects.CREDENTIAL_TYPE, "Machine")
# Roles that give hosts keys of Ceph (the lookup `keyrings`).
WITH_KEYS = frozenset({"cluster_access", "daemon_deploy", "device_zap", "osd_create", "osd_remove"})
# Roles that ask the monitors themselves, from where the playbook runs.
ASKS_MONITORS = frozenset({"daemon_upgrade"})
_MONITORS_TEXT = "Access to the monitors: for the list of hosts, and for jobs that ask them"
# No host is called so: a job that changes something fails where nobody has named its hosts.
NO_HOSTS = "no_hosts_were_named"
INVENTORY_FILE = "inventory/orchestrator.yml"
# For the update of an inventory AWX sets the older variable, ...PATHS, in which the project's own
# collections are not; the project lies here in an execution environment. Without a credential the
# update shall fail: the hosts of a directory, which is not there, are none, and AWX's would go.
SOURCE_VARS = {
    "ANSIBLE_COLLECTIONS_PATH": "/runner/project/collections",
    "ORCH_ANSIBLE_SOURCE": "ceph",
}
_PROMPTS = (
    *("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type"),
    *("verbosity", "inventory", "credential", "execution_environment", "labels", "forks"),
    *("job_slice_count", "timeout", "instance_groups"),
)


class Names:
    """The names of the objects of one cluster; each begins with the name in the settings."""

    def __init__(self, settings: AwxSettings) -> None:
        self._name = settings.name
        self.organization = Ref(objects.ORGANIZATION, settings.organization)
        self.project = self._ref(objects.PROJECT, "project")
        self.environment = self._ref(objects.ENVIRONMENT, "environment")
        self.inventory = self._ref(objects.INVENTORY, "hosts")
        self.source = self._ref(objects.SOURCE, "hosts")
        self.keyrings_type = self._ref(objects.CREDENTIAL_TYPE, "keyrings")
        self.monitors_type = self._ref(objects.CREDENTIAL_TYPE, "monitors")
        self.keyrings = self._ref(objects.CREDENTIAL, "keyrings")
        self.monitors = self._ref(objects.CREDENTIAL, "monitors")
        self.machine = self._ref(objects.CREDENTIAL, "ssh")
        if settings.machine_credential:
            self.machine = Ref(objects.CREDENTIAL, settings.machine_credential)
        self.look = self._ref(objects.TEAM, "look")
        self.act = self._ref(objects.TEAM, "act")

    def _ref(self, kind: objects.Kind, what: str) -> Ref:
        return Ref(kind, f"{self._name}-{what}")

    def template(self, playbook: str) -> Ref:
        """Return the job template of a playbook."""
        return self._ref(objects.TEMPLATE, playbook)


def wanted_objects(settings: AwxSettings, playbooks: Iterable[Playbook]) -> List[Wanted]:
    """Return all objects; each one comes after those that it refers to."""
    names = Names(settings)
    books = list(playbooks)
    found = [
        *_organization(settings, names),
        *_credentials(settings, names),
        *_places(settings, names),
        *(_template(settings, names, book) for book in books),
        *_teams(settings, names, books),
    ]
    if settings.engine:
        found += [
            engine_template(settings, book, _common(settings, names, book), names.machine)
            for book in books
        ]
        found.append(engine_team(settings, names.organization, books))
    return found


def existing(settings: AwxSettings) -> Tuple[Ref, ...]:
    """Return the objects that have to be in AWX already: they are used and never changed."""
    named = (settings.machine_credential, settings.project_credential, settings.image_credential)
    found = [Ref(objects.CREDENTIAL, name) for name in named if name]
    if settings.engine and settings.instance_group:
        found.append(Ref(objects.INSTANCE_GROUP, settings.instance_group))
    return tuple(found)


def _organization(settings: AwxSettings, names: Names) -> List[Wanted]:
    about = settings.owner.describe("Ceph, managed by Ansible", names.organization)
    return [Wanted(objects.ORGANIZATION, names.organization.name, about)]


def _credentials(settings: AwxSettings, names: Names) -> List[Wanted]:
    def kind(ref: Ref, text: str, what: Dict[str, Any]) -> Wanted:
        return Wanted(ref.kind, ref.name, {**settings.owner.describe(text, ref), **what})

    def credential(ref: Ref, text: str, of: Ref) -> Wanted:
        about = settings.owner.describe(text, ref)
        return Wanted(
            ref.kind,
            ref.name,
            {**about, "organization": names.organization, "credential_type": of},
        )

    found = [
        kind(names.keyrings_type, "Keys of Ceph that jobs give to hosts", keyrings_type()),
        kind(names.monitors_type, _MONITORS_TEXT, monitors_type()),
        credential(names.keyrings, "Keys of Ceph that jobs give to hosts", names.keyrings_type),
        credential(names.monitors, _MONITORS_TEXT, names.monitors_type),
    ]
    if not settings.machine_credential:
        found.append(credential(names.machine, "The ssh key with which hosts are reached", MACHINE))
    return found


def _places(settings: AwxSettings, names: Names) -> List[Wanted]:
    """Return where a job runs, what it runs, and on which hosts."""
    ours: Dict[str, Any] = {"organization": names.organization}
    found = []
    if settings.image:
        about = settings.owner.describe("What the playbooks run in", names.environment)
        of_registry = _credential(settings.image_credential)
        image = {"image": settings.image, "pull": settings.image_pull, "credential": of_registry}
        found.append(
            Wanted(objects.ENVIRONMENT, names.environment.name, {**about, **ours, **image})
        )
    project = {
        "scm_type": "git",
        "scm_url": settings.project_url,
        "scm_branch": settings.project_branch,
        "scm_refspec": "",
        "scm_clean": True,
        "scm_delete_on_update": False,
        "scm_track_submodules": False,
        "scm_update_on_launch": False,
        "scm_update_cache_timeout": 0,
        "allow_override": False,
        "credential": _credential(settings.project_credential),
    }
    about = settings.owner.describe("The playbooks of ceph-orch-ansible", names.project)
    found.append(Wanted(objects.PROJECT, names.project.name, {**about, **ours, **project}))
    about = settings.owner.describe("The hosts of the cluster", names.inventory)
    inventory = {"kind": "", "host_filter": None, "variables": ""}
    found.append(Wanted(objects.INVENTORY, names.inventory.name, {**about, **ours, **inventory}))
    if settings.hosts == "monitors":
        found.append(_source(settings, names))
    return found


def _source(settings: AwxSettings, names: Names) -> Wanted:
    return Wanted(
        objects.SOURCE,
        names.source.name,
        {
            **settings.owner.describe("The hosts that the orchestrator manages", names.source),
            "inventory": names.inventory,
            "source": "scm",
            "source_project": names.project,
            "source_path": INVENTORY_FILE,
            "source_vars": json.dumps(SOURCE_VARS),
            "credential": names.monitors,
            "execution_environment": names.environment if settings.image else None,
            "overwrite": True,
            "overwrite_vars": True,
            "update_on_launch": False,
            "update_cache_timeout": 0,
            "limit": "",
            "host_filter": "",
            "enabled_var": "",
            "enabled_value": "",
        },
    )


def _template(settings: AwxSettings, names: Names, book: Playbook) -> Wanted:
    # Jobs that read may run side by side, on all hosts; the others one after the other, where
    # whoever starts them says so, and they can be predicted.
    asked = {"limit", "job_type"} if book.changes else {"limit"}
    ref = names.template(book.name)
    credentials = [names.machine]
    credentials += [names.keyrings] if WITH_KEYS & set(book.roles) else []
    credentials += [names.monitors] if ASKS_MONITORS & set(book.roles) else []
    return Wanted(
        ref.kind,
        ref.name,
        {
            **_common(settings, names, book),
            **settings.owner.describe(book.title, ref),
            **{f"ask_{prompt}_on_launch": True for prompt in asked},
            "inventory": names.inventory,
            "limit": NO_HOSTS if book.changes else "",
            "allow_simultaneous": not book.changes,
            "survey_enabled": bool(book.parameters),
        },
        survey=survey(book.parameters, settings.fsid) if book.parameters else {},
        labels=(settings.name, f"{settings.name}-{'changes' if book.changes else 'reads'}"),
        credentials=tuple(credentials),
    )


def _common(settings: AwxSettings, names: Names, book: Playbook) -> Dict[str, Any]:
    """Return the fields of all job templates of a playbook; nothing is asked for."""
    return {
        "job_type": "run",
        "project": names.project,
        "playbook": f"playbooks/{book.name}.yml",
        "execution_environment": names.environment if settings.image else None,
        "become_enabled": settings.become,
        **_DEFAULTS,
        **{f"ask_{prompt}_on_launch": False for prompt in _PROMPTS},
    }


_DEFAULTS: Dict[str, Any] = {
    "scm_branch": "",
    "forks": 0,
    "verbosity": 0,
    "extra_vars": "",
    "job_tags": "",
    "skip_tags": "",
    "start_at_task": "",
    "force_handlers": False,
    "timeout": 0,
    "use_fact_cache": False,
    "diff_mode": False,
    "job_slice_count": 1,
    "host_config_key": "",
}


def _teams(settings: AwxSettings, names: Names, books: List[Playbook]) -> List[Wanted]:
    def team(ref: Ref, text: str, grants: List[Grant]) -> Wanted:
        fields = {**settings.owner.describe(text, ref), "organization": names.organization}
        return Wanted(ref.kind, ref.name, fields, grants=tuple(grants))

    look = [Grant(names.inventory, "read_role")]
    act = [Grant(names.inventory, "update_role")]
    for book in books:
        target = names.template(book.name)
        act.append(Grant(target, "execute_role"))
        look.append(Grant(target, "read_role" if book.changes else "execute_role"))
    return [
        team(names.look, "May run what reads, and look at the rest", look),
        team(names.act, "May run everything, and read the hosts anew", act),
    ]


def _credential(name: str) -> Any:
    return Ref(objects.CREDENTIAL, name) if name else None
