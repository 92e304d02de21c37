"""The login at AWX and the certificate of its authority: kept by the monitors, written to files.

``ceph config dump`` shows neither. The copies in the state directory are 0600 and belong to the
user that runs ceph-mgr; workers of jobs read them.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Optional, Protocol

from adapter.awxapi.login import check_secret
from adapter.engine.files import private_dir, remove_quietly, write_if_changed
from adapter.errors import AdapterError

log = logging.getLogger(__name__)

TOKEN, CA = "awx_token", "awx_ca"


class Texts(Protocol):
    """Where the monitors keep texts."""

    def get_text(self, key: str) -> Optional[str]:
        """Return a text, or None."""
        ...

    def set_text(self, key: str, text: Optional[str]) -> None:
        """Replace a text; None removes it."""
        ...


class AwxFiles:
    """The files below ``state``/awx that say how AWX is reached.

    ``token_file`` and ``ca_file`` are their paths, empty where nothing is kept. ``problem`` says
    why they are not what is kept, empty where they are.
    """

    def __init__(self, kept: Texts, state: Path) -> None:
        self._kept = kept
        self._directory = state / "awx"
        self.token_file = ""
        self.ca_file = ""
        self.problem = ""

    def place(self) -> None:
        """Write what the monitors keep, and remove what they do not."""
        before, self.problem = self.problem, ""
        self.token_file = self._placed(TOKEN, "token")
        self.ca_file = self._placed(CA, "ca.pem")
        if self.problem not in ("", before):
            log.error("%s", self.problem)

    def set_token(self, text: Optional[str]) -> None:
        """Keep the token, or the password of ``awx_user``; None forgets it.

        Raises ``AdapterError`` for what is none, ``NotKept``.
        """
        found = None if text is None else check_secret(text, "What was given with -i")
        self._kept.set_text(TOKEN, found)

    def set_ca(self, text: Optional[str]) -> None:
        """Keep the certificates (PEM) of who signs AWX's; None forgets them.

        Raises ``AdapterError`` for what are none, ``NotKept``.
        """
        if text is not None:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                reason = getattr(error, "reason", None) or str(error)
                raise AdapterError(
                    f"What was given with -i has no certificate: {reason}.",
                    "Give a file with the certificate of the authority in PEM.",
                ) from None
        self._kept.set_text(CA, text)

    def _placed(self, key: str, name: str) -> str:
        path = self._directory / name
        try:
            text = self._kept.get_text(key)
            if text is None:
                remove_quietly(path)
                return ""
            private_dir(self._directory)
            write_if_changed(path, f"{text.rstrip()}\n")
        except (AdapterError, OSError) as error:
            self.problem = f"The file {path} for the login at AWX cannot be written: {error}."
        return str(path)
