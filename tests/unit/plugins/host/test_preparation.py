"""What was done on a host before its daemons is told, and predicted as it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

from plugins.module_utils.cluster.conf import MARK
from plugins.module_utils.host.preparation import Preparation
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import FSID

CONF = f"[global]\n\tfsid = {FSID}\n\tmon_host = a\n"
OLD = f"{MARK}\n{CONF}\tpassword = of the site\n"


class Module:
    """A module that only takes warnings."""

    def __init__(self) -> None:
        self.warnings: List[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def configure(top: Path, check_mode: bool) -> Any:
    preparation = Preparation(
        Roots(dev="none", etc=str(top), var=str(top)), FSID, check_mode=check_mode
    )
    preparation.configure(CONF)
    return preparation


def test_check_mode_says_what_is_done(tmp_path: Path) -> None:
    path = tmp_path / "ceph/ceph.conf"
    path.parent.mkdir()
    path.write_text(OLD)

    predicted = configure(tmp_path, check_mode=True)
    assert (path.read_text(), len(list(path.parent.iterdir()))) == (OLD, 1)
    done = configure(tmp_path, check_mode=False)
    again = configure(tmp_path, check_mode=False)

    backup = done.result["access"].pop("conf_backup")
    assert Path(backup).read_text() == OLD
    assert predicted.result["access"].pop("conf_backup") == backup
    assert predicted.result == {"access": {"conf": "would be written"}}
    assert done.result == {"access": {"conf": "written"}}
    assert again.result == {"access": {"conf": "present"}}
    assert [predicted.changed, done.changed, again.changed] == [True, True, False]
    assert predicted.diff == done.diff
    (diff,) = done.diff
    assert diff["before"] == f"{MARK}\n{CONF}"
    assert path.read_text() == diff["after"] + "\tpassword = of the site\n"
    assert "password" not in str(done.diff), "what stays is not shown"


def test_a_copy_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "ceph/ceph.conf"
    path.parent.mkdir()
    path.write_text(OLD)
    module = Module()

    configure(tmp_path, check_mode=False).warn(module)
    configure(tmp_path, check_mode=False).warn(module)

    (backup,) = path.parent.glob("ceph.conf.before-*")
    assert [warning.rpartition(" ")[2] for warning in module.warnings] == [str(backup)]
    assert "changed or moved. The file as it was: " in module.warnings[0]


def test_check_mode_promises_no_copy_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "ceph/ceph.conf"
    path.parent.mkdir()
    path.write_text(OLD)
    module = Module()

    configure(tmp_path, check_mode=True).warn(module)

    (warning,) = module.warnings
    said, _, backup = warning.rpartition(" ")
    assert said.endswith("would change or move. The file as it is would be copied to")
    assert backup.startswith(f"{path}.before-")
    assert not Path(backup).exists()
