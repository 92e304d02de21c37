"""The part of a fake of monitors that keeps keys, options and secrets."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List

from adapter.interface import OrchestratorError

_TABLE = Path(__file__).parents[1] / "cluster" / "data" / "ceph_options.json"
# Answers of Ceph 20.2.4 by option.
OPTIONS: Dict[str, Dict[str, Any]] = {
    row["name"]: row for row in json.loads(_TABLE.read_text(encoding="utf-8"))
}


@dataclass
class FakeKeys:
    """Answer for keys, options and secrets."""

    keys: List[str] = field(default_factory=list)
    # Keys that were given anew.
    rotated: Dict[str, str] = field(default_factory=dict)
    config: Dict[str, str] = field(default_factory=dict)
    # Options that are refused, with the error.
    config_errors: Dict[str, int] = field(default_factory=dict)
    # Sections and options that were set, and options of which no value is taken.
    told: List[str] = field(default_factory=list)
    refused_options: List[str] = field(default_factory=list)
    admin_key: str = "KEYOFTHEADMINISTRATOR=="
    # The config-key store.
    secrets: Dict[str, str] = field(default_factory=dict)
    # Objects in RADOS, as POOL/NAMESPACE/NAME.
    objects: Dict[str, str] = field(default_factory=dict)

    def _config_help(self, arguments: Dict[str, Any]) -> str:
        row = OPTIONS.get(arguments["key"])
        if row is None:
            raise OrchestratorError("", errno=-errno.ENOENT)
        return json.dumps(row)

    def _config_dump(self, arguments: Dict[str, Any]) -> str:
        rows = []
        for key, value in self.config.items():
            section, _, name = key.partition("/")
            rows.append({"section": section, "name": name, "value": value, "mask": ""})
        return json.dumps(rows)

    def _config_set(self, arguments: Dict[str, Any]) -> str:
        self.told.append(f"{arguments['who']} {arguments['name']}")
        if arguments["name"] in self.refused_options:
            raise OrchestratorError("error parsing value: no", errno=-errno.EINVAL)
        self.config[f"{arguments['who']}/{arguments['name']}"] = arguments["value"]
        return ""

    def _config_rm(self, arguments: Dict[str, Any]) -> str:
        if arguments["name"] in self.config_errors:
            raise OrchestratorError("no such option", errno=-self.config_errors[arguments["name"]])
        self.config.pop(f"{arguments['who']}/{arguments['name']}", None)
        return ""

    def _auth_ls(self, arguments: Dict[str, Any]) -> str:
        rows = [{"entity": name, "key": self._key(name)} for name in self.keys]
        return json.dumps({"auth_dump": rows})

    def _key(self, entity: str) -> str:
        return self.rotated.get(entity, "KEYOFTHECLUSTER==")

    def _auth_rm(self, arguments: Dict[str, Any]) -> str:
        self.keys = [key for key in self.keys if key != arguments["entity"]]
        return ""

    def _auth_get_or_create(self, arguments: Dict[str, Any]) -> str:
        assert len(arguments["caps"]) % 2 == 0
        self.keys.append(arguments["entity"])
        return self._auth_get(arguments)

    def _auth_get(self, arguments: Dict[str, Any]) -> str:
        entity = arguments["entity"]
        if entity not in ("mon.", "client.admin", "client.bootstrap-osd", *self.keys):
            raise OrchestratorError(f"no key for {entity}", errno=-errno.ENOENT)
        key = self.admin_key if entity == "client.admin" else self._key(entity)
        return json.dumps([{"entity": entity, "key": key}])

    def _config_key_set(self, arguments: Dict[str, Any]) -> str:
        assert "val" not in arguments, "a secret stands in a command"
        self.secrets[arguments["key"]] = arguments["inbuf"]
        return ""

    def _config_key_get(self, arguments: Dict[str, Any]) -> str:
        if arguments["key"] not in self.secrets:
            raise OrchestratorError("no such key", errno=-errno.ENOENT)
        return self.secrets[arguments["key"]]

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS."""
        place = f"{pool}/{namespace}/{name}"
        if place not in self.objects:
            raise OrchestratorError(f"{place}: object not found", errno=-errno.ENOENT)
        return self.objects[place]

    def _config_key_rm(self, arguments: Dict[str, Any]) -> str:
        self.secrets.pop(arguments["key"], None)
        return ""
