"""The ceph-mgr module: lifecycle, and the interface's methods as Ceph calls them."""

from __future__ import annotations

import errno
import functools
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import orchestrator
from mgr_module import CommandResult, HandleCommandResult, MgrModule

from adapter.cluster import osd_answers
from adapter.content import content_root
from adapter.core import Core
from adapter.engine.access import SshAccess
from adapter.engine.switched import SwitchedEngine
from adapter.errors import AdapterError, Defect, NotKept, abridged
from adapter.figures import Figures
from adapter.installed import read_installed
from adapter.interface import (
    HostSpec,
    OrchestratorError,
    SpecValidationError,
    raise_if_exception,
)
from adapter.interface import Orchestrator as OurInterface
from adapter.loop import Loop
from adapter.methods._changes import with_warning
from adapter.mgr import awx_commands, awx_options, awx_where, commands, options
from adapter.mgr.awx_login import AwxFiles
from adapter.mgr.cli_errors import CleanErrors
from adapter.mgr.compat import CommandRegistry, by_name, ceph_error, orchestrator_commands
from adapter.mgr.convert import from_ceph, to_ceph
from adapter.mgr.figures_server import FiguresServer
from adapter.mgr.keys import KEY, KeyStore
from adapter.mgr.progress import ProgressReporter
from adapter.mgr.rados_objects import RadosObjects
from adapter.mgr.refusals import REASONS
from adapter.mgr.store import MonStore
from adapter.orchestrator import AnsibleOrchestrator
from adapter.reconcile.absence import Absence
from adapter.reconcile.left_jobs import LeftJobs
from adapter.settings import Settings

log = logging.getLogger(__name__)

# Methods whose value goes to the caller as it is (contract 2.1).
BARE = ("available", "cancel_completions", "pause", "resume")

# What is wrong with what was asked for: told to who asked, and no matter for the log.
EXPECTED = (OrchestratorError, SpecValidationError, orchestrator.OrchestratorError)

_ = commands, awx_commands  # importing them registers the commands


class MgrMon:
    """The monitors, as the mgr reaches them."""

    def __init__(self, mgr: MgrModule) -> None:
        self._mgr = mgr
        self._objects = RadosObjects(lambda: mgr.rados)

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS; raises ``OrchestratorError``."""
        return self._objects.text(pool, namespace, name)

    def command(self, **arguments: Any) -> str:
        """Run a mon command and return its output; raises ``OrchestratorError`` (ours)."""
        inbuf = arguments.pop("inbuf", None)
        status, out, error = self._mgr.mon_command(arguments, inbuf=inbuf)
        if status:
            text = " ".join(str(error or out).split())
            raise OrchestratorError(f"{arguments['prefix']}: {text}", errno=-abs(status))
        return str(out)

    def service_map(self) -> Dict[str, Any]:
        """Return what daemons outside the maps said of themselves.

        The mgr has it, and its key may not ask for `service dump`.
        """
        return self._mgr.get("service_map") or {}

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return the placement groups; the mgr has them, and may not ask for single OSDs'."""
        rows: List[Dict[str, Any]] = (self._mgr.get("pg_dump") or {}).get("pg_stats") or []
        return rows

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return what the OSDs said last of themselves."""
        rows: List[Dict[str, Any]] = (self._mgr.get("osd_stats") or {}).get("osd_stats") or []
        return rows

    def silent_osds(self, addresses: Mapping[int, osd_answers.Address]) -> Set[int]:
        """Return the OSDs that do not answer at their addresses now."""
        return osd_answers.silent(addresses)

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Ask OSDs to say now how their placement groups are; nobody waits for their answers."""
        words = json.dumps({"prefix": "flush_pg_stats"})
        for osd_id in osd_ids:
            self._mgr.send_command(CommandResult(), "osd", str(osd_id), words, "")


