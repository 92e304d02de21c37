"""The transactions of apt-get and dnf that bring packages to exact versions.

Sources: apt-get(8), dpkg(1), apt-cache(8) of Debian 12 to 14; dnf(8) of dnf 4.
"""

from __future__ import annotations

import os
import re
from typing import Collection, Dict, List, Mapping, Sequence, Set, Tuple

from .command import Answer, find_program, last_line, run
from .host_lock import Detached, HostLock
from .package_manager import reason_of
from .quiet_packages import ENVIRONMENT
from .reading import Roots, clean

_ASK_TIMEOUT = 120.0
# So long (seconds) daemons may take to stop.
_STOP_TIMEOUT = 330
# What is left free beside what packages need (bytes).
_MARGIN = 64 << 20
_CONFFILE = re.compile(r"^Configuration file '([^'\n]+)'", re.MULTILINE)


class StillWorks(Exception):
    """Say that the package manager goes on and was not waited for any longer."""


def _run(
    argv: Sequence[str], lock: HostLock, timeout: float, what: str, stopped: Sequence[str] = ()
) -> Answer:
    program = find_program(argv[0])
    work = Detached(
        "packages",
        [program, *argv[1:]],
        lock,
        ENVIRONMENT,
        description=what,
        properties=_while_stopped(stopped),
    )
    answer = work.result(timeout)
    if "still runs" in answer.problem:
        raise StillWorks(f"{argv[0]}: {answer.problem}.")
    return answer


def _while_stopped(units: Sequence[str]) -> List[str]:
    """Return the settings by which systemd stops units before its own one, and starts them after.

    It starts them whatever becomes of the transaction, and of who waits for that.
    """
    if not units:
        return []
    systemctl, names = find_program("systemctl"), " ".join(units)
    return [
        f"TimeoutStartSec={_STOP_TIMEOUT}",
        f"ExecStartPre={systemctl} stop {names}",
        # What does not start is told by who waits; the status is that of the package manager.
        f"ExecStopPost=-{systemctl} reset-failed {names}",
        f"ExecStopPost=-{systemctl} start {names}",
    ]


class AptTransaction:
    """Debian's apt-get and dpkg. ``kept_files`` are known after ``install``.

    ``older`` lets packages go back to an older version.
    """

    _OPTIONS = (
        "-q",
        "-y",
        "-o",
        "DPkg::Lock::Timeout=120",
        "-o",
        "Acquire::http::Timeout=20",
        "-o",
        "Dpkg::Options::=--force-confdef",
        "-o",
        "Dpkg::Options::=--force-confold",
    )

    def __init__(self, roots: Roots, older: bool = False) -> None:
        self._roots = roots
        self._back = ("--allow-downgrades",) if older else ()
        self.kept_files: List[str] = []

    def predict(self, versions: Mapping[str, str], own: Collection[str]) -> str:
        """Return why the packages could not be installed, as far as that is known before.

        ``own`` are Ceph's packages of the host: none of them may go.
        """
        argv = ["apt-get", "-s", "-q", "install", "--", *_exact(versions, "=")]
        answer = run(argv, _ASK_TIMEOUT)
        if answer.problem:
            return unmet(answer.out) or reason_of(answer.err) or answer.problem
        going = list(dict.fromkeys(removed(answer.out)))
        wanted = [name for name in going if name in {*own}] or _chosen(going)
        if wanted:
            return would_remove(wanted, wanted[0] not in {*own})
        return self._space(versions)

    def download(self, versions: Mapping[str, str], lock: HostLock, timeout: float) -> str:
        """Fetch the packages; return what went wrong, if anything did."""
        words = ["-d", *self._back, "install", "--", *_exact(versions, "=")]
        answer = _run(["apt-get", *self._OPTIONS, *words], lock, timeout, "fetches Ceph's packages")
        return (reason_of(answer.err) or answer.problem) if answer.problem else ""

    def install(
        self,
        versions: Mapping[str, str],
        lock: HostLock,
        timeout: float,
        stopped: Sequence[str] = (),
        own: Collection[str] = (),
    ) -> str:
        """Finish what was cut, then install; return what went wrong, if anything did.

        The units ``stopped`` do not run while packages change. ``own`` are Ceph's packages of the
        host where nothing could be predicted, for what was cut: it is predicted then.
        """
        finish = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]
        said = _run(finish, lock, timeout, "configures packages")
        if not versions:
            return failed_script(said.out) or last_line(said.err) if said.problem else ""
        problem = self.predict(versions, own) if own else ""
        if problem:
            return problem
        words = [*self._back, "install", "--", *_exact(versions, "=")]
        argv = ["apt-get", *self._OPTIONS, *words]
        answer = _run(argv, lock, timeout, "upgrades Ceph's packages", stopped)
        self.kept_files = sorted({*_CONFFILE.findall(answer.out)})[:50]
        if not answer.problem:
            return ""
        return failed_script(answer.out) or given_up(answer)

    def _space(self, versions: Mapping[str, str]) -> str:
        """Return that there is too little space, if so."""
        exact = _exact(versions, "=")
        shown = run(["apt-cache", "show", "--no-all-versions", "--", *exact], _ASK_TIMEOUT)
        missing = run(
            ["apt-get", "-qq", "-y", "--print-uris", *self._back, "install", "--", *exact],
            _ASK_TIMEOUT,
        )
        there = run(
            ["dpkg-query", "-W", "-f", "${Installed-Size}\\n", "--", *versions], _ASK_TIMEOUT
        )
        if shown.problem or there.problem or missing.problem:
            return ""
        sizes = package_sizes(shown.out)
        before = sum(int(line) for line in there.out.split() if line.isdigit()) << 10
        unpacked = max(0, sum(sizes) - before) + max(sizes, default=0)
        # Each may be a file system of its own, and dpkg writes what it does into its directory.
        cache, dpkg = (os.path.join(self._roots.var, each) for each in ("cache/apt", "lib/dpkg"))
        archives, journal = os.path.join(cache, "archives"), os.path.join(dpkg, "updates")
        needs = {self._roots.usr: unpacked, cache: 0, archives: to_fetch(missing.out)}
        return lacking_space({**needs, dpkg: 0, journal: 0})


