"""The objects that AWX is to have: their kinds, and one of them as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    ``collection`` is its list in AWX, ``title`` what it is called in sentences, ``scope`` the
    field by which the list is narrowed to the organization (empty: all of AWX).
    """

    collection: str
    title: str
    scope: str = "organization"


ORGANIZATION = Kind("organizations", "organization", "")
CREDENTIAL_TYPE = Kind("credential_types", "credential type", "")
CREDENTIAL = Kind("credentials", "credential")
# Belongs to an organization, and no other organization may have one of that name.
ENVIRONMENT = Kind("execution_environments", "execution environment", "")
PROJECT = Kind("projects", "project")
INVENTORY = Kind("inventory", "inventory")
SOURCE = Kind("inventory_sources", "inventory source", "inventory__organization")
TEMPLATE = Kind("job_templates", "job template")
TEAM = Kind("teams", "team")
# Belongs to AWX itself: it is used and never changed.
INSTANCE_GROUP = Kind("instance_groups", "instance group", "")
# Each needs those before it.
KINDS = (
    *(ORGANIZATION, CREDENTIAL_TYPE, CREDENTIAL, ENVIRONMENT, PROJECT),
    *(INVENTORY, SOURCE, TEMPLATE, TEAM),
)


@dataclass(frozen=True)
class Ref:
    """Stands for the id of another object, in a field."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """Return what it is called."""
        return f"{self.kind.title} {self.name}"


@dataclass(frozen=True)
class Grant:
    """A role on an object, such as ``execute_role``."""

    target: Ref
    role: str


@dataclass(frozen=True)
class Wanted:
    """An object as it is to be.

    ``fields`` are those that are compared and set; everything else of the object is somebody
    else's. ``survey`` is that of a job template, ``labels`` and ``credentials`` what is attached to
    it, ``grants`` what a team may do: None where the kind has no such thing.
    """

    kind: Kind
    name: str
    fields: Mapping[str, Any]
    survey: Mapping[str, Any] = field(default_factory=dict)
    labels: Tuple[str, ...] = ()
    credentials: Tuple[Ref, ...] = ()
    grants: Tuple[Grant, ...] = ()

    @property
    def ref(self) -> Ref:
        """Return the reference to it."""
        return Ref(self.kind, self.name)


@dataclass(frozen=True)
class Owner:
    """Whose objects are ours: the name of the cluster, in an organization."""

    organization: str
    name: str

    def mark(self, ref: Ref) -> str:
        """Return the text at the end of an object's description that says whose it is.

        It names the object: AWX copies descriptions with the rest, and a copy is somebody else's.
        """
        return f"[orch-ansible awx: {self.organization}/{self.name}, {ref}]"

    def has(self, kind: Kind, found: Mapping[str, Any]) -> bool:
        """Tell whether an object was made from here."""
        mark = self.mark(Ref(kind, str(found.get("name"))))
        return str(found.get("description") or "").rstrip().endswith(mark)

    def describe(self, text: str, ref: Ref) -> Dict[str, str]:
        """Return the description of an object of ours."""
        return {"description": f"{text} {self.mark(ref)}"}
