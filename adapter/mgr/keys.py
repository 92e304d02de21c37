"""The private key that logs in to the hosts: where it comes from and where it lies."""

from __future__ import annotations

import logging
from typing import Any, Optional

from adapter.engine.access import SshAccess
from adapter.errors import AdapterError, NotReady

log = logging.getLogger(__name__)

KEY = "ssh_identity_key"


class KeyStore:
    """Place the key for ssh: the operator's file, or the one from the mons' key-value store.

    The copy in the state directory is 0600 and belongs to the user that runs ceph-mgr. Whoever
    may read config-keys can read the key too; a site that does not want that sets
    ``ssh_identity_file``.
    """

    def __init__(self, mgr: Any, ssh: SshAccess) -> None:
        self._mgr, self._ssh = mgr, ssh

    def place(self, identity_file: str) -> None:
        """Make ssh use the file, or the kept key, or none."""
        try:
            if identity_file:
                self._ssh.use_identity(identity_file)
            else:
                self._ssh.keep_key(self._mgr.kept_key())
        except (AdapterError, OSError) as error:
            log.error("the ssh key cannot be used: %s", error)

    def generate(self, replace: bool = False) -> str:
        """Make a new key, keep it, and return its public part."""
        if self._mgr.kept_key() and not replace:
            raise AdapterError(
                "There is a key already.",
                "Hosts trust it; give --force to replace it, then install the new public key.",
            )
        private, public = self._ssh.generate_key()
        self.set(private)
        return public

    def set(self, private: Optional[str]) -> None:
        """Keep a private key, or remove it.

        Raises ``InvalidValue`` for what is no key, ``NotKept``. ssh goes on with the one
        before until the monitors have the new one.
        """
        if private is not None:
            self._ssh.check_key(private)
        self._mgr.store_key(private)
        self.place(str(self._mgr.get_module_option("ssh_identity_file") or ""))

    def public(self) -> str:
        """Return the public key; raises ``NotReady``."""
        public = self._ssh.public_key()
        if not public:
            raise NotReady("There is no ssh key.", "Make one with `ceph ansible generate-key`.")
        return public
