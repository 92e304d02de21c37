"""What stands in front of the commands of ``ceph orch``, with a stand-in for Ceph's class."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import pytest
import yaml

from adapter.cluster.spec_file import NoServices
from adapter.errors import NotKept
from adapter.mgr.cli_errors import CleanErrors

BAD = Path(__file__).resolve().parents[2] / "lab_tests" / "bad_specs"
CASES = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in BAD.glob("*.yml")}
OURS = sorted(name for name, case in CASES.items() if "refused_by" not in case)

GOOD = "service_type: mds\nservice_id: a\n"
BAD_TYPE = "service_type: mdss\nservice_id: a\n"
ANSWER = (0, "Scheduled", "")
APPLY = {"prefix": "orch apply"}

Func = Callable[[Any, Dict[str, Any], Optional[str]], Any]


class Inherited:
    """Where Ceph's class has the method from."""

    def __init__(self, func: Func = lambda mgr, words, text: ANSWER) -> None:
        self.func = func

    def call(self, mgr: Any, cmd_dict: Dict[str, Any], inbuf: Optional[str] = None) -> Any:
        return self.func(mgr, cmd_dict, inbuf)


@pytest.fixture
def commands() -> type:
    """Return a class of commands as Ceph's is: it inherits ``call``."""
    return type("Commands", (Inherited,), {})


@pytest.fixture
def front(commands: Any) -> Iterator[CleanErrors]:
    """Stand in front of the class."""
    front = CleanErrors(commands, lambda: True)
    front.install()
    yield front
    front.remove()


def fails(error: Exception) -> Func:
    def func(mgr: Any, words: Dict[str, Any], text: Optional[str]) -> Any:
        raise error

    return func


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize("name", OURS)
def test_bad_specs_do_not_reach_ceph(commands: Any, name: str) -> None:
    command = commands(fails(AssertionError("Ceph was asked")))

    status, out, error = command.call("mgr", APPLY, CASES[name]["file"])

    assert (status, out) == (-errno.EINVAL, "")
    assert [words for words in CASES[name]["says"] if words not in error] == [], error
    assert "\n" not in error


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (APPLY, GOOD),
        (APPLY, "---\n" + GOOD + "---\n---\nservice_type: host\nhostname: h1\n"),
        ({"prefix": "orch apply", "service_type": "crash"}, None),
        ({"prefix": "orch apply", "service_type": "crash"}, ""),
        ({"prefix": "orch apply", "continue_on_error": True}, GOOD + "---\n" + BAD_TYPE),
        ({"prefix": "orch apply osd", "all_available_devices": True}, None),
        ({"prefix": "orch daemon add"}, None),
        ({"prefix": "orch tuned-profile apply"}, "profile_name: a\n"),
        ({"prefix": "orch certmgr cert set"}, "-----BEGIN CERTIFICATE-----: ["),
        ({"prefix": "orch host ls"}, None),
        ({}, None),
    ],
)
def test_what_is_good_reaches_ceph_as_it_is(
    commands: Any, words: Dict[str, Any], text: Optional[str]
) -> None:
    seen = []
    command = commands(lambda *given: seen.append(given) or ANSWER)

    assert command.call("mgr", words, text) == ANSWER
    assert seen == [("mgr", words, text)]


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        ({"prefix": "orch apply", "continue_on_error": True}, "a: [", "not YAML"),
        ({"prefix": "orch apply osd"}, BAD_TYPE, "mdss"),
        ({"prefix": "orch daemon add"}, BAD_TYPE, "mdss"),
        ({"prefix": "orch tuned-profile apply"}, "settings: {}\n", "profile_name"),
    ],
)
def test_other_commands_that_take_specs(
    commands: Any, words: Dict[str, Any], text: str, says: str
) -> None:
    status, _, error = commands().call("mgr", words, text)

    assert status == -errno.EINVAL
    assert says in error


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(
    ("answer", "given"),
    [
        ((22, "", "Invalid config option x"), (-22, "", "Invalid config option x")),
        ((-2, "", "no"), (-2, "", "no")),
        ((0, "text", ""), (0, "text", "")),
        ("something else", "something else"),
        (None, None),
    ],
)
def test_a_failure_has_a_negative_status(commands: Any, answer: Any, given: Any) -> None:
    assert commands(lambda *_: answer).call("mgr", APPLY, GOOD) == given


