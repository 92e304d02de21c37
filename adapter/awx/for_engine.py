"""What AWX is to have for the engine that runs an orchestrator's jobs there.

A template of the engine asks for everything and has nothing of its own, above all no inventory:
each job brings its own, so what gets lost on the way is no hosts, never all.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

from adapter.awx import objects
from adapter.awx.objects import Grant, Ref, Wanted
from adapter.awx.parameters import Playbook
from adapter.awx.settings import AwxSettings
from adapter.engine.awx_place import AwxPlace

# What a launch of the engine gives; see adapter/engine/awx_launch.py.
ASKED = frozenset(
    {
        *("variables", "inventory", "job_type", "diff_mode", "forks", "timeout"),
        *("credential", "instance_groups"),
    }
)


def template_ref(settings: AwxSettings, playbook: str) -> Ref:
    """Return the engine's job template of a playbook."""
    return Ref(objects.TEMPLATE, f"{settings.name}-engine-{playbook}")


def engine_template(
    settings: AwxSettings, book: Playbook, common: Dict[str, Any], machine: Ref
) -> Wanted:
    """Return the engine's job template of a playbook.

    ``common`` are the fields that it shares with the one for people, all ``ask_`` off.
    """
    asked = {f"ask_{prompt}_on_launch": True for prompt in ASKED}
    ref = template_ref(settings, book.name)
    return Wanted(
        ref.kind,
        ref.name,
        {
            **common,
            **settings.owner.describe(f"{book.title}, for an orchestrator", ref),
            **asked,
            "inventory": None,
            "limit": "",
            # Its jobs wait for each other before they are launched, by their hosts.
            "allow_simultaneous": True,
            "survey_enabled": False,
        },
        labels=(settings.name, f"{settings.name}-engine"),
        credentials=(machine,),
    )


def engine_team(settings: AwxSettings, organization: Ref, books: Iterable[Playbook]) -> Wanted:
    """Return the team whose users are orchestrators: they launch, and make inventories."""
    grants: List[Grant] = [Grant(organization, "inventory_admin_role")]
    grants += [Grant(template_ref(settings, book.name), "execute_role") for book in books]
    if settings.instance_group:
        # AWX refuses a launch that names a group which its user may not use.
        grants.append(Grant(Ref(objects.INSTANCE_GROUP, settings.instance_group), "use_role"))
    ref = Ref(objects.TEAM, f"{settings.name}-engine")
    about = settings.owner.describe("Runs the jobs of an orchestrator", ref)
    return Wanted(
        ref.kind,
        ref.name,
        {**about, "organization": organization},
        grants=tuple(grants),
    )


def place_of(settings: AwxSettings) -> AwxPlace:
    """Return where the engine launches its jobs."""
    return AwxPlace(
        url=settings.url,
        organization=settings.organization,
        secret_file=settings.secret_file,
        name=settings.name,
        user=settings.user,
        base=settings.base_path,
        ca_file=settings.ca_file,
        fingerprint=settings.certificate_sha256,
        instance_group=settings.instance_group,
        queue=settings.queue_deadline,
        events=settings.event_deadline,
    )
