"""How the places are written of what files of daemons are made of.

Ceph's own are ``rados://POOL/NAMESPACE/OBJECT`` and ``rados:mon-config-key:KEY``.
"""

from __future__ import annotations

OBJECT = "rados://"
CONFIG_KEY = "rados:mon-config-key:"
# The keyring of a key that somebody else has made, by its name; and a minimal configuration.
KEY = "keyring:"
CONF = "conf:"
