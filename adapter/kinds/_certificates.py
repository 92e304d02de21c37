"""Whether a certificate and its private key can be used, and belong to each other."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from typing import Iterator


def pair_problem(text: str) -> str:
    """Return why a server could not use a PEM text with certificate and private key, or nothing.

    OpenSSL reads it as it does for a server.
    """
    problem = certificate_problem(text)
    if problem:
        return problem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        with _in_memory(text) as path:
            # A key that needs a password is refused; nobody is asked for one.
            context.load_cert_chain(path, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            return "the private key does not belong to the certificate"
        return "the private key cannot be read, or needs a password"
    return ""


def certificate_problem(text: str) -> str:
    """Return why a PEM text has no certificate that can be read, or nothing."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return "the certificate cannot be read"
    return ""


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Give the path of a file that is in no directory: it holds a private key."""
    handle = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(handle, text.encode())
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