def _exact(versions: Mapping[str, str], between: str) -> List[str]:
    return [f"{name}{between}{version}" for name, version in sorted(versions.items())]


def removed(text: str) -> List[str]:
    """Return what ``apt-get -s`` says that it would remove."""
    lines = (line.split() for line in text.splitlines())
    return [fields[1] for fields in lines if len(fields) > 1 and fields[0] in ("Remv", "Purg")]


def _chosen(names: Sequence[str]) -> List[str]:
    """Return the packages that are there for themselves, not for another one that needs them.

    Libraries do not count: those of the first installation are marked like that, and are replaced.
    """
    if not names:
        return []
    marks = run(["apt-mark", "showmanual", "--", *names], _ASK_TIMEOUT)
    argv = ["dpkg-query", "-W", "-f", "${Section}\\n", "--"]
    sections = {name: run([*argv, name], _ASK_TIMEOUT).out.strip() for name in names}
    # What cannot be told of is not taken away.
    known = [*names] if marks.problem else marks.out.split()
    return [
        name for name in names if name in known and not sections[name].endswith(("libs", "oldlibs"))
    ]


def would_remove(names: Sequence[str], others: bool) -> str:
    """Return the sentence for packages that apt-get would take away; ``others`` are not Ceph's."""
    shown = f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
    if not others:
        return f"apt-get would remove {shown}"
    return (
        f"apt-get would remove {shown}, installed by the administrator: bring a version that goes "
        "with the new Ceph, or remove it yourself first"
    )


def unmet(text: str) -> str:
    """Return the first dependency that apt-get cannot meet, from what it prints."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return next((line for line in lines if " : Depends: " in line), "")


def failed_script(text: str) -> str:
    """Return what dpkg says of a package's script that failed, or why it broke off itself."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for at, line in enumerate(lines):
        found = _DPKG_ERROR.match(line)
        if found:
            words, why = found.group(1).rstrip(":"), lines[at + 1] if at + 1 < len(lines) else ""
            if not line.startswith(_OF_PACKAGE):
                return f"dpkg: {': '.join(filter(None, [words, why if line[-1:] == ':' else '']))}"
            before = lines[at - 1] if at and not lines[at - 1].startswith(_ROUTINE) else ""
            return ": ".join(filter(None, [words, why, before]))
    return ""


def given_up(answer: Answer) -> str:
    """Return why apt-get gave up; one that was killed says nothing of it."""
    if any(line.startswith("E:") for line in answer.err.splitlines()):
        return reason_of(answer.err)
    last = last_line(answer.err)
    return f"apt-get was cut off, {answer.problem}{f'; its last line: {last}' if last else ''}"


_URI = re.compile(r"'([a-z+]+):[^']*' \S+ (\d+)")
_OF_PACKAGE = "dpkg: error processing package "
_DPKG_ERROR = re.compile(
    rf"(?:{_OF_PACKAGE}|dpkg: (?=error processing archive |unrecoverable )|dpkg: error: )(.+)"
)
_ROUTINE = ("Setting up ", "Unpacking ", "Preparing ", "Processing ")


def package_sizes(text: str) -> List[int]:
    """Return how many bytes packages have unpacked, from ``apt-cache show``."""
    rows = (line.partition(": ") for line in text.splitlines())
    return [
        int(value) << 10
        for name, _, value in rows
        if name == "Installed-Size" and value.strip().isdigit()
    ]


