"""Who may see and do what in the stand-in for AWX, as AWX 24.6.1 decides it.

Written after what awx/main/access.py says of each kind of object: an administrator may do all, and
of everybody else only what orchestrators need is allowed, where a role gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.awx.store import Store


@dataclass
class User:
    """Who asks: the row of the user, and whether the login may change something."""

    row: dict[str, Any]
    writes: bool = True

    @property
    def is_admin(self) -> bool:
        """Tell whether it is a system administrator."""
        return bool(self.row["is_superuser"])


class Access:
    """The permissions of users, by the roles that they and their teams have."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def sees(self, user: User, collection: str, row: dict[str, Any]) -> bool:
        """Tell whether an object is shown to a user."""
        if user.is_admin or collection in ("credential_types", "labels"):
            return True
        if collection == "users":
            return bool(row["id"] == user.row["id"])
        if collection == "credentials" and row.get("_owner") == user.row["id"]:
            return True
        if collection == "inventories" and self._manages(user, row):
            return True
        return bool(self._roles(user, collection, row["id"]))

    def sees_job(self, user: User, job: dict[str, Any]) -> bool:
        """Tell whether a job is shown to a user: to those who see its template."""
        template = self.store.objects["job_templates"].get(job["job_template"])
        return user.is_admin or (
            template is not None and self.sees(user, "job_templates", template)
        )

    def may(self, user: User, method: str, parts: list[str], body: dict[str, Any]) -> bool:
        """Tell whether a user may change something."""
        if user.is_admin or not user.writes:
            return user.writes
        if parts == ["inventories"] and method == "POST":
            return self._manages(user, body)
        if parts == ["bulk", "host_create"]:
            return self._manages(user, self._row("inventories", body.get("inventory")))
        if parts == ["credentials"] and method == "POST":
            return body.get("user") == user.row["id"] and not body.get("organization")
        if len(parts) == 2 and parts[0] == "inventories":
            return self._manages(user, self.store.find("inventories", parts[1]) or {})
        if len(parts) == 2 and parts[0] == "credentials":
            found = self.store.find("credentials", parts[1]) or {}
            return found.get("_owner") == user.row["id"]
        if len(parts) == 3 and (parts[0], parts[2]) == ("job_templates", "launch"):
            return self._launches(user, self.store.find("job_templates", parts[1]), body)
        return False

    def may_cancel(self, user: User, job: dict[str, Any]) -> bool:
        """Tell whether a user may end a job: AWX lets those who have launched it."""
        return user.writes and (user.is_admin or job.get("created_by") == user.row["id"])

    def _launches(self, user: User, template: Any, body: dict[str, Any]) -> bool:
        if template is None or "execute_role" not in self._roles(
            user, "job_templates", template["id"]
        ):
            return False
        inventory = body.get("inventory")
        if inventory is not None and not self._manages(user, self._row("inventories", inventory)):
            return False
        # What the template has itself needs no permission.
        more = set(body.get("credentials") or ()) - set(self.store.credentials[template["id"]])
        rows = [self._row("credentials", number) for number in more]
        if not all(
            row.get("_owner") == user.row["id"]
            or {"use_role", "admin_role"} & self._roles(user, "credentials", row.get("id", 0))
            for row in rows
        ):
            return False
        groups = body.get("instance_groups") or ()
        return all("use_role" in self._roles(user, "instance_groups", each) for each in groups)

    def _manages(self, user: User, inventory: dict[str, Any]) -> bool:
        number = inventory.get("organization") or 0
        return bool(
            {"admin_role", "inventory_admin_role"} & self._roles(user, "organizations", number)
        )

    def _row(self, collection: str, number: Any) -> dict[str, Any]:
        return self.store.objects[collection].get(number, {})

    def _roles(self, user: User, collection: str, number: int) -> set[str]:
        held = self.store.held(user.row["id"])
        ids = self.store.role_ids(collection, number)
        return {name for name, key in ids.items() if key in held}
