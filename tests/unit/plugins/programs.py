"""A host's programs: small scripts in a directory of the test, found before all others.

Programs are started by their names from everywhere, and where they are looked for is no business
of those who start them: this is the one place that changes it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.system import command


def only_programs_of(top: Path, patch: pytest.MonkeyPatch, rest: str = "/usr/bin:/bin") -> Path:
    """Have programs looked for in ``top/bin``, which is made, and then in ``rest`` alone."""
    found = top / "bin"
    found.mkdir(exist_ok=True)
    patch.setattr(command, "SEARCH_PATH", f"{found}:/usr/bin:/bin")
    patch.setenv("PATH", ":".join(filter(None, [str(found), rest])))
    return found
