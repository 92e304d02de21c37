"""What a stand-in for AWX keeps and was asked, to be searched for what may be in no record."""

from __future__ import annotations

import json

from tests.awx.server import AwxServer

# What a credential is given is in it, and in the request that made it, and nowhere else.
_CREDENTIALS = "credentials"


def everything(server: AwxServer) -> str:
    """Return objects, surveys, jobs, events and requests as text, without what credentials hold."""
    store = server.store
    objects = {
        name: [_shown(name, row) for row in rows.values()] for name, rows in store.objects.items()
    }
    asked = [
        (method, path, None if f"/{_CREDENTIALS}/" in path else body)
        for method, path, body in server.log
    ]
    kept = json.dumps([objects, store.surveys, store.labels, asked], default=str)
    return server.routes.jobs.everything() + kept


def _shown(name: str, row: dict[str, object]) -> dict[str, object]:
    return {key: each for key, each in row.items() if (name, key) != (_CREDENTIALS, "inputs")}
