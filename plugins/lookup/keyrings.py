# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Read the keyrings of a host's daemons on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: keyrings
short_description: Read the keyrings of daemons
description:
  - Reads the keyrings of a host's daemons from files on the controller, for the option C(keyrings)
    of the module M(ceph_orch.ansible.ceph_daemon).
  - A daemon whose C(keyring_file) is empty or missing is left out; it keeps the key that its host
    has.
  - In a job of AWX the keys come from a credential, which AWX writes into a file (O(file)) for the
    time of the job. A C(keyring_file) is then the entity itself, such as C(mds.a).
  - The files of a job of the orchestrator are gone when it has ended. Whoever does the same by hand
    then gets the keys from the monitors, by C(ceph auth get) on the controller; where that does not
    go, there is a warning, and hosts keep the keys that they have.
options:
  _terms:
    description:
      - The host's daemons, a list of mappings with C(id), C(keyring_file) and C(secret_files).
    required: true
  directory:
    description:
      - Where a C(keyring_file) lies that is a plain file name. Empty means the current directory.
    type: str
    default: ''
    vars:
      - name: ceph_orch_secrets
  entities:
    description:
      - Whose keyrings the plain file names are, such as C(mds.a). It is for a C(directory) that is
        there no more; the monitors are asked for these then.
    type: dict
    default: {}
    vars:
      - name: ceph_orch_entities
  file:
    description:
      - A file on the controller with the keyrings of several entities, one below the other, as
        C(ceph auth get) prints them. Where it is given, plain names are looked up in it, unless
        O(directory) is there.
    type: path
    env:
      - name: CEPH_ORCH_KEYRINGS
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Run metadata servers
  ceph_orch.ansible.ceph_daemon:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    daemons: "{{ daemons }}"
    keyrings: "{{ lookup('ceph_orch.ansible.keyrings', daemons) }}"
  vars:
    daemons:
      - daemon_type: mds
        id: data.h2.kxqwzn
        keyring_file: ./mds.keyring
"""

RETURN = r"""
_raw:
  description: The text of each keyring by its C(keyring_file).
  type: list
  elements: dict
"""

import os
import re

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..plugin_utils.monitors import REMEDY, NoAnswer, ask

# The key of a file of a daemon is its whole text, and a credential has all of all hosts.
_LIMIT = 1 << 22
_ENTITY = re.compile(r"[a-z]+\.[A-Za-z0-9._-]*")
_KEY = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class LookupModule(LookupBase):
    """Read keyrings."""

    def run(self, terms, variables=None, **kwargs):
        """Return one mapping of all keyrings."""
        self.set_options(var_options=variables, direct=kwargs)
        directory = self.get_option("directory")
        rows = [named for row in self._flatten(terms) for named in _named(row)]
        found = {}
        for row in rows:
            name = str(row["keyring_file"])
            collected = self.get_option("file") and not directory
            if "/" in name or not (directory or collected) or os.path.isdir(directory):
                found[name] = _read(row, directory)
            elif name not in found:
                found[name] = self._without_directory(row)
        return [found]

    def _without_directory(self, row):
        """Return a keyring that is in no file of its own."""
        name = str(row["keyring_file"])
        entity = str(self.get_option("entities").get(name, ""))
        if self.get_option("file"):
            return _collected(self.get_option("file"), entity or name)
        return _fetched(entity)


def _named(row):
    """Yield a daemon once for each text that is asked for: its key, and files like keys."""
    names = [row.get("keyring_file"), *(row.get("secret_files") or {}).values()]
    for name in names:
        if name:
            yield {"id": row.get("id", ""), "keyring_file": name}


def _collected(path, entity):
    """Return the keyring that a file with several has of an entity."""
    try:
        text = _text(path)
    except (OSError, ValueError) as error:
        raise AnsibleLookupError(
            f"The keyrings of the credential cannot be read: {error}"
        ) from None
    section = ""
    for line in text.splitlines():
        words = line.strip()
        if words.startswith("[") and words.endswith("]"):
            section = words[1:-1].strip()
        name, found, key = words.partition("=")
        if found and name.strip() == "key" and section == entity and _KEY.fullmatch(key.strip()):
            return f"[{entity}]\n\tkey = {key.strip()}\n"
    raise AnsibleLookupError(
        f"The credential has no key of {entity!r}. Add what `ceph auth get {entity}` prints to its "
        "keyrings, or give '' as keyring_file to keep the key that the host has."
    )


def _read(row, directory):
    name = str(row["keyring_file"])
    path = name if "/" in name else os.path.join(directory, name)
    try:
        return _text(path)
    except UnicodeDecodeError:
        reason = "it is no text"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error)
    raise AnsibleLookupError(
        f"The keyring_file {name!r} of the daemon {row.get('id', '')!r} cannot be read: "
        f"{reason}. Give a file on this machine, or '' to keep the key that the host has."
    )


def _text(path):
    """Return the text of a file; a part of it would be another key."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read(_LIMIT + 1)
    if len(text) > _LIMIT:
        raise ValueError(f"it has more than {_LIMIT} characters")
    return text


def _fetched(entity):
    """Return the keyring that the monitors have, nothing (after a warning) without an answer."""
    if not entity:
        return ""
    try:
        return f"[{entity}]\n\tkey = {_key(entity)}\n"
    except NoAnswer as error:
        Display().warning(
            f"The key of {entity} cannot be fetched: {error}. Hosts keep the one that they have. "
            f"To give them one: {REMEDY}"
        )
        return ""


def _key(entity):
    if not _ENTITY.fullmatch(entity):
        raise NoAnswer(f"{entity!r} is no entity's name")
    key = ask("auth", "print-key", entity).strip()
    if not _KEY.fullmatch(key):
        raise NoAnswer("ceph gave no key")
    return key
