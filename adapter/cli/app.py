"""The command's root: options for all verbs, one line for every error, exit statuses.

0 is success, 1 an operation that failed on a host (or a world that is not as it must be), 2 wrong
usage or a value that is refused.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any, List, NoReturn, Optional, Sequence

import click

from adapter import __version__
from adapter.cli.adopt import adopt
from adapter.cli.awx import awx
from adapter.cli.completion import completion
from adapter.cli.context import VerbGroup, common_options
from adapter.cli.daemon_verbs import daemon
from adapter.cli.daemons import ps, status
from adapter.cli.devices import device
from adapter.cli.host_drains import drain
from adapter.cli.invoker import invoker
from adapter.cli.jobs import job
from adapter.cli.keys import key
from adapter.cli.maintenance import host
from adapter.cli.mgr import mgr
from adapter.cli.osds import osd
from adapter.cli.output import printable
from adapter.cli.services import apply, ls, rm
from adapter.cli.session import JobsFailed
from adapter.cli.tuned_profiles import tuned_profile
from adapter.cli.upgrading import upgrade
from adapter.errors import HostUnreachable, JobError, NotReady
from adapter.interface import OrchestratorError, SpecValidationError

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
# click 8.1 prints the help by itself.
NO_WORDS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
WORLD = (HostUnreachable, NotReady, JobError)


class Root(VerbGroup):
    """The group of all verbs; nothing escapes it as a traceback unless ``--debug`` asks for it."""

    def main(
        self,
        args: Optional[Sequence[str]] = None,
        prog_name: Optional[str] = None,
        complete_var: Optional[str] = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command and exit."""
        words: List[str] = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        status = 0
        try:
            found = super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
            status = found if isinstance(found, int) else 0
        except NO_WORDS as error:
            click.echo(error.format_message())
            status = REFUSED
        except click.ClickException as error:
            status = _tell(_usage(error), debug, REFUSED)
        except (click.Abort, KeyboardInterrupt):
            status = _tell("stopped", debug, INTERRUPTED)
        except OrchestratorError as error:
            status = _tell(str(error), debug, FAILED if isinstance(error, WORLD) else REFUSED)
        except SpecValidationError as error:
            status = _tell(str(error), debug, REFUSED)
        except JobsFailed as error:
            for line in error.lines:
                status = _tell(line, debug, FAILED)
        except OSError as error:
            status = _tell(_os_reason(error), debug, FAILED)
        except Exception as error:  # noqa: BLE001 -- the last line of defence of a command
            hint = "This is a mistake in orch-ansible; --debug shows where"
            status = _tell(f"{type(error).__name__}: {error}. {hint}", debug, FAILED)
        sys.exit(status)


def _tell(line: str, debug: bool, status: int) -> int:
    if debug:
        traceback.print_exc()
    click.echo(printable(f"orch-ansible: {' '.join(line.split())}"), err=True)
    return status


def _usage(error: click.ClickException) -> str:
    text = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None:
        return text
    path = context.command_path.partition(" ")[2]
    return f"{path + ': ' if path else ''}{text} See `{context.command_path} --help`."


def _os_reason(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}"


@click.group(
    cls=Root,
    params=common_options(hidden=False),
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__)
def root() -> None:
    """\b
    Try it on this machine, without root or Ceph:  orch-ansible device ls
    Your own hosts:  orch-ansible key generate, then  orch-ansible host add NAME ADDR

    Hosts, disks and services of package-based Ceph clusters, managed by Ansible: the verbs of
    `ceph orch` without a manager. `orch-ansible mgr` puts the same into Ceph's manager.
    """


COMMANDS = (
    *(adopt, host, device, osd, apply, ls, ps, rm),
    *(daemon, tuned_profile, upgrade, status, key, job, mgr, awx, invoker, completion),
)
host.add_command(drain)
for _command in COMMANDS:
    root.add_command(_command)
