# ruff: noqa: I002 -- Ceph reads annotations of command handlers as objects, not as strings
"""What differs between Ceph's versions. The only place that knows.

Sources: contract 2.10 (registration of commands), 2.1 (sign of errno), 0.8 (parameters).
"""

import functools
import inspect
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

import mgr_module
import orchestrator
from mgr_module import HandleCommandResult

from adapter.interface import OrchestratorError as OurError

Handler = Callable[..., Any]

try:  # 20.2: every module has a registry of its own, a subtype with COMMANDS.
    from orchestrator import OrchestratorCLICommandBase

    CommandRegistry: Any = OrchestratorCLICommandBase.make_registry_subtype("AnsibleCLICommand")
    # ... and what one module hands to another is pickled.
    REMOTE_PICKLES = True
except ImportError:  # 16 and 18: one registry per interpreter, objects handed over themselves.
    CommandRegistry = mgr_module.CLICommand
    REMOTE_PICKLES = False


def _answer(handler: Handler) -> Handler:
    """Turn errors into one line on stderr and a negative status, on every version."""

    @functools.wraps(handler)
    def answer(*args: Any, **kwargs: Any) -> HandleCommandResult:
        try:
            return HandleCommandResult(stdout=handler(*args, **kwargs))
        except (orchestrator.OrchestratorError, OurError) as error:
            return HandleCommandResult(-abs(error.errno), stderr=str(error))

    return answer


def _register(prefix: str, permission: str, handler: Handler) -> Handler:
    # Ceph counts annotations to tell which arguments have defaults, and expects none on the first
    # parameter (its own is `self`). A wrong count breaks every `ceph` command of the cluster.
    handler.__annotations__ = {
        name: kind for name, kind in handler.__annotations__.items() if name != "mgr"
    }
    answer = _answer(handler)
    # 16 reads the parameters of what it is given, and sees none of what is wrapped.
    answer.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    registered: Handler = CommandRegistry(prefix, permission)(answer)
    return registered


def read_command(prefix: str) -> Callable[[Handler], Handler]:
    """Register a handler that only reads. It returns the text for stdout."""
    return lambda handler: _register(prefix, "r", handler)


def write_command(prefix: str) -> Callable[[Handler], Handler]:
    """Register a handler that changes something. It returns the text for stdout."""
    return lambda handler: _register(prefix, "rw", handler)


def ceph_error(error: BaseException) -> Exception:
    """Return an error as callers in other modules can read it.

    It must be a class that they can import and pickle, with a negative errno: 16 and 18 hand the
    sign through to the client, which takes a positive one for success (contract 2.1).
    """
    number = getattr(error, "errno", None)
    kinds = {kind.__name__: kind for kind in (type(error), *type(error).__mro__)}
    chosen: Any = orchestrator.OrchestratorError
    if "OrchestratorValidationError" in kinds:
        chosen = orchestrator.OrchestratorValidationError
    if isinstance(error, NotImplementedError):
        return NotImplementedError(str(error))
    if isinstance(number, int) and number:
        answer: Exception = chosen(str(error), errno=-abs(number))
    else:
        answer = chosen(str(error) or type(error).__name__)
    return answer


def by_name(name: str, args: Sequence[Any], named: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a call's arguments by the names that the running Ceph gives them.

    Their order differs between 18 and 20 (contract 0.8), so ours are only called by name. What a
    caller leaves out is ours to complete: the dashboard gives `remove_host` the host alone, where
    Ceph's own signature has no default for the rest.
    """
    function = getattr(orchestrator.Orchestrator, name)
    bound = inspect.signature(function).bind_partial(None, *args, **named)
    return dict(list(bound.arguments.items())[1:])


def orchestrator_commands() -> Any:
    """Return the class whose ``call`` runs the commands of ``ceph orch``; None if out of reach.

    On 16 and 18 the orchestrator module is in an interpreter of its own, and what is imported
    here is a copy. None also where the class is not as it is known, or is stood in front of.
    """
    commands = getattr(orchestrator.OrchestratorCli, "CLICommand", None)
    call = getattr(commands, "call", None)
    if not REMOTE_PICKLES or call is None or "call" in vars(commands):
        return None
    return commands if [*known_parameters(call)] == ["self", "mgr", "cmd_dict", "inbuf"] else None


def known_parameters(function: Optional[Handler]) -> Any:
    """Return the parameters of one of Ceph's own functions, to pass only what it has."""
    return inspect.signature(function).parameters if function else {}
