"""``orch-ansible completion``: the script that makes the shell complete names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from adapter.cli.context import Verb

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=Verb)
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion for your shell.

    It completes verbs, hosts, labels, services, daemons, OSDs, disks and jobs, as read last.

    \b
    Example:
      orch-ansible completion bash > ~/.local/share/bash-completion/completions/orch-ansible
      orch-ansible completion fish > ~/.config/fish/completions/orch-ansible.fish
      eval "$(orch-ansible completion zsh)"
    """
    click.echo(completion_script(context.find_root().command, shell))


def completion_script(command: click.Command, shell: str) -> str:
    """Return what a shell loads to complete the words of ``orch-ansible``."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}.")
    return found(command, {}, "orch-ansible", "_ORCH_ANSIBLE_COMPLETE").source()
