"""Install packages with the host's own package manager."""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, Union

from .command import Answer, find_program, last_line, run
from .distribution import DEBIAN, REDHAT
from .host_lock import Detached, HostLock
from .reading import Roots, clean, list_dir

_ASK_TIMEOUT = 60.0
_LISTS = "lib/apt/lists"
# Lines of apt that give advice, not the reason.
_ADVICE = ("Unable to fetch some archives", "Some index files failed", "The repository '")


class PackagesRefused(Exception):
    """Say why packages cannot be installed."""


def manager_of(family: str, roots: Roots) -> Union[Apt, Dnf]:
    """Return the package manager of a family; raises ``PackagesRefused``."""
    managers: Dict[str, Tuple[str, Union[Type[Apt], Type[Dnf]]]] = {
        DEBIAN: ("apt-get", Apt),
        REDHAT: ("dnf", Dnf),
    }
    program, manager = managers[family]
    if not find_program(program):
        raise PackagesRefused(f"There is no {program} on this host, so nothing can be installed.")
    return manager(roots)


def no_source_has(names: Iterable[str]) -> str:
    """Return the sentence for packages that are unknown."""
    return f"no package source of this host has {', '.join(names)}"


class _Manager:
    """What both package managers have in common: they install what is missing, one at a time."""

    def __init__(self, roots: Roots) -> None:
        self._lists = os.path.join(roots.var, _LISTS)

    def _run(
        self,
        argv: Sequence[str],
        lock: HostLock,
        timeout: float,
        environment: Optional[Mapping[str, str]] = None,
        what: str = "",
    ) -> Answer:
        program = find_program(argv[0])
        work = Detached("packages", [program, *argv[1:]], lock, environment, description=what)
        answer = work.result(timeout)
        if work.is_running:
            raise PackagesRefused(f"{argv[0]}: {answer.problem}.")
        return answer


class Apt(_Manager):
    """Debian's apt-get and dpkg."""

    _OPTIONS = ("-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=20")
    _ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}  # noqa: RUF012 - nobody changes it

    def missing(self, names: Sequence[str]) -> List[str]:
        """Return the packages that are not installed, or only half."""
        argv = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n", "--", *names]
        lines = [line.split() for line in run(argv, _ASK_TIMEOUT).out.splitlines()]
        there = {fields[-1] for fields in lines if fields and fields[0] == "ii"}
        return [name for name in names if name not in there]

    def unknown(self, names: Sequence[str]) -> List[str]:
        """Return the packages that no source of the host has, as far as the lists say."""
        out = run(["apt-cache", "policy", "--", *names], _ASK_TIMEOUT).out
        known, name = set(), ""
        for line in out.splitlines():
            if not line.startswith(" "):
                name = line.rstrip(":")
            elif line.strip().startswith("Candidate:") and "(none)" not in line:
                known.add(name)
        return [name for name in names if name not in known]

    def has_lists(self) -> bool:
        """Tell whether the sources' lists were ever read."""
        return any("_Packages" in name for name in list_dir(self._lists))

    def refresh(self, lock: HostLock, timeout: float) -> str:
        """Read the sources' lists anew; return what went wrong, if anything did."""
        argv = ["apt-get", *self._OPTIONS, "-o", "APT::Update::Error-Mode=any", "update"]
        answer = self._run(argv, lock, timeout, self._ENVIRONMENT, "reads the lists of packages")
        return reason_of(answer.err) if answer.problem else ""

    def read_lists(self, lock: HostLock, timeout: float) -> str:
        """Read the sources' lists anew; return what went wrong, if anything did."""
        return self.refresh(lock, timeout)

    def predict(self, names: Sequence[str]) -> str:
        """Return why the packages could not be installed, as far as the lists say."""
        if not self.has_lists():
            return ""
        argv = ["apt-get", "-s", "-q", "--no-remove", "install", "--", *names]
        answer = run(argv, _ASK_TIMEOUT)
        return reason_of(answer.err) if answer.problem else ""

    def install(
        self,
        names: Sequence[str],
        lock: HostLock,
        timeout: float,
        quiet: Optional[Mapping[str, str]] = None,
    ) -> str:
        """Install packages; return what went wrong, if anything did.

        ``quiet`` is the environment in which packages start nothing; then those that are merely
        recommended stay away.
        """
        environment = {**self._ENVIRONMENT, **(quiet or {})}
        # What a run left that was cut off is done first, or apt-get refuses.
        self._run(["dpkg", "--force-confold", "--configure", "-a"], lock, timeout, environment)
        keep = ["-o", "Dpkg::Options::=--force-confold", "--no-remove"]
        keep += ["--no-install-recommends"] if quiet else []
        argv = ["apt-get", *self._OPTIONS, *keep, "install", "--", *names]
        answer = self._run(argv, lock, timeout, environment, f"installs {', '.join(names)}")
        return (reason_of(answer.err) or answer.problem) if answer.problem else ""


