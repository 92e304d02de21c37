# ruff: noqa: I002 -- Ceph reads annotations of command handlers as objects, not as strings
"""``ceph ansible awx ...``: the login at AWX, and whether it can be used."""

from typing import Any, Optional

from adapter.errors import NotReady
from adapter.mgr import awx_where
from adapter.mgr.commands import formatted
from adapter.mgr.compat import read_command, write_command


def _files(mgr: Any) -> Any:
    """Return the module's login, which is there once the orchestrator is built."""
    return mgr.ansible and mgr.awx


def _given(inbuf: Optional[str], what: str) -> str:
    if not inbuf:
        raise NotReady(f"No {what} was given.", "Give the file with -i.")
    return inbuf


@read_command("ansible awx status")
def awx_status(mgr: Any, format: Optional[str] = None) -> str:
    """Show which engine runs the jobs, and of AWX where it is and whether it takes them"""
    files, engine = _files(mgr), mgr.engine
    away = engine.away()
    data = awx_where.described(
        mgr.get_module_option, files, engine.where, away.reason if away else ""
    )
    width = max(map(len, data)) + 1
    rows = [f"{key.replace('_', ' '):{width}}{value or '-'}" for key, value in data.items()]
    return formatted(data, "\n".join(rows), format)


@write_command("ansible awx set-token")
def set_token(mgr: Any, inbuf: Optional[str] = None) -> str:
    """Use this token at AWX, or the password of awx_user (-i FILE); no option shows it"""
    _files(mgr).set_token(_given(inbuf, "token"))
    mgr.choose_engine()
    return "The login at AWX is set"


@write_command("ansible awx clear-token")
def clear_token(mgr: Any) -> str:
    """Forget the login at AWX; with the engine awx no job begins until there is another"""
    _files(mgr).set_token(None)
    mgr.choose_engine()
    return "The login at AWX is forgotten"


@write_command("ansible awx set-ca")
def set_ca(mgr: Any, inbuf: Optional[str] = None) -> str:
    """Verify AWX by this authority's certificate, in PEM (-i FILE)"""
    _files(mgr).set_ca(_given(inbuf, "certificate"))
    mgr.choose_engine()
    return "The authority of AWX is set"


@write_command("ansible awx clear-ca")
def clear_ca(mgr: Any) -> str:
    """Verify AWX by the system's authorities"""
    _files(mgr).set_ca(None)
    mgr.choose_engine()
    return "AWX is verified by the system's authorities"