REMOTE = RuntimeError(
    "Remote method threw exception: Traceback (most recent call last):\n"
    '  File "module.py", line 1, in apply\n    raise KeyError("x")\nKeyError: \'x\'\n'
)


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyError("hostname"), -errno.EINVAL, "orch apply: KeyError: 'hostname'"),
        (AssertionError(), -errno.EINVAL, "orch apply: AssertionError"),
        (ValueError("a\n  b\n"), -errno.EINVAL, "orch apply: ValueError: a b"),
        (FileNotFoundError(2, "no"), -errno.ENOENT, "orch apply: FileNotFoundError: [Errno 2] no"),
        (REMOTE, -errno.EINVAL, "orch apply: RuntimeError: KeyError: 'x'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_ceph_raises_is_one_line(
    commands: Any, error: Exception, status: int, text: str
) -> None:
    assert commands(fails(error)).call("mgr", APPLY, GOOD) == (status, "", text)


@pytest.mark.usefixtures("front")
def test_a_long_error_is_cut(commands: Any) -> None:
    answer: Tuple[int, str, str] = commands(fails(ValueError("x" * 10_000))).call("m", APPLY, GOOD)

    assert len(answer[2]) < 700


@pytest.mark.usefixtures("front")
def test_the_log_has_cephs_traceback(commands: Any, caplog: pytest.LogCaptureFixture) -> None:
    commands(fails(KeyError("hostname"))).call("mgr", APPLY, GOOD)

    assert "orch apply failed" in caplog.text
    assert "in func" in caplog.text
    assert "in _answer" not in caplog.text


def test_unwanted_it_is_cephs_own_method(commands: Any) -> None:
    front = CleanErrors(commands, lambda: False)
    front.install()
    command = commands(fails(KeyError("hostname")))

    assert command.call.__func__ is Inherited.call
    with pytest.raises(KeyError, match="hostname"):
        command.call("mgr", APPLY, BAD_TYPE)


def test_it_is_asked_each_time(commands: Any) -> None:
    wanted = [False, True]
    CleanErrors(commands, lambda: wanted.pop()).install()

    assert commands().call("mgr", APPLY, BAD_TYPE)[0] == -errno.EINVAL
    assert commands().call("mgr", APPLY, BAD_TYPE) == ANSWER


def test_who_cannot_say_leaves_it(commands: Any, caplog: pytest.LogCaptureFixture) -> None:
    CleanErrors(commands, lambda: 1 // 0 > 0).install()

    assert commands().call("mgr", APPLY, BAD_TYPE) == ANSWER
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("front")
def test_the_class_looks_as_before(commands: Any) -> None:
    assert commands.call is Inherited.call


def test_removed_it_leaves_nothing(commands: Any, front: CleanErrors) -> None:
    front.remove()
    front.remove()

    assert "call" not in vars(commands)
    assert commands().call("mgr", APPLY, BAD_TYPE) == ANSWER


def test_who_came_later_stays(commands: Any, front: CleanErrors) -> None:
    commands.call = later = lambda *_: (0, "later", "")

    front.remove()

    assert vars(commands)["call"] is later


def test_without_a_class_nothing_is_done(caplog: pytest.LogCaptureFixture) -> None:
    front = CleanErrors(None, lambda: True)

    front.install()
    front.remove()

    assert "stay as this Ceph words them" in caplog.text


def test_what_the_backend_refuses_is_the_answer_of_its_command(
    commands: Any, front: CleanErrors
) -> None:
    error = NotKept("state.paused", 16, "the monitors refuse it", "Ask again.", errno.EFBIG)

    def pause(mgr: Any, words: Dict[str, Any], text: Optional[str]) -> Any:
        assert front.refuse(error)
        return (0, "", "")

    status, out, text = commands(pause).call("mgr", {"prefix": "orch pause"})
    assert (status, out) == (-errno.EFBIG, "")
    assert text == str(error)
    assert commands().call("mgr", {"prefix": "orch pause"}) == ANSWER, "the next one is well"
    assert not front.refuse(error), "no command is under way"


def test_nothing_is_answered_where_cephs_own_method_runs(commands: Any) -> None:
    front = CleanErrors(commands, lambda: False)
    front.install()
    told = []
    commands(lambda mgr, words, text: told.append(front.refuse(NotKept("k", 1, "r", "")))).call(
        "mgr", {}
    )
    front.remove()

    assert told == [False]


LISTED = f"{GOOD}events:\n- some time service:mds.a [INFO] deployed\nstatus:\n  running: 2\n"
HOST = "hostname: h1\naddr: 10.0.0.1\nlabels: []\nstatus: ''\n"
DRY = {"prefix": "orch apply", "dry_run": True}


class Known(NoServices):
    """A service that runs and was not specified."""

    def is_nobodys(self, name: str) -> bool:
        return name == "osd.a"


@pytest.mark.usefixtures("front")
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (LISTED, [{"service_type": "mds", "service_id": "a"}]),
        (f"{HOST}---\n{GOOD}", [
            {"service_type": "host", "hostname": "h1", "addr": "10.0.0.1", "labels": []},
            {"service_type": "mds", "service_id": "a"},
        ]),
    ],
)  # fmt: skip
def test_a_listing_reaches_ceph_as_the_specs_that_it_shows(
    commands: Any, text: str, seen: Any
) -> None:
    def read(mgr: Any, words: Any, text: Any) -> Any:
        assert list(yaml.safe_load_all(text)) == seen
        return ANSWER

    status, out, notes = commands(read).call("mgr", APPLY, text)
    assert (status, out) == (0, "Scheduled")
    assert ("document 1: status and events" in notes) == ("events" in text)


