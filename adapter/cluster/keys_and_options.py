"""Keys, options and secrets that the monitors keep: they are read and changed here."""

from __future__ import annotations

import errno
from typing import Any, Dict, Sequence, Tuple

from adapter.cluster.ceph_options import Option, read_option, read_settings
from adapter.cluster.marks import mark
from adapter.cluster.mon import Mon
from adapter.cluster.osd_map import read_json
from adapter.interface import OrchestratorError

BOOTSTRAP = "client.bootstrap-osd"


class KeysAndOptions:
    """Ask the monitors for what they keep, and change it.

    All methods raise ``OrchestratorError``. Source: `auth`, `config` and `config-key` of Ceph 16.2,
    18.2 and 20.2.
    """

    def __init__(self, mon: Mon) -> None:
        self._mon = mon

    def _read(self, prefix: str, **arguments: Any) -> str:
        return self._mon.command(prefix=prefix, format="json", **arguments)

    def keyring(self, entity: str, caps: Sequence[Tuple[str, str]] = ()) -> str:
        """Return a keyring file's text; a key that is missing is made with these capabilities.

        Capabilities that a key has already stay as they are: somebody chose them.
        """
        try:
            answer = self._read("auth get", entity=entity)
        except OrchestratorError as error:
            if abs(error.errno) != errno.ENOENT or not caps:
                raise
            words = [word for pair in caps for word in pair]
            answer = self._read("auth get-or-create", entity=entity, caps=words)
        key = read_json(answer, "auth get")[0]["key"]
        return f"[{entity}]\n\tkey = {key}\n"

    def bootstrap_keyring(self) -> str:
        """Return the keyring that new OSDs register with."""
        return self.keyring(BOOTSTRAP, (("mon", "profile bootstrap-osd"),))

    def forget_key(self, entity: str) -> None:
        """Remove a key; one that is not there is gone."""
        self._mon.command(prefix="auth rm", entity=entity)

    def configure(self, section: str, option: str, value: str) -> None:
        """Set an option in the monitors' configuration."""
        self._mon.command(prefix="config set", who=section, name=option, value=value)

    def unconfigure(self, section: str, option: str) -> None:
        """Remove an option from the monitors' configuration; one that they do not know is gone."""
        try:
            self._mon.command(prefix="config rm", who=section, name=option)
        except OrchestratorError as error:
            if abs(error.errno) != errno.EINVAL:
                raise

    def option(self, name: str) -> Option:
        """Return one of Ceph's options; the errno of one that Ceph does not have is ENOENT."""
        return read_option(self._read("config help", key=name))

    def settings(self) -> Dict[Tuple[str, str], str]:
        """Return what the monitors' configuration says, by section and option."""
        return read_settings(read_json(self._read("config dump"), "config dump"))

    def key_marks(self) -> Dict[str, str]:
        """Return what stands for each key, by its name: nobody learns a key from it."""
        rows = read_json(self._read("auth ls"), "auth ls").get("auth_dump") or ()
        return {str(row["entity"]): mark(str(row["key"])) for row in rows if row.get("key")}

    def keep_secret(self, key: str, text: str) -> None:
        """Keep a text for daemons in the monitors' config-key store; it stands in no command."""
        self._mon.command(prefix="config-key set", key=key, inbuf=text)

    def secret(self, key: str) -> str:
        """Return such a text."""
        return self._mon.command(prefix="config-key get", key=key)

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS."""
        return self._mon.object_text(pool, namespace, name)

    def forget_secret(self, key: str) -> None:
        """Remove such a text; one that is not there is gone."""
        self._mon.command(prefix="config-key rm", key=key)
