"""What the stand-in for AWX keeps: objects, what is attached to them, roles and who has them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from typing import Any, Iterator

from tests.awx.shapes import ROLE_TEXTS, SHAPES, lists_of

ENCRYPTED = "$encrypted$"
_ADMIN = {"id": 1, "username": "admin", "first_name": "", "last_name": ""}


class Store:
    """The database."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in SHAPES}
        # Roles by their ids: which one of which object.
        self.roles: dict[int, tuple[str, int, str]] = {}
        # Ids of roles by the users and teams that have them.
        self.grants: dict[tuple[str, int], set[int]] = defaultdict(set)
        self.surveys: dict[int, dict[str, Any]] = {}
        self.labels: dict[int, list[int]] = defaultdict(list)
        self.credentials: dict[int, list[int]] = defaultdict(list)
        self.members: dict[int, set[int]] = defaultdict(set)
        self.jobs_made = 0
        self._ids: dict[str, int] = defaultdict(int)

    def add(self, collection: str, values: dict[str, Any]) -> dict[str, Any]:
        """Keep a new object; return it."""
        shape = SHAPES[collection]
        self._ids[collection] += 1
        number = self._ids[collection]
        now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        found = {
            "id": number,
            "created": now,
            "modified": now,
            **shape.kept,
            **shape.fields,
            **{key: values[key] for key in values if key in shape.fields},
        }
        self.objects[collection][number] = found
        for role in shape.roles:
            self._ids["roles"] += 1
            self.roles[self._ids["roles"]] = (collection, number, role)
        return found

    def remove(self, collection: str, number: int) -> None:
        """Forget an object with its roles, and what refers to it."""
        self.objects[collection].pop(number, None)
        gone = {
            key for key, (name, of, _) in self.roles.items() if (name, of) == (collection, number)
        }
        for key in gone:
            del self.roles[key]
        for held in self.grants.values():
            held -= gone
        self.grants.pop((collection, number), None)
        for name, shape in SHAPES.items():
            for key, target in shape.keys.items():
                if target != collection:
                    continue
                for other in list(self.objects[name].values()):
                    if other.get(key) == number:
                        self._lose(name, key, other)
        attached = {"credentials": self.credentials, "labels": self.labels}.get(collection, {})
        for numbers in attached.values():
            numbers[:] = [each for each in numbers if each != number]

    def _lose(self, collection: str, key: str, other: dict[str, Any]) -> None:
        cascades = {("teams", "organization"), ("inventory_sources", "inventory")}
        if (collection, key) in cascades:
            self.remove(collection, other["id"])
        else:
            other[key] = None

    def find(self, collection: str, which: str) -> dict[str, Any] | None:
        """Return an object by its id or its named url."""
        if which.isdigit():
            return self.objects[collection].get(int(which))
        for found in self.objects[collection].values():
            if self.named(collection, found) == which:
                return found
        return None

    def named(self, collection: str, found: dict[str, Any]) -> str:
        """Return what names an object in a named url: its name and those of what it belongs to."""
        name = str(found.get("name") or found.get("username"))
        organization = found.get("organization")
        if organization is None or "organization" not in SHAPES[collection].unique:
            return name
        if collection == "credentials":
            kind = self.objects["credential_types"][found["credential_type"]]
            name = f"{name}+{kind['name']}+{kind['kind']}".replace("+", "++", 1)
        return f"{name}++{self.objects['organizations'][organization]['name']}"

    def role_ids(self, collection: str, number: int) -> dict[str, int]:
        """Return the ids of the roles on an object, by their names."""
        return {
            role: key
            for key, (name, of, role) in self.roles.items()
            if (name, of) == (collection, number)
        }

    def held(self, user: int) -> set[int]:
        """Return the ids of the roles that a user has, also by a team."""
        teams = [team for team, members in self.members.items() if user in members]
        return self.grants["users", user].union(*(self.grants["teams", team] for team in teams))

    def shown(self, collection: str, found: dict[str, Any], base: str) -> dict[str, Any]:
        """Return an object as AWX shows it."""
        shape = SHAPES[collection]
        url = f"{base}{collection}/{found['id']}/"
        related = {"named_url": f"{base}{collection}/{self.named(collection, found)}/"}
        related.update({name: f"{url}{name}/" for name in lists_of(shape)})
        summary: dict[str, Any] = {"created_by": _ADMIN, "modified_by": _ADMIN}
        for key, target in shape.keys.items():
            other = self.objects[target].get(found.get(key) or 0)
            if other is not None:
                related[key] = f"{base}{target}/{other['id']}/"
                about = {"id": other["id"], "name": other["name"]}
                summary[key] = {**about, "description": other.get("description", "")}
        if shape.roles:
            summary["object_roles"] = {
                role: {
                    "id": number,
                    "name": shape.roles[role],
                    "description": ROLE_TEXTS[role].format(type=shape.type.replace("_", " ")),
                }
                for role, number in self.role_ids(collection, found["id"]).items()
            }
        summary["user_capabilities"] = {"edit": True, "delete": True}
        summary.update(self._summary(collection, found, base))
        body = {"id": found["id"], "type": shape.type, "url": url, "related": related}
        fields = {key: value for key, value in found.items() if not key.startswith("_")}
        shown = {**body, "summary_fields": summary, **fields}
        if "password" in shown:
            shown["password"] = ENCRYPTED
        if collection == "credentials":
            shown["inputs"] = self._inputs(found)
        if found.get("_update"):
            related["current_update"] = f"{base}project_updates/{found['_update']}/"
        return shown

    def _summary(self, collection: str, found: dict[str, Any], base: str) -> dict[str, Any]:
        if collection == "organizations":
            return {"related_field_counts": self.counts(found["id"])}
        if collection == "projects" and found.get("_last"):
            failed = found["status"] == "failed"
            return {
                "last_update": {"id": found["_last"], "status": found["status"], "failed": failed}
            }
        if collection != "job_templates":
            return {}
        labels = [self.objects["labels"][number] for number in self.labels[found["id"]]]
        rows = [{"id": label["id"], "name": label["name"]} for label in labels]
        attached = [self.objects["credentials"][each] for each in self.credentials[found["id"]]]
        named = [self.credential(row) for row in attached]
        return {"labels": {"count": len(rows), "results": rows[:10]}, "credentials": named}

    def credential(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return what is said of a credential where it is used; only types of AWX have a kind."""
        kind = self.objects["credential_types"][row["credential_type"]]
        about = {"id": row["id"], "name": row["name"], "description": ""}
        return {**about, "kind": kind.get("namespace"), "cloud": kind["kind"] == "cloud"}

    def _inputs(self, found: dict[str, Any]) -> dict[str, Any]:
        kind = self.objects["credential_types"][found["credential_type"]]
        secret = {each["id"] for each in kind["inputs"].get("fields", ()) if each.get("secret")}
        inputs = found["inputs"]
        return {key: ENCRYPTED if key in secret else inputs[key] for key in inputs}

    def counts(self, organization: int) -> dict[str, int]:
        """Return how many objects of each kind an organization has."""
        counted = ("inventories", "teams", "job_templates", "projects")
        found = {name: sum(1 for _ in self.belonging(name, organization)) for name in counted}
        return {**found, "users": 0, "admins": 0}

    def belonging(self, collection: str, organization: int) -> Iterator[dict[str, Any]]:
        """Return the objects of a kind that belong to an organization."""
        for found in self.objects[collection].values():
            if found.get("organization") == organization:
                yield found