def test_what_nobody_specified_does_not_reach_ceph(commands: Any) -> None:
    CleanErrors(commands, lambda: True, Known).install()
    text = "service_type: osd\nservice_id: a\nunmanaged: true\n"

    status, _, notes = commands(fails(AssertionError("Ceph was asked"))).call("m", APPLY, text)
    assert (status, notes) == (
        0,
        "document 1: osd.a runs and nobody specified it; it is left as it is",
    )


@pytest.mark.usefixtures("front")
def test_each_documents_error_is_told(commands: Any) -> None:
    status, out, error = commands(fails(AssertionError("Ceph was asked"))).call(
        "mgr", APPLY, f"{BAD_TYPE}---\n{GOOD}---\n{GOOD}"
    )

    assert (status, out) == (-errno.EINVAL, "")
    first, second = error.splitlines()
    assert first.startswith("document 1: service_type: 'mdss'")
    assert second.startswith("document 3: service mds.a is there twice, in document 2 (line 4)")


def test_a_dry_run_shows_the_others_beside_what_is_refused(
    commands: Any, front: CleanErrors
) -> None:
    def plan(mgr: Any, words: Any, text: str) -> Any:
        assert list(yaml.safe_load_all(text)) == [{"service_type": "mds", "service_id": "a"}]
        command = front.under_way()
        assert command is not None
        assert (command.dry_run, command.no_overwrite) == (True, True)
        command.refused.append("mds.a: There is no host 'h9'.")
        return (0, "the plans", "")

    words = {**DRY, "no_overwrite": True}
    status, out, error = commands(plan).call("mgr", words, f"{BAD_TYPE}---\n{GOOD}")

    assert (status, out) == (-errno.EINVAL, "the plans")
    assert [line[:12] for line in error.splitlines()] == ["document 1: ", "mds.a: There"]
    assert front.under_way() is None


@pytest.mark.usefixtures("front")
def test_a_dry_run_of_nothing_but_errors_does_not_reach_ceph(commands: Any) -> None:
    status, out, error = commands(fails(AssertionError("Ceph was asked"))).call(
        "mgr", DRY, BAD_TYPE
    )
    assert (status, out) == (-errno.EINVAL, "")
    assert "mdss" in error


def test_a_dry_run_without_a_file_tells_its_error_alone(commands: Any, front: CleanErrors) -> None:
    def plan(mgr: Any, words: Any, text: Any) -> Any:
        command = front.under_way()
        assert command is not None
        command.refused.append("There is no host 'h9'.")
        command.planned = False
        return (0, "empty tables", "")

    words = {"prefix": "orch apply mds", "dry_run": True}
    assert commands(plan).call("mgr", words) == (-errno.EINVAL, "", "There is no host 'h9'.")


class Strict(NoServices):
    """Options are looked at."""

    def config_problem(self, spec: Any) -> str:
        wrong = ", ".join(sorted(spec.config or ()))
        return f"{spec.service_name()}: no option {wrong}" if wrong else ""


WRONG = "service_type: mds\nservice_id: b\nconfig: {mds_cach: 1, mds_x: 2}\n"


def test_wrong_options_of_all_documents_are_named_before_ceph_looks(commands: Any) -> None:
    """Ceph's own check ends at the first one, and names neither service nor value."""
    CleanErrors(commands, lambda: True, Strict).install()
    text = f"{GOOD}---\n{WRONG}---\n{BAD_TYPE}"
    status, out, error = commands(fails(AssertionError("Ceph was asked"))).call("m", APPLY, text)
    assert (status, out) == (-errno.EINVAL, "")
    second, third = error.splitlines()
    assert second == "document 2: mds.b: no option mds_cach, mds_x"
    assert third.startswith("document 3: service_type: 'mdss'")


def test_with_continue_on_error_it_is_left_to_ceph(commands: Any) -> None:
    CleanErrors(commands, lambda: True, Strict).install()
    words = {**APPLY, "continue_on_error": True}
    assert commands().call("m", words, WRONG) == ANSWER