class Module(MgrModule, orchestrator.Orchestrator):  # type: ignore[misc]
    """``ceph orch`` for package-based clusters, by Ansible."""

    MODULE_OPTIONS: ClassVar[List[Any]] = [*options.OPTIONS, *awx_options.OPTIONS]
    CLICommand = CommandRegistry
    NOTIFY_TYPES: ClassVar[List[Any]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._building = threading.Lock()
        self._orchestrator: Optional[AnsibleOrchestrator] = None
        self._stopped = threading.Event()
        self._health: Dict[str, Any] = {}
        self._option_problems: List[str] = []
        self._engine_problems: List[str] = []
        self._records = MonStore(self)
        self.keys: Optional[KeyStore] = None
        self.awx: Optional[AwxFiles] = None
        self.engine: Optional[SwitchedEngine] = None
        self._clean_errors = CleanErrors(
            orchestrator_commands(), self._cleans_errors, lambda: self.ansible.service_list
        )
        self._clean_errors.install()

    @staticmethod
    def can_run() -> Tuple[bool, str]:
        """Tell whether the content is installed beside the package."""
        try:
            content_root()
        except OrchestratorError as error:
            return False, str(error)
        return True, ""

    def _cleans_errors(self) -> bool:
        """Tell whether the errors of ``ceph orch`` are ours to word."""
        return self._is_backend() and bool(self.get_module_option("clean_cli_errors"))

    def _is_backend(self) -> bool:
        """Tell whether the commands of ``ceph orch`` come to this module."""
        backend = self.get_module_option_ex("orchestrator", "orchestrator")
        return bool(backend == self.module_name)

    @property
    def ansible(self) -> AnsibleOrchestrator:
        """Return the orchestrator; calls can come before ``serve``, so the first one builds it."""
        with self._building:
            if self._orchestrator is None:
                self._orchestrator = AnsibleOrchestrator(self._build())
            return self._orchestrator

    def _build(self) -> Core:
        installed = read_installed(content_root())
        state = Path(str(self.get_module_option("state_directory") or installed.state_directory))
        python = str(self.get_module_option("python") or "")
        settings = self._settings(Settings(python=python))
        ssh = SshAccess(state, user=settings.ssh_user, command="ceph ansible")
        self.keys = KeyStore(self, ssh)
        self.keys.place(str(self.get_module_option("ssh_identity_file") or ""))
        self.awx = AwxFiles(self._records, state)
        self.engine = engine = SwitchedEngine(
            state,
            content_root(),
            ssh.files,
            python=python or installed.python,
        )
        self.choose_engine()
        core = Core(
            store=self._records,
            engine=engine,
            ssh=ssh,
            settings=settings,
            actor=f"mgr.{self.get_mgr_id()}",
            cluster=str((self.get("mon_map") or {}).get("fsid") or ""),
            mon=MgrMon(self),
            reports_directory=state / "reports",
        )
        core.hand_overs.take_over()
        return core

    def _settings(self, before: Settings) -> Settings:
        settings, self._option_problems = options.settings(self.get_module_option, before)
        for problem in self._option_problems:
            log.error("an option is left as it was: %s", problem)
        return settings

    def choose_engine(self) -> None:
        """Have jobs run where the options say, with the login that is kept."""
        if self.engine is None or self.awx is None:
            return
        self.awx.place()
        where, self._engine_problems = awx_where.where(
            self.get_module_option, self.awx, self.engine.where
        )
        for problem in self._engine_problems:
            log.error("the engine is left as it was: %s", problem)
        self.engine.use(where)

    def config_notify(self) -> None:
        """Take over changed options."""
        if self._orchestrator is None:
            return
        core = self._orchestrator.core
        if self.keys is not None:
            self.keys.place(str(self.get_module_option("ssh_identity_file") or ""))
        core.configure(self._settings(core.settings))
        self.choose_engine()

    def serve(self) -> None:
        """Run the loop until ``shutdown``."""
        core, reconciler = self.ansible.core, self.ansible.reconciler
        reconciler.absence = Absence(core, reconciler.pending)
        reconciler.left_jobs = LeftJobs(core, core.actor)
        loop = Loop(core, reconciler)
        progress = ProgressReporter(self.remote)
        figures = Figures(core)
        server = FiguresServer(figures.text)

        def after() -> None:
            problems = loop.problems()
            figures.round_done(len(problems))
            server.follow(*options.figures_at(self.get_localized_module_option))
            self._publish(progress, problems, server.problem)

        try:
            loop.run(self._stopped, after=after)
        finally:
            server.close()
            loop.close()

    def shutdown(self) -> None:
        """End ``serve``. Jobs go on without it: the next manager reads what becomes of them."""
        self._stopped.set()
        self._clean_errors.remove()
        if self._orchestrator is not None:
            self._orchestrator.core.wake_event.set()

    def _publish(self, progress: ProgressReporter, problems: List[str], figures: str) -> None:
        core = self.ansible.core
        restarts = self.ansible.reconciler.restarts
        progress.tell(core.engine.jobs(), restarts.under_way(), restarts.events_of)
        with core.lock:
            upgrade = core.upgrades.get()
        progress.tell_upgrade(upgrade)
        self._records.tidy(time.monotonic())
        if self.awx is not None and self.awx.problem:
            self.choose_engine()
        checks = self.ansible.health.checks()
        if problems:
            checks["ANSIBLE_LOOP_FAILED"] = {
                "severity": "warning",
                "summary": "the ansible module cannot do its rounds",
                "count": len(problems),
                "detail": [abridged(problem, 500) for problem in problems],
            }
        wrong = [*self._option_problems, *self._engine_problems, *([figures] if figures else [])]
        if wrong:
            checks["ANSIBLE_BAD_OPTION"] = {
                "severity": "warning",
                "summary": f"{len(wrong)} wrong option(s) of the ansible module",
                "count": len(wrong),
                "detail": [f"mgr/ansible: {problem}" for problem in wrong],
            }
        if checks != self._health:
            self._health = checks
            self.set_health_checks(checks)

    def as_read(self, spec: Any) -> Any:
        """Return a spec; of a host the one in the file, which Ceph's class does not hold whole."""
        command = self._clean_errors.under_way()
        hosts = command.hosts if command is not None else {}
        ours = hosts.get(spec.hostname) if isinstance(spec, HostSpec) else None
        return ours if ours is not None and ours == spec else spec

    def dry_run(self, name: str, named: Mapping[str, Any]) -> Optional[List[Any]]:
        """Return the answer of a method that a dry run calls; None where it is to be called.

        Ceph applies what is for a preview before it asks for the plan, and marks no host. It shows
        only the errors where the plan has one: they are told beside what it shows of the others.
        """
        command = self._clean_errors.under_way()
        if command is None or not command.dry_run or name not in ("apply", "plan"):
            return None
        if name == "apply":
            return []
        rows = self.ansible.previews.preview(named["spec"], no_overwrite=command.no_overwrite)
        command.refused += [row["error"] for row in rows if row.get("error")]
        left = [row for row in rows if not row.get("error")]
        command.planned = bool(left)
        return [each for row in left for each in with_warning(row)]

    def refuses(self, error: OrchestratorError) -> bool:
        """Let the command under way be answered with an error; tell whether there is one."""
        return self._clean_errors.refuse(error)

    def get_feature_set(self) -> Dict[str, Dict[str, bool]]:
        """Tell which methods do something: not those that only refuse."""
        features = super().get_feature_set()
        return {
            name: {**each, "available": each["available"] and name not in UNSUPPORTED}
            for name, each in features.items()
        }

    def store_key(self, text: Optional[str]) -> None:
        """Keep the private key in the mons' key-value store, or remove it; raises ``NotKept``."""
        self._records.set_text(KEY, text)

    def kept_key(self) -> Optional[str]:
        """Return the private key, if there is one."""
        return self._records.get_text(KEY)


def _method(name: str) -> Callable[..., Any]:
    """Return the method of the module that hands a call on to the orchestrator."""

    def bare(self: Module, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self.ansible, name)(*args, **kwargs)
        except NotKept as error:
            if not self.refuses(error):
                raise
        return None

    def guarded(self: Module, *args: Any, **kwargs: Any) -> Any:
        try:
            given = by_name(name, args, kwargs)
            named = {key: from_ceph(each) for key, each in given.items()}
            # What `apply` and `plan` call them.
            for key in ("specs", "spec"):
                if isinstance(named.get(key), list):
                    named[key] = [self.as_read(each) for each in named[key]]
            result = self.dry_run(name, named)
            if result is None:
                result = raise_if_exception(getattr(self.ansible, name)(**named))
            return orchestrator.OrchResult(to_ceph(result))
        except Exception as error:
            if isinstance(error, (*EXPECTED, NotImplementedError)):
                return orchestrator.OrchResult(None, exception=ceph_error(error))
            log.exception("%s failed", name)
            return orchestrator.OrchResult(None, exception=ceph_error(Defect(name, error)))

    handed_on = getattr(AnsibleOrchestrator, name)
    method: Callable[..., Any] = functools.wraps(handed_on)(bare if name in BARE else guarded)
    return method


def _implemented() -> List[str]:
    """Return the methods that ours defines beyond the interface and the running Ceph has."""
    return [
        name
        for name in vars(orchestrator.Orchestrator)
        if not name.startswith("_")
        and hasattr(AnsibleOrchestrator, name)
        and getattr(AnsibleOrchestrator, name) is not getattr(OurInterface, name, None)
    ]


def _unsupported() -> List[str]:
    """Return the methods that the running Ceph has and ours does not define."""
    kept = (*_implemented(), "is_orchestrator_module", "get_feature_set")
    return [
        name
        for name, each in vars(orchestrator.Orchestrator).items()
        if not name.startswith("_") and callable(each) and name not in kept
    ]


def _refusal(name: str) -> Callable[..., Any]:
    """Return a method that answers what the interface's own one raises.

    What is raised through the call of another module is a crash of this one in Ceph's eyes.
    """

    def refuse(self: Module, *args: Any, **kwargs: Any) -> Any:
        text = f"{name} is not supported by the backend {self.module_name}"
        if name in REASONS:
            error = ceph_error(AdapterError(f"{name}: {REASONS[name]}"))
            return orchestrator.OrchResult(None, exception=error)
        if name == "set_unmanaged_flag":
            return HandleCommandResult(-errno.ENOENT, stderr=text)
        return orchestrator.OrchResult(None, exception=NotImplementedError(text))

    return functools.wraps(getattr(orchestrator.Orchestrator, name))(refuse)


UNSUPPORTED = frozenset(_unsupported())
for _name in _implemented():
    setattr(Module, _name, _method(_name))
for _name in UNSUPPORTED:
    setattr(Module, _name, _refusal(_name))
