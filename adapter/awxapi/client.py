"""What is asked of AWX: collections, pages, one object, and the errors of all of it.

Paths come from AWX itself: the collections from the root of the interface, everything else from
``url`` and ``related`` of an object.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional
from urllib.parse import urlencode

from adapter.awxapi.connection import Answer, Connection
from adapter.errors import AdapterError, NotReady, abridged

_PAGE = 200
# More pages than that mean that AWX goes round in circles.
_MOST_PAGES = 500
_MOST_TEXT = 400
_NOT_SHOWN = "what AWX says may hold keys and is not shown"

Object = Dict[str, Any]


class Awx:
    """AWX at the other end of a connection.

    ``root`` has the paths of its collections by their names, where somebody has asked before.
    """

    def __init__(self, connection: Connection, root: Optional[Mapping[str, Any]] = None) -> None:
        self._connection = connection
        self._root = root

    def collection(self, name: str) -> str:
        """Return the path of a collection, such as ``job_templates``."""
        if self._root is None:
            base = self._connection.server.base.rstrip("/") + "/"
            answer = self._connection.ask("GET", base)
            root = answer.data if answer.status == 200 else None
            if answer.status in (401, 403) or answer.status >= 500:
                self._refuse(answer, "GET", base)
            if not isinstance(root, Mapping) or "job_templates" not in root:
                raise NotReady(
                    f"There is no AWX at {self._connection.server.url}{base} (status "
                    f"{answer.status}).",
                    "Check url and base_path: /api/v2, or /api/controller/v2 behind a gateway.",
                )
            self._root = root
        return str(self._root[name])

    @property
    def root(self) -> Dict[str, str]:
        """Return the paths of the collections by their names, as far as they are known."""
        return {name: str(path) for name, path in (self._root or {}).items()}

    def me(self) -> Object:
        """Return the user that the login belongs to; raises where AWX does not know it."""
        (user,) = self.pages(self.collection("me"))
        return user

    def list(self, name: str, /, **filters: Any) -> List[Object]:
        """Return the objects of a collection that the filters leave."""
        return list(self.pages(self.collection(name), **filters))

    def pages(self, path: str, /, **filters: Any) -> Iterator[Object]:
        """Return all objects of a list, page by page."""
        next_path: Any = f"{path}?{urlencode({**filters, 'page_size': _PAGE, 'order_by': 'id'})}"
        for _ in range(_MOST_PAGES):
            page = self.get(next_path)
            if page is None or not isinstance(page.get("results"), list):
                raise NotReady(f"AWX gives no list at {path}.", "Check base_path.")
            yield from page["results"]
            next_path = page.get("next")
            if not next_path:
                return
        raise NotReady(f"The list at {path} has no end.")

    def get(self, path: str) -> Optional[Object]:
        """Return an object; None where there is none."""
        answer = self._connection.ask("GET", path)
        if answer.status == 404:
            return None
        if answer.status != 200 or not isinstance(answer.data, dict):
            self._refuse(answer, "GET", path)
        return dict(answer.data)

    def post(self, path: str, body: Mapping[str, Any], *, secret: bool = False) -> Object:
        """Make an object, or whatever a path does; return what AWX says.

        Where there is a ``secret`` in the body, no error repeats what AWX says: it may be the body.
        """
        return self._change("POST", path, body, secret=secret)

    def patch(self, path: str, body: Mapping[str, Any]) -> Object:
        """Change some fields of an object; return it."""
        return self._change("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone already is deleted."""
        answer = self._connection.ask("DELETE", path)
        if answer.status not in (200, 202, 204, 404):
            self._refuse(answer, "DELETE", path)

    def _change(
        self, method: str, path: str, body: Mapping[str, Any], *, secret: bool = False
    ) -> Object:
        answer = self._connection.ask(method, path, dict(body))
        if answer.status not in (200, 201, 202, 204):
            self._refuse(answer, method, path, secret=secret)
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def _refuse(self, answer: Answer, method: str, path: str, *, secret: bool = False) -> None:
        where = f"{method} {path.partition('?')[0]}"
        if answer.status == 401:
            raise NotReady(
                "AWX does not accept the login.",
                "The token or password is wrong or has ended: write another one into its file, or "
                "`ceph ansible awx set-token -i FILE` of managers.",
            )
        said = _NOT_SHOWN if secret else abridged(said_of(answer.data), _MOST_TEXT)
        if answer.status == 403:
            raise AdapterError(
                f"AWX does not let this user do it ({where}): {said or 'no reason was given'}",
                "docs/awx.md says what the login has to be allowed.",
            )
        if 300 <= answer.status < 400:
            raise NotReady(f"AWX sends {where} to another address.", "Set url to that address.")
        if answer.status >= 500 or answer.data is None:
            raise NotReady(
                f"AWX fails with {answer.status} ({where}){': ' + said if said else ''}.",
                "Try again; AWX's own log has the reason.",
            )
        raise AdapterError(f"AWX refuses it ({where}, status {answer.status}): {said}")


def said_of(data: Any, name: str = "") -> str:
    """Return AWX's reasons on one line, each with the field that it is about."""
    if isinstance(data, Mapping):
        alone = set(data) <= {"detail", "error"}
        return "; ".join(said_of(value, "" if alone else str(key)) for key, value in data.items())
    if isinstance(data, list):
        return "; ".join(filter(None, (said_of(each, name) for each in data)))
    text = " ".join(str(data or "").split())
    return f"{name}: {text}" if name and text else text
