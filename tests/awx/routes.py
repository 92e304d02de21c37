"""What a method does on a path of the stand-in for AWX."""

from __future__ import annotations

from typing import Any, Callable

from tests.awx.access import Access, User
from tests.awx.jobs import Jobs, Runner
from tests.awx.projects import Syncs
from tests.awx.rules import problems, survey_problem
from tests.awx.shapes import SHAPES
from tests.awx.store import Store

NOT_FOUND = 404, {"detail": "Not found."}
FORBIDDEN = 403, {"detail": "You do not have permission to perform this action."}
_SINGULAR = {"labels": "label", "credentials": "credential", "roles": "role", "users": "user"}

Reply = tuple[int, Any]


class Routes:
    """The interface below its base path."""

    def __init__(self, store: Store, syncs: Syncs, base: str, runner: Runner) -> None:
        self.store, self.syncs, self.base = store, syncs, base
        self.access = Access(store)
        self.jobs = Jobs(store, base, runner)
        self.deleting: dict[int, int] = {}

    def root(self) -> dict[str, str]:
        """Return the collections by their names."""
        names = {name: f"{self.base}{name}/" for name in SHAPES if name != "inventories"}
        more = {name: f"{self.base}{name}/" for name in ("me", "ping", "jobs", "bulk")}
        return {**names, **more, "inventory": f"{self.base}inventories/"}

    def rows(
        self, parts: list[str], user: User, query: dict[str, str]
    ) -> list[dict[str, Any]] | None:
        """Return the rows of a list, None where the path is none; filters of jobs are done with."""
        if parts == ["jobs"]:
            found = self.jobs.rows(query)
            return [row for row in found if self.access.sees_job(user, row)]
        if len(parts) == 3 and parts[0] == "jobs":
            return self._below_job(int(parts[1]), parts[2], query, user)
        if len(parts) == 3 and (parts[0], parts[2]) == ("job_templates", "jobs"):
            return self._of_template(parts[1], query, user)
        if parts == ["me"]:
            return [self._shown("users", user.row)]
        if len(parts) == 1 and parts[0] in SHAPES:
            found = self.store.objects[parts[0]].values()
            return [
                self._shown(parts[0], row) for row in found if self.access.sees(user, parts[0], row)
            ]
        if len(parts) == 3 and parts[0] in SHAPES:
            found = self.store.find(parts[0], parts[1])
            if found is not None:
                return self._below(parts[0], found, parts[2])
        return None

    def _of_template(self, which: str, query: dict[str, str], user: User) -> Any:
        """Return the jobs of a template; whom AWX does not show it is refused the list, too."""
        found = self.store.find("job_templates", which)
        if found is None or not self.access.sees(user, "job_templates", found):
            return None
        return [row for row in self.jobs.rows(query) if row["job_template"] == found["id"]]

    def _below_job(self, number: int, name: str, query: dict[str, str], user: User) -> Any:
        job = self.jobs.jobs.get(number)
        if job is not None and not self.access.sees_job(user, job.row):
            return None
        return self.jobs.below(number, name, query)

    def _below(self, collection: str, found: dict[str, Any], name: str) -> Any:
        number = found["id"]
        if name == "roles" and collection in ("teams", "users"):
            return [self._role(each) for each in sorted(self.store.grants[collection, number])]
        if name == "users" and collection == "teams":
            rows = self.store.objects["users"]
            return [self._shown("users", rows[each]) for each in sorted(self.store.members[number])]
        if collection == "job_templates" and name in ("labels", "credentials"):
            rows = self.store.objects[name]
            return [self._shown(name, rows[each]) for each in getattr(self.store, name)[number]]
        return None

    def _role(self, number: int) -> dict[str, Any]:
        collection, of, role = self.store.roles[number]
        target = self.store.objects[collection][of]
        summary = {
            "resource_name": target["name"],
            "resource_type": SHAPES[collection].type,
            "resource_id": of,
        }
        name = SHAPES[collection].roles[role]
        return {"id": number, "type": "role", "name": name, "summary_fields": summary}

    def answer(self, method: str, parts: list[str], body: dict[str, Any], user: User) -> Reply:
        """Return what AWX answers to anything but the GET of a list."""
        if parts[0] in ("jobs", "workflow_jobs", "bulk"):
            return self._of_jobs(method, parts, body, user)
        if parts[0] not in SHAPES:
            return NOT_FOUND
        if method != "GET" and not self.access.may(user, method, parts, body):
            return FORBIDDEN
        if len(parts) == 1:
            return self._create(parts[0], body, user) if method == "POST" else _not_allowed(method)
        found = self.store.find(parts[0], parts[1])
        if found is None:
            return NOT_FOUND
        if not self.access.sees(user, parts[0], found):
            return FORBIDDEN
        if len(parts) == 3 and parts[2] == "launch":
            return self.jobs.launch(method, found, body, user.row["id"])
        if len(parts) == 2:
            return self._one(method, parts[0], found, body)
        handler: Callable[..., Reply] | None = getattr(self, f"_{parts[2]}", None)
        if handler is None or len(parts) > 3:
            return NOT_FOUND
        return handler(method, parts[0], found, body)

    def _of_jobs(self, method: str, parts: list[str], body: dict[str, Any], user: User) -> Reply:
        if parts == ["bulk", "host_create"]:
            allowed = method == "POST" and self.access.may(user, method, parts, body)
            return self.jobs.create_hosts(body) if allowed else FORBIDDEN
        if len(parts) > 1 and parts[1].isdigit():
            job = self.jobs.jobs.get(int(parts[1]))
            if job is not None and not self.access.sees_job(user, job.row):
                return FORBIDDEN
            if job is not None and method != "GET" and not self.access.may_cancel(user, job.row):
                return FORBIDDEN
            return self.jobs.answer(method, int(parts[1]), "/".join(parts[2:]))
        return NOT_FOUND

    def _create(self, collection: str, body: dict[str, Any], user: User) -> Reply:
        errors = problems(self.store, collection, body)
        if errors:
            return 400, errors
        found = self.store.add(collection, body)
        if collection == "projects":
            self.syncs.begin(found)
        if collection == "job_templates":
            self._of_project(found)
        if collection == "credentials" and body.get("user"):
            found["_owner"] = user.row["id"]
        return 201, self._shown(collection, found)

    def _of_project(self, template: dict[str, Any]) -> None:
        project = self.store.objects["projects"][template["project"]]
        template["organization"] = project["organization"]

    def _one(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        if collection == "projects":
            self.syncs.look(found)
        if collection == "inventories" and not self._deleted_yet(found):
            return NOT_FOUND
        if method == "GET":
            return 200, self._shown(collection, found)
        if method in ("PATCH", "PUT"):
            return self._change(collection, found, body)
        return self._delete(collection, found) if method == "DELETE" else _not_allowed(method)

    def _change(self, collection: str, found: dict[str, Any], body: dict[str, Any]) -> Reply:
        if found.get("managed"):
            return 403, {"detail": "You do not have permission to perform this action."}
        fields = SHAPES[collection].fields
        values = {name: value for name, value in body.items() if name in fields}
        errors = problems(self.store, collection, values, found)
        if errors:
            return 400, errors
        before = dict(found)
        found.update(values)
        if collection == "projects" and self.syncs.needed(before, found):
            self.syncs.begin(found)
        if collection == "job_templates":
            self._of_project(found)
        return 200, self._shown(collection, found)

    def _delete(self, collection: str, found: dict[str, Any]) -> Reply:
        number = found["id"]
        used = [
            each
            for each in self.store.objects["credentials"].values()
            if each["credential_type"] == number
        ]
        if collection == "credential_types" and used:
            return 403, {"detail": "Credential types that are in use cannot be deleted."}
        active = list(found.get("_jobs") or ())
        active += self.jobs.using(number) if collection == "inventories" else []
        if active:
            jobs = [{"type": "job", "id": str(each)} for each in active]
            return 409, {"error": "Resource is being used by running jobs.", "active_jobs": jobs}
        if collection == "inventories":
            found["pending_deletion"] = True
            self.deleting[number] = 2
            self.jobs.forget(number)
            return 202, ""
        self.store.remove(collection, number)
        return 204, ""

    def _deleted_yet(self, found: dict[str, Any]) -> bool:
        """Let the deletion of an inventory go on; return whether it is still there."""
        left = self.deleting.get(found["id"])
        if left is None:
            return True
        self.deleting[found["id"]] = left - 1
        if left > 1:
            return True
        self.store.remove("inventories", found["id"])
        return False

    def _survey_spec(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        if method == "POST":
            problem = survey_problem(body)
            if problem:
                return 400, {"error": problem}
            self.store.surveys[found["id"]] = body
            return 200, ""
        if method == "DELETE":
            self.store.surveys.pop(found["id"], None)
            return 200, ""
        return 200, self.store.surveys.get(found["id"], {})

    def _labels(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        if "id" not in body:
            rows = self.store.objects["labels"].values()
            wanted = (body.get("name"), body.get("organization"))
            same = [row for row in rows if (row["name"], row["organization"]) == wanted]
            errors = {} if same else problems(self.store, "labels", body)
            if errors:
                return 400, errors
            body = {"id": (same[0] if same else self.store.add("labels", body))["id"]}
        return self._attach(self.store.labels[found["id"]], "labels", body)

    def _credentials(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        there = self.store.credentials[found["id"]]
        row = self.store.objects["credentials"].get(body.get("id", 0))
        if row is not None and not body.get("disassociate"):
            rows = self.store.objects["credentials"]
            if any(rows[each]["credential_type"] == row["credential_type"] for each in there):
                name = self.store.objects["credential_types"][row["credential_type"]]["name"]
                return 400, {"error": f"Cannot assign multiple {name} credentials."}
        return self._attach(there, "credentials", body)

    def _attach(self, there: list[int], collection: str, body: dict[str, Any]) -> Reply:
        number = body.get("id")
        if number not in self.store.objects[collection]:
            return 400, {"msg": f"{_SINGULAR[collection].title()} does not exist."}
        there[:] = [each for each in there if each != number]
        if not body.get("disassociate"):
            there.append(number)
        return 204, ""

    def _roles(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        number = body.get("id")
        if number not in self.store.roles:
            return 400, {"msg": "Role not found."}
        held = self.store.grants[collection, found["id"]]
        held.discard(number)
        if not body.get("disassociate"):
            held.add(number)
        return 204, ""

    def _users(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        if body.get("id") not in self.store.objects["users"]:
            return 400, {"msg": "User does not exist."}
        self.store.members[found["id"]].add(body["id"])
        return 204, ""

    def _playbooks(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        return 200, found.get("_playbooks", [])

    def _update(
        self, method: str, collection: str, found: dict[str, Any], body: dict[str, Any]
    ) -> Reply:
        if collection != "projects":
            return 202, {}
        number = self.syncs.begin(found)
        return 202, {"id": number, "project_update": number, "status": "pending"}

    def _shown(self, collection: str, found: dict[str, Any]) -> dict[str, Any]:
        return self.store.shown(collection, found, self.base)


def _not_allowed(method: str) -> Reply:
    return 405, {"detail": f'Method "{method}" not allowed.'}