def to_fetch(text: str) -> int:
    """Return how many bytes apt-get would fetch, from its ``--print-uris``.

    Those that it has in its cache are not among them, and those of a directory stay there.
    """
    rows = (_URI.match(line) for line in text.splitlines())
    return sum(int(row.group(2)) for row in rows if row and row.group(1) not in ("file", "copy"))


def lacking_space(needs: Mapping[str, int]) -> str:
    """Return that a file system has too little space, if so; ``needs`` are bytes by directory."""
    by_device: Dict[int, Tuple[str, int]] = {}
    for path, need in needs.items():
        try:
            device = os.stat(path).st_dev
        except OSError:
            continue
        first, so_far = by_device.get(device, (path, 0))
        by_device[device] = (first, so_far + need)
    for path, need in by_device.values():
        state = os.statvfs(path)
        free = state.f_bavail * state.f_frsize
        if free < need + _MARGIN:
            return (
                f"{path} has {free >> 20} MiB free, and {(need + _MARGIN) >> 20} MiB are needed; "
                "make room, e.g. by `apt-get clean`"
            )
    return ""


class DnfTransaction:
    """EL's dnf and rpm, which looks at space and files itself before it changes anything.

    It installs an exact version whether that is older or newer.
    """

    def __init__(self, roots: Roots, older: bool = False) -> None:
        del roots, older
        self.kept_files: List[str] = []

    def predict(self, versions: Mapping[str, str], own: Collection[str]) -> str:
        """Return why the packages could not be installed, as far as that is known before.

        ``own`` are Ceph's packages of the host: none of them may go.
        """
        argv = ["dnf", "-C", "--assumeno", "install", "--", *_exact(versions, "-")]
        answer = run(argv, _ASK_TIMEOUT)
        # To decline is a failure to dnf as well; what cannot be resolved has a line of its own.
        if "Error:" in answer.err:
            return dnf_reason(answer.err)
        if answer.status is None:
            return answer.problem
        going = sorted(replaced(answer.out) & {*own})
        return f"dnf would remove {', '.join(going)}" if going else ""

    def download(self, versions: Mapping[str, str], lock: HostLock, timeout: float) -> str:
        """Fetch the packages; return what went wrong, if anything did."""
        argv = ["dnf", "-q", "-y", "--downloadonly", "install", "--", *_exact(versions, "-")]
        return dnf_problem(_run(argv, lock, timeout, "fetches Ceph's packages"))

    def install(
        self,
        versions: Mapping[str, str],
        lock: HostLock,
        timeout: float,
        stopped: Sequence[str] = (),
        own: Collection[str] = (),
    ) -> str:
        """Install the packages; return what went wrong, if anything did.

        The units ``stopped`` do not run while packages change.
        """
        del own
        if not versions:
            return "dnf has left a transaction halfway: `dnf remove --duplicates` ends it"
        argv = ["dnf", "-q", "-y", "install", "--", *_exact(versions, "-")]
        return dnf_problem(_run(argv, lock, timeout, "upgrades Ceph's packages", stopped))


def dnf_problem(answer: Answer) -> str:
    """Return what went wrong with dnf, if anything did.

    A script of a package that fails after its installation is none to dnf.
    """
    scripts = [line for line in answer.err.splitlines() if _SCRIPTLET.match(line)]
    if scripts:
        return dnf_reason(answer.err)
    return (dnf_reason(answer.err) or answer.problem) if answer.problem else ""


def dnf_reason(text: str) -> str:
    """Return the line that says why dnf gave up, from what it printed.

    Behind ``Error:`` there is only of what kind the error is where more lines follow.
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    for at, line in enumerate(lines):
        if _SCRIPTLET.match(line):
            before = lines[at - 1] if at else ""
            return ": ".join(filter(None, [line, before]))
        if line.startswith("Error:"):
            more = lines[at + 1 : at + 3] if line.endswith(":") or "Problem" in line else []
            words = " ".join([line[len("Error:") :].strip(), *more]).strip()
            return clean(words, 400).rstrip(".")
    return clean(reason_of(text), 400)


def replaced(text: str) -> Set[str]:
    """Return the packages that dnf would take away, from the table that it prints."""
    found: Set[str] = set()
    removing = False
    for line in text.splitlines():
        words = line.split()
        if line and not line.startswith(" "):
            removing = line.startswith("Removing")
        elif words[:1] == ["replacing"] and len(words) > 1:
            found.add(words[1].rpartition(".")[0])
        elif removing and words:
            found.add(words[0])
    return found


_SCRIPTLET = re.compile(r"Error in \w+ scriptlet in rpm package ")
