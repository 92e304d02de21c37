#!/usr/bin/python3
"""A stand-in for Grafana, where none can be had: it reads what Grafana reads, and answers on it.

It takes the command line, the configuration and the provisioning files of Grafana's documentation
and refuses all that it does not know of these, so that a slip is no start. What it serves is what
the tests and Ceph's dashboard ask for; it draws nothing.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import yaml

VERSION = "12.1.0"
# Settings that Grafana's documentation has, of those that anybody here could set.
KNOWN = {
    "paths": {"data", "logs", "plugins", "provisioning"},
    "server": {"protocol", "http_addr", "http_port", "domain", "cert_file", "cert_key"},
    "users": {"default_theme"},
    "auth.anonymous": {"enabled", "org_name", "org_role"},
    "security": {
        *("admin_user", "admin_password", "disable_initial_admin_creation"),
        *("allow_embedding", "cookie_secure", "cookie_samesite"),
    },
    "snapshots": {"external_enabled"},
    "analytics": {"reporting_enabled", "check_for_updates", "check_for_plugin_updates"},
    "log": {"mode"},
}
SOURCE = {"name", "type", "access", "orgId", "uid", "url", "basicAuth", "isDefault", "editable"}
PROVIDER = {
    *("name", "orgId", "folder", "type", "disableDeletion", "editable"),
    *("updateIntervalSeconds", "options"),
}


def read_settings(path, words):
    """Return the configuration by section; what stands behind ``cfg:`` is before the file."""
    found = configparser.ConfigParser(interpolation=None, strict=True)
    with open(path, encoding="utf-8") as stream:
        found.read_file(stream)
    for word in words:
        name, separator, value = word.partition("=")
        section, _, key = name[len("cfg:") :].rpartition(".")
        if not word.startswith("cfg:") or not separator or not section:
            sys.exit(f"Error: unknown argument {word}")
        if not found.has_section(section):
            found.add_section(section)
        found.set(section, key, value)
    for section in found.sections():
        for key in found[section]:
            if key not in KNOWN.get(section, ()):
                sys.exit(f"Error: unknown setting {section}.{key}")
    return found


def expanded(value):
    """Return a value, or what stands in the file that it names."""
    if value.startswith("$__file{") and value.endswith("}"):
        return Path(value[len("$__file{") : -1]).read_text(encoding="utf-8").strip()
    return value


def provisioned(folder, what, known):
    """Return the entries of all files of a kind of provisioning."""
    rows = []
    for path in sorted((Path(folder) / what).glob("*.y*ml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if data["apiVersion"] != 1:
            sys.exit(f"Error: {path}: unknown apiVersion")
        for row in data["providers" if what == "dashboards" else what]:
            if set(row) - known or not {"name", "type"} <= set(row):
                sys.exit(f"Error: {path}: unknown or missing fields of {row}")
            rows.append(row)
    if what == "datasources" and sum(bool(row.get("isDefault")) for row in rows) > 1:
        sys.exit("Error: datasource.yaml config is invalid. Only one datasource can be the default")
    return rows


def dashboards(providers):
    """Return the dashboards of all providers by uid."""
    found = {}
    for provider in providers:
        for path in sorted(Path(provider["options"]["path"]).glob("*.json")):
            data = json.loads(path.read_text(encoding="utf-8"))
            found[data.get("uid") or path.stem] = data
    return found


def accounts(settings):
    """Return who may log in: made at the first start, and kept in the database."""
    database = Path(settings["paths"]["data"]) / "grafana.db"
    if not database.exists():
        security = dict(settings["security"])
        users = {}
        if security.get("disable_initial_admin_creation") != "true":
            name = security.get("admin_user", "admin")
            users[name] = expanded(security.get("admin_password", "admin"))
        database.write_text(json.dumps(users), encoding="utf-8")
    return json.loads(database.read_text(encoding="utf-8"))


class Handler(BaseHTTPRequestHandler):
    """What answers; ``state`` is set before it serves."""

    state: ClassVar = {}

    def do_GET(self):
        """Answer health to all, and the rest to who may read."""
        path = self.path.partition("?")[0]
        if path == "/api/health":
            return self.answer(200, {"database": "ok", "version": VERSION})
        if not self.state["anonymous"] and not self.logged_in():
            return self.answer(401, {"message": "Unauthorized"})
        if path == "/api/datasources":
            # Only who administers sees these.
            return self.answer(200, self.state["sources"]) if self.logged_in() else self.refuse()
        if path == "/api/search":
            rows = [
                {"uid": uid, "title": each["title"]} for uid, each in self.state["boards"].items()
            ]
            return self.answer(200, rows)
        board = self.state["boards"].get(path.rpartition("/")[2])
        if path.startswith("/api/dashboards/uid/") and board is not None:
            return self.answer(200, {"dashboard": board})
        return self.answer(404, {"message": "Not found"})

    def refuse(self):
        """Answer who may not see it."""
        self.answer(403, {"message": "Permission denied"})

    def logged_in(self):
        """Tell whether user and password are right."""
        said = (self.headers.get("Authorization") or "").partition("Basic ")[2]
        name, _, password = base64.b64decode(said).decode().partition(":")
        return bool(name) and self.state["accounts"].get(name) == password

    def answer(self, status, data):
        """Answer with JSON."""
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if not self.state["embedded"]:
            self.send_header("X-Frame-Options", "deny")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


def main():
    """Run it."""
    if sys.argv[1:] in (["--version"], ["-v"]):
        print(f"grafana version {VERSION}")
        return
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["server"])
    parser.add_argument("--homepath", required=True)
    parser.add_argument("--config", required=True)
    # As with Grafana, flags behind the first setting are none.
    first = [word.startswith("cfg:") for word in [*sys.argv, "cfg:"]].index(True)
    given = parser.parse_args(sys.argv[1:first])
    os.umask(0o027)
    settings = read_settings(given.config, sys.argv[first:])
    server, provisioning = settings["server"], settings["paths"]["provisioning"]
    Handler.state = {
        "anonymous": settings["auth.anonymous"]["enabled"] == "true",
        "embedded": settings["security"]["allow_embedding"] == "true",
        "sources": provisioned(provisioning, "datasources", SOURCE),
        "boards": dashboards(provisioned(provisioning, "dashboards", PROVIDER)),
        "accounts": accounts(settings),
    }
    serving = ThreadingHTTPServer((server["http_addr"], int(server["http_port"])), Handler)
    if server["protocol"] == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server["cert_file"], server["cert_key"])
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
    serving.serve_forever()


main()
