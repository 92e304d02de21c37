# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Give Ansible the hosts that the orchestrator manages."""

from __future__ import annotations

DOCUMENTATION = r"""
name: orchestrator
short_description: The hosts that the orchestrator manages
description:
  - Reads the orchestrator's own hosts, so that a playbook run by hand or by AWX sees what
    C(ceph orch host ls) shows.
  - Hosts come from the directory that C(orch-ansible) keeps, or from the monitors' key-value store
    where the ceph-mgr module keeps them.
  - Each label becomes a group C(label_NAME), in which everything but letters, digits and
    underscores is an underscore. Hosts in maintenance are in the group C(status_maintenance).
  - Each host has the variables C(ansible_host), C(orch_record) (its whole record, without the ssh
    host keys) and C(orch_status) (empty or C(maintenance)).
  - What the records hold is data; it is never evaluated as a template. A host whose name or address
    is not one is left out, with a warning.
options:
  plugin:
    description:
      - The name of this plugin.
    required: true
    choices: [ceph_orch.ansible.orchestrator]
  source:
    description:
      - Where the hosts come from.
      - V(directory) is O(directory). V(ceph) asks the monitors with C(ceph config-key), which needs
        an administrator's keyring.
    type: str
    choices: [directory, ceph]
    default: directory
    env:
      - name: ORCH_ANSIBLE_SOURCE
  directory:
    description:
      - The directory that C(orch-ansible) keeps; the hosts are the files C(host/NAME.yml) in it.
    type: path
    default: ~/.orch-ansible
    env:
      - name: ORCH_ANSIBLE_DIR
  ssh_config:
    description:
      - The ssh configuration with the orchestrator's key and the pinned host keys.
      - Without it C(ssh_config) in O(directory) is used if there is one.
    type: path
    env:
      - name: ORCH_ANSIBLE_SSH_CONFIG
  ceph_command:
    description:
      - The command that asks the monitors, as a list of its words; C(config-key ...) is appended.
    type: list
    elements: str
    default: [ceph]
  ceph_timeout:
    description:
      - For how many seconds the monitors may take.
    type: int
    default: 30
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
# orchestrator.yml: the hosts of orch-ansible on this machine
plugin: ceph_orch.ansible.orchestrator

---
# orchestrator.yml on a host with an administrator's keyring: the hosts of the ceph-mgr module
plugin: ceph_orch.ansible.orchestrator
source: ceph
"""

import base64
import hashlib
import ipaddress
import json
import os
import re
import shlex
import subprocess
import zlib

import yaml
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.utils.unsafe_proxy import wrap_var

PREFIX = "mgr/ansible/host."
PARTS = "mgr/ansible/part."
PACKED = "ceph_orch_packed"
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PYTHON = re.compile(r"/[A-Za-z0-9/_.+-]+")
# What identifies a host to ssh is of no use in a playbook.
_NOT_PUBLISHED = ("keys",)
_SSH_CONFIG_PLACES = ("ssh/ssh_config", "ssh_config")