class Dnf(_Manager):
    """EL's dnf and rpm."""

    def missing(self, names: Sequence[str]) -> List[str]:
        """Return the packages that are not installed."""
        argv = ["rpm", "-q", "--qf", "%{NAME}\\n", "--", *names]
        there = set(run(argv, _ASK_TIMEOUT).out.split("\n"))
        return [name for name in names if name not in there]

    def unknown(self, names: Sequence[str]) -> List[str]:
        """Return nothing: dnf reads the lists itself when they are old."""
        del names
        return []

    def has_lists(self) -> bool:
        """Tell that nothing is known before dnf has run."""
        return False

    def refresh(self, lock: HostLock, timeout: float) -> str:
        """Do nothing, for the same reason."""
        del lock, timeout
        return ""

    def read_lists(self, lock: HostLock, timeout: float) -> str:
        """Read the repositories' metadata anew, also where they are not old."""
        # With -q it would not say which repositories it leaves out, and that is no failure to it.
        argv = ["dnf", "-y", "makecache", "--refresh"]
        answer = self._run(argv, lock, timeout, what="reads the lists of packages")
        return unread_repositories(answer.out, answer.problem)

    def predict(self, names: Sequence[str]) -> str:
        """Return nothing: what dnf would do is known only when it has read the lists."""
        del names
        return ""

    def install(
        self,
        names: Sequence[str],
        lock: HostLock,
        timeout: float,
        quiet: Optional[Mapping[str, str]] = None,
    ) -> str:
        """Install packages; return what went wrong, if anything did."""
        weak = ["--setopt=install_weak_deps=False"] if quiet else []
        argv = ["dnf", "-q", "-y", *weak, "install", "--", *names]
        answer = self._run(argv, lock, timeout, what=f"installs {', '.join(names)}")
        return (reason_of(answer.err) or answer.problem) if answer.problem else ""


def unread_repositories(said: str, problem: str) -> str:
    """Return why ``dnf makecache`` could not read all repositories, nothing where it could.

    ``problem`` is how it ended, if not well.
    """
    lines = [line.strip() for line in said.splitlines()]
    left_out = [line for line in lines if line.startswith("Ignoring repositories:")]
    if not problem and not left_out:
        return ""
    errors = [line.partition(":")[2].strip() for line in lines if line.startswith("Error:")]
    return clean(". ".join([*errors[-1:], *left_out]) or problem, 300).rstrip(".")


def reason_of(text: str) -> str:
    """Return the line that says why a package manager gave up, from what it printed."""
    lines = [line.strip() for line in text.splitlines()]
    errors = [line[2:].strip() for line in lines if line.startswith(("E:", "W:"))]
    errors = [line for line in errors if not line.startswith(_ADVICE)] or errors
    dnf = [line.partition(":")[2].strip() for line in lines if line.startswith("Error:")]
    said = (errors or [line for line in dnf if line] or [last_line(text)])[-1]
    return clean(said, 300).rstrip(".")
