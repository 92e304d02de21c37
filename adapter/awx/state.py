"""What AWX has now of what is wanted."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from adapter.awx.objects import (
    CREDENTIAL,
    CREDENTIAL_TYPE,
    INSTANCE_GROUP,
    KINDS,
    ORGANIZATION,
    Grant,
    Kind,
    Owner,
    Ref,
    Wanted,
)
from adapter.awxapi import Awx
from adapter.errors import AdapterError, NotReady

Object = Dict[str, Any]
# What `apply` makes and does not remove when it is wanted no more.
_KEPT = (ORGANIZATION, CREDENTIAL_TYPE, CREDENTIAL)


class State:
    """The objects of AWX that matter: read once, then kept up to date by whoever changes them."""

    def __init__(self, awx: Awx, owner: Owner) -> None:
        self.awx = awx
        self.owner = owner
        self._organization = Ref(ORGANIZATION, owner.organization)
        self._found: Dict[Tuple[str, str], Object] = {}
        self._elsewhere: Dict[Ref, Optional[Object]] = {}
        for kind in KINDS:
            for found in self._listed(kind):
                self.keep(kind, found)

    def _listed(self, kind: Kind) -> List[Object]:
        if kind == ORGANIZATION:
            return self.awx.list(kind.collection, name=self._organization.name)
        if not kind.scope:
            return self.awx.list(kind.collection, managed="false")
        number = self.id_of(self._organization)
        if number is None:
            return []
        return self.awx.list(kind.collection, **{kind.scope: number})

    def keep(self, kind: Kind, found: Object) -> None:
        """Remember an object as AWX has just shown it."""
        self._found[kind.collection, str(found.get("name"))] = found

    def forget(self, kind: Kind, name: str) -> None:
        """Forget an object that was deleted."""
        self._found.pop((kind.collection, name), None)

    def find(self, ref: Ref) -> Optional[Object]:
        """Return an object of that name, None where there is none."""
        return self._found.get((ref.kind.collection, ref.name))

    def id_of(self, ref: Ref) -> Optional[int]:
        """Return the id of an object, also of one that is not among ours; None without one."""
        found = self.find(ref) or self._other(ref)
        return None if found is None else int(found["id"])

    def need(self, ref: Ref) -> int:
        """Return the id of an object; raises ``NotReady`` without it."""
        number = self.id_of(ref)
        if number is None:
            raise NotReady(
                f"AWX has no {ref}, or does not show it to this user.",
                "Make it in AWX, or name another one in awx.yml.",
            )
        return number

    def _other(self, ref: Ref) -> Optional[Object]:
        """Return an object that is in AWX beside ours: one of AWX itself, or of another owner."""
        if ref.kind not in (CREDENTIAL, CREDENTIAL_TYPE, INSTANCE_GROUP):
            return None
        if ref not in self._elsewhere:
            rows = self.awx.list(ref.kind.collection, name=ref.name)
            if len(rows) > 1:
                raise AdapterError(
                    f"AWX has {len(rows)} objects that are called {ref}.", "Rename all but one."
                )
            self._elsewhere[ref] = rows[0] if rows else None
        return self._elsewhere[ref]

    def marked(self, kind: Kind) -> List[Object]:
        """Return the objects of a kind that were made from here."""
        return [found for found in self._all(kind) if self.owner.has(kind, found)]

    def others(self, kind: Kind) -> List[Object]:
        """Return the objects of a kind that the organization has and that somebody else made."""
        return [found for found in self._all(kind) if not self.owner.has(kind, found)]

    def _all(self, kind: Kind) -> List[Object]:
        return [
            found
            for (collection, _), found in sorted(self._found.items())
            if collection == kind.collection
        ]

    def leftovers(self, wanted: List[Wanted]) -> List[Tuple[Kind, Object]]:
        """Return the objects of ours that are wanted no more, those first that need others.

        Credentials stay: the secrets that were written into them may be nowhere else.
        """
        names = {(each.kind.collection, each.name) for each in wanted}
        return [
            (kind, found)
            for kind in reversed(KINDS)
            for found in self.marked(kind)
            if kind not in _KEPT and (kind.collection, str(found["name"])) not in names
        ]

    def survey(self, found: Object) -> Object:
        """Return the survey of a job template; one without has none."""
        return self.awx.get(str(found["related"]["survey_spec"])) or {}

    def labels(self, found: Object) -> Set[str]:
        """Return the labels of a job template."""
        about = found["summary_fields"].get("labels") or {}
        rows = list(about.get("results") or ())
        if len(rows) < int(about.get("count") or 0):
            rows = list(self.awx.pages(str(found["related"]["labels"])))
        return {str(row["name"]) for row in rows}

    def credentials(self, found: Object) -> Dict[int, str]:
        """Return ids and names of the credentials of a job template."""
        rows = found["summary_fields"].get("credentials") or ()
        return {int(row["id"]): str(row["name"]) for row in rows}

    def grants(self, team: Object) -> Dict[int, str]:
        """Return what a team may do: ids of roles, and what these are called."""
        return {
            int(row["id"]): _role_text(row) for row in self.awx.pages(str(team["related"]["roles"]))
        }

    def role_id(self, grant: Grant) -> Optional[int]:
        """Return the id of the role on an object; None where the object is not there."""
        found = self.find(grant.target) or self._other(grant.target)
        if found is None:
            return None
        roles = found["summary_fields"].get("object_roles")
        if roles is None:
            whole = self.awx.get(str(found["url"])) or found
            self.keep(grant.target.kind, whole)
            roles = whole["summary_fields"].get("object_roles") or {}
        return int(roles[grant.role]["id"]) if grant.role in roles else None


def _role_text(row: Mapping[str, Any]) -> str:
    about = row.get("summary_fields") or {}
    on = about.get("resource_name")
    return f"{row.get('name')} on {on}" if on else str(row.get("name"))