class InventoryModule(BaseInventoryPlugin):
    """Read the orchestrator's hosts from where it keeps them."""

    NAME = "ceph_orch.ansible.orchestrator"

    def verify_file(self, path):
        """Tell whether a file may be a configuration of this plugin."""
        names = ("orchestrator.yml", "orchestrator.yaml")
        return super().verify_file(path) and path.endswith(names)

    def parse(self, inventory, loader, path, cache=True):
        """Add the hosts and groups."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if self.get_option("source") == "ceph":
            records = self._from_ceph()
        else:
            records = self._from_directory(self.get_option("directory"))
        ssh_config = self._ssh_config()
        for name, record in sorted(records.items()):
            problem = record_problem(name, record)
            if problem:
                self.display.warning(f"The orchestrator's host {name!r} is left out: {problem}.")
                continue
            self._add(record, ssh_config)

    def _from_directory(self, directory):
        top = os.path.join(os.path.expanduser(directory), "host")
        records = {}
        for entry in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            name, extension = os.path.splitext(entry)
            if extension != ".yml" or name.startswith("."):
                continue
            path = os.path.join(top, entry)
            try:
                with open(path, encoding="utf-8") as stream:
                    records[name] = yaml.safe_load(stream)
            except (OSError, ValueError, yaml.YAMLError) as error:
                raise AnsibleParserError(f"{path} cannot be read: {error}") from error
        return records

    def _from_ceph(self):
        values = self._dump(PREFIX)
        parts = self._dump(PARTS) if any(is_packed(value) for value in values.values()) else {}
        return {
            key[len(PREFIX) :]: parse_value(value, parts)
            for key, value in values.items()
            if key.startswith(PREFIX)
        }

    def _dump(self, prefix):
        """Return the values in the monitors whose keys begin so."""
        words = ["config-key", "dump", prefix, "--format", "json"]
        argv = [*self.get_option("ceph_command"), *words]
        try:
            answer = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.get_option("ceph_timeout"),
                check=True,
            )
            values = json.loads(answer.stdout)
            if not isinstance(values, dict):
                raise AnsibleParserError("the answer is not a mapping")
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            raise AnsibleParserError(
                f"The monitors do not give the hosts: {said[-1] if said else error}. This needs "
                "a keyring that may read config-keys."
            ) from error
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise AnsibleParserError(f"The monitors do not give the hosts: {error}") from error
        return values

    def _ssh_config(self):
        given = self.get_option("ssh_config")
        if given:
            return os.path.expanduser(given)
        if self.get_option("source") == "directory":
            directory = os.path.abspath(os.path.expanduser(self.get_option("directory")))
            for place in _SSH_CONFIG_PLACES:
                if os.path.isfile(os.path.join(directory, place)):
                    return os.path.join(directory, place)
        return ""

    def _add(self, record, ssh_config):
        name = record["hostname"]
        self.inventory.add_host(name)
        for key, value in host_variables(record, ssh_config).items():
            self.inventory.set_variable(name, key, wrap_var(value))
        for group in groups_of(record):
            self.inventory.add_group(group)
            self.inventory.add_child(group, name)


def is_packed(text):
    """Tell whether a value stands for a record that is compressed, and perhaps cut into parts."""
    return isinstance(text, str) and text.startswith('{"%s"' % PACKED)


def parse_value(text, parts):
    """Return the record that a value of the key-value store holds, or None.

    ``parts`` are the parts of large records by their keys.
    """
    try:
        return json.loads(_unpacked(json.loads(text)[PACKED], parts) if is_packed(text) else text)
    except (KeyError, TypeError, ValueError, zlib.error):
        return None


def _unpacked(about, parts):
    """Return the text of a large record: see adapter/cluster/packed_records.py."""
    pieces = [parts[f"{PARTS}{about['digest']}.{number}"] for number in range(about["parts"])]
    data = zlib.decompress(base64.b64decode(about["zlib"] + "".join(pieces), validate=True))
    if hashlib.sha256(data).hexdigest() != about["sha256"]:
        raise ValueError("its parts are not those that were written")
    return data.decode("utf-8")


def record_problem(name, record):
    """Return why a record cannot be a host, or an empty text."""
    if not isinstance(record, dict):
        return "its record is not a mapping"
    if record.get("hostname") != name:
        return "its record names another host"
    if not is_host_name(name):
        return "its name is not a host name"
    addr = record.get("addr") or name
    if not isinstance(addr, str) or not (is_address(addr) or is_host_name(addr)):
        return "its address is neither an IP address nor a host name"
    labels = record.get("labels") or []
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return "its labels are not a list of texts"
    return ""


def is_host_name(name):
    """Tell whether a text is a host name by RFC 1123."""
    parts = name.split(".") if isinstance(name, str) else [""]
    return len(name) <= 250 and all(_PART.fullmatch(part) for part in parts)


def is_address(text):
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def host_variables(record, ssh_config=""):
    """Return a host's variables."""
    variables = {
        "ansible_host": record.get("addr") or record["hostname"],
        "orch_record": {key: record[key] for key in record if key not in _NOT_PUBLISHED},
        "orch_status": str(record.get("status") or ""),
    }
    if record.get("connection") == "local":
        variables["ansible_connection"] = "local"
    elif ssh_config:
        variables["ansible_ssh_common_args"] = "-F " + shlex.quote(ssh_config)
    python = record.get("python")
    if isinstance(python, str) and _PYTHON.fullmatch(python):
        variables["ansible_python_interpreter"] = python
    return variables


def groups_of(record):
    """Return the groups that a host is in."""
    groups = [
        "label_" + re.sub(r"[^A-Za-z0-9_]", "_", label) for label in record.get("labels") or []
    ]
    if record.get("status") == "maintenance":
        groups.append("status_maintenance")
    return sorted(set(groups))
