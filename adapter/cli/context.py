"""What every verb shares: options that stand before or behind it, and the outside world."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, List, Optional

import click

from adapter.awx import settings as awx_settings
from adapter.awx.for_engine import place_of
from adapter.cli.ceph import Ceph, Pause, until
from adapter.cli.config import ENGINES, Config
from adapter.cli.content import usable_content
from adapter.cli.driver import POLL
from adapter.cli.place import Place
from adapter.engine.access import SshAccess
from adapter.engine.awx import AwxEngine
from adapter.engine.base import Engine
from adapter.engine.local import LocalEngine

DEFAULT_DIRECTORY = "~/.orch-ansible"
EPILOG = "Every verb also takes --dir DIR, --engine ENGINE, --no-progress, --verbose and --debug."


def ssh_access(directory: Path, settings: Config) -> SshAccess:
    """Return ssh on the files below ``directory``, with the key that the settings name."""
    access = SshAccess(directory, user=settings.settings.ssh_user)
    if settings.ssh_identity_file:
        access.use_identity(settings.ssh_identity_file)
    return access


def local_engine(directory: Path, access: SshAccess, settings: Config) -> Engine:
    """Return the engine that keeps its jobs in ``directory``, and runs them where it is set."""
    content = usable_content(directory)
    if settings.engine == "awx":
        place = place_of(awx_settings.load(directory / awx_settings.FILE))
        return AwxEngine(directory, content, access.files, python=settings.python, place=place)
    return LocalEngine(directory, content, access.files, python=settings.python)


@dataclass
class Environment:
    """What lies outside of the command; tests give their own."""

    ceph: Ceph = field(default_factory=Ceph)
    pause: Pause = time.sleep
    clock: Callable[[], float] = time.monotonic
    # How often (seconds) jobs are looked after.
    poll: float = POLL
    place: Callable[..., Place] = Place
    access: Callable[..., Any] = ssh_access
    engine: Callable[..., Engine] = local_engine

    def until(self, done: Callable[[], bool], seconds: float) -> str:
        """Ask again and again until ``done``; return nothing, or the last reason why not."""
        return until(done, seconds, pause=self.pause, clock=self.clock)


@dataclass
class Context:
    """The options for all verbs, and the environment."""

    environment: Environment = field(default_factory=Environment)
    directory: Path = field(default_factory=lambda: Path(DEFAULT_DIRECTORY).expanduser())
    progress: bool = True
    verbose: bool = False
    # Empty: the one that the settings name.
    engine: str = ""

    @property
    def path(self) -> Path:
        """Return the directory without ``~``."""
        return self.directory.expanduser().absolute()

    def say(self, line: str) -> None:
        """Tell the operator something that is not the answer."""
        click.echo(line, err=True)


pass_context = click.make_pass_decorator(Context, ensure=True)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback that keeps an option wherever it stands; the last one given holds."""

    def keep(context: click.Context, _: click.Parameter, value: Any) -> Any:
        if value is not None:
            setattr(context.ensure_object(Context), name, value)
        return value

    return keep


def common_options(*, hidden: bool) -> List[click.Option]:
    """Return the options that every verb takes."""
    return [
        click.Option(
            ["--dir", "directory"],
            envvar=None if hidden else "ORCH_ANSIBLE_DIR",
            type=click.Path(path_type=Path, file_okay=False),
            callback=_keep("directory"),
            expose_value=False,
            hidden=hidden,
            help="Where hosts, settings and jobs are kept "
            f"(also ORCH_ANSIBLE_DIR; {DEFAULT_DIRECTORY} if not given).",
        ),
        click.Option(
            ["--progress/--no-progress"],
            default=None,
            callback=_keep("progress"),
            expose_value=False,
            hidden=hidden,
            help="Show what a running job does, on a terminal.",
        ),
        click.Option(
            ["--verbose"],
            is_flag=True,
            default=None,
            callback=_keep("verbose"),
            expose_value=False,
            hidden=hidden,
            help="Show what the job's playbook prints.",
        ),
        click.Option(
            ["--engine"],
            type=click.Choice(ENGINES),
            callback=_keep("engine"),
            expose_value=False,
            hidden=hidden,
            help="Where jobs run: on this machine, or in the AWX of awx.yml (docs/awx.md).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            hidden=hidden,
            help="Show where an error comes from.",
        ),
    ]


class Verb(click.Command):
    """A verb; it takes the options for all verbs too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("epilog", EPILOG)
        super().__init__(*args, **kwargs)
        self.params += common_options(hidden=True)


class VerbGroup(click.Group):
    """A group of verbs."""

    command_class = Verb
    group_class = type


class DefaultGroup(VerbGroup):
    """A group of verbs; where the first word is none of them, it is another command."""

    def __init__(self, name: str, *, default: click.Command) -> None:
        super().__init__(name, help=default.help)
        self.default = default

    def collect_usage_pieces(self, ctx: click.Context) -> List[str]:
        """Return how the other command is used: it comes first in the help."""
        return self.default.collect_usage_pieces(ctx)

    def make_context(
        self,
        info_name: Optional[str],
        args: List[str],
        parent: Optional[click.Context] = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the verb, or of the other command."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self.default.make_context(info_name, args, parent, **extra)
