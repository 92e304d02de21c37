"""The two types of credentials: what carries Ceph's keys into a job, and what reads the monitors.

AWX writes the inputs into files that only the job sees, and names the files in its environment. The
lookup plugin ``keyrings`` and the inventory plugin ``orchestrator`` read these names.
"""

from __future__ import annotations

from typing import Any, Dict

_KEYRINGS: Dict[str, Any] = {
    "kind": "cloud",
    "inputs": {
        "fields": [
            {
                "id": "keyrings",
                "label": "Keyrings",
                "type": "string",
                "secret": True,
                "multiline": True,
                "help_text": "What `ceph auth get ENTITY` prints, one entity below the other.",
            }
        ]
    },
    "injectors": {
        "file": {"template.keyrings": "{{ keyrings | default('') }}\n"},
        "env": {"CEPH_ORCH_KEYRINGS": "{{ tower.filename.keyrings }}"},
    },
}
_MONITORS: Dict[str, Any] = {
    "kind": "cloud",
    "inputs": {
        "fields": [
            {
                "id": "conf",
                "label": "ceph.conf",
                "type": "string",
                "multiline": True,
                "help_text": "What `ceph config generate-minimal-conf` prints.",
            },
            {
                "id": "entity",
                "label": "Entity",
                "type": "string",
                "help_text": "Whose key it is, such as client.awx.",
            },
            {
                "id": "keyring",
                "label": "Keyring",
                "type": "string",
                "secret": True,
                "multiline": True,
                "help_text": "What `ceph auth get ENTITY` prints.",
            },
        ]
    },
    "injectors": {
        "file": {
            "template.conf": "{{ conf | default('') }}\n",
            "template.keyring": "{{ keyring | default('') }}\n",
        },
        "env": {
            "CEPH_CONF": "{{ tower.filename.conf }}",
            "CEPH_KEYRING": "{{ tower.filename.keyring }}",
            "CEPH_ARGS": "--name {{ entity | default('client.admin') }}",
            "ORCH_ANSIBLE_SOURCE": "ceph",
        },
    },
}


def keyrings_type() -> Dict[str, Any]:
    """Return the type of the credential with the keys that jobs give to hosts."""
    return dict(_KEYRINGS)


def monitors_type() -> Dict[str, Any]:
    """Return the type of the credential with which the hosts are read from the monitors."""
    return dict(_MONITORS)
