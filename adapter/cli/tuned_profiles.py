"""``orch-ansible tuned-profile ...``: kernel settings of hosts without a manager."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TextIO

import click

from adapter.cli.changing import changing
from adapter.cli.context import Context, Verb, VerbGroup, pass_context
from adapter.cli.names import complete_tuned_profile
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import Session
from adapter.cli.verbs import check_option, print_check
from adapter.cluster.spec_file import read_spec_file
from adapter.errors import InvalidValue, JobError
from adapter.interface import (
    PlacementSpec,
    SpecValidationError,
    TunedProfileSpec,
    raise_if_exception,
)


@click.group("tuned-profile", cls=VerbGroup)
def tuned_profile() -> None:
    """Keep kernel settings (sysctl) on hosts, and put back what they had before."""


_name = click.argument("name", metavar="NAME", shell_complete=complete_tuned_profile)


@tuned_profile.command("apply", cls=Verb)
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_tuned_profile)
@click.option("-i", "--in-file", "file", type=click.File("r"), help="The profiles, as YAML; or -.")
@click.option("--placement", help="The hosts: names, label:LABEL or a pattern; all if not given.")
@click.option("--settings", metavar="KEY=VALUE,...", help="The kernel settings.")
@click.option("--no-overwrite", is_flag=True, help="Leave profiles alone that are there.")
@check_option
@pass_context
def apply(
    context: Context,
    name: Optional[str],
    file: Optional[TextIO],
    placement: Optional[str],
    settings: Optional[str],
    no_overwrite: bool,
    check: bool,
) -> None:
    """Keep profiles, and bring their hosts to them.

    The file is that of `ceph orch tuned-profile apply -i`. With nothing given, hosts are brought to
    the profiles that are kept: after a label has changed, or a host was off.

    \b
    Example:
      orch-ansible tuned-profile apply net --settings net.core.somaxconn=4096
      orch-ansible tuned-profile apply -i profiles.yml --check
    """
    specs = _specs(name, file, placement, settings)
    with changing(context, "tuned-profile apply", check=check) as session:
        _change(session, "apply_tuned_profiles", specs, no_overwrite)


def _specs(
    name: Optional[str], file: Optional[TextIO], placement: Optional[str], settings: Optional[str]
) -> List[TunedProfileSpec]:
    if file is not None:
        if name or placement or settings:
            raise SpecValidationError("-i takes everything from the file; allowed: -i FILE alone")
        try:
            found = read_spec_file(file.read(), read=TunedProfileSpec.from_json, lists=True)
        except UnicodeDecodeError:
            raise SpecValidationError(f"{file.name} is not UTF-8 text") from None
        if found.errors:
            raise SpecValidationError("; ".join(found.errors))
        if not found.specs:
            raise SpecValidationError(f"no profile in {file.name}; allowed: at least one")
        return [each for each in found.specs if isinstance(each, TunedProfileSpec)]
    if not name and (placement or settings):
        raise SpecValidationError("no profile is named; allowed: NAME or -i FILE")
    if not name:
        return []
    where = PlacementSpec.from_string(placement) if placement else None
    return [TunedProfileSpec(name, where, _pairs(settings or ""))]


def _pairs(text: str) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        key, separator, value = pair.partition("=")
        if not separator:
            raise InvalidValue("settings", pair, "it has no '='", "Give KEY=VALUE,KEY=VALUE.")
        found[key.strip()] = value.strip()
    return found


@tuned_profile.command("ls", cls=Verb)
@format_option
@pass_context
def ls(context: Context, form: str) -> None:
    """List the profiles with their placements and settings.

    \b
    Example:
      orch-ansible tuned-profile ls
      orch-ansible tuned-profile ls -f yaml
    """
    with Session(context) as session:
        found = raise_if_exception(session.orchestrator.tuned_profile_ls())
        data = [profile.to_json() for profile in found]
        print_data(data, "\n".join(line for each in found for line in _lines(each)), form)
        for name, problem in sorted(session.core.tuned.problems.items()):
            context.say(f"The record tuned_profile.{name} is left out: {problem}")


def _lines(profile: TunedProfileSpec) -> List[str]:
    return [
        f"profile_name: {profile.profile_name}",
        f"placement: {profile.placement.pretty_str()}",
        "settings:",
        *(f"  {key}: {value}" for key, value in sorted(profile.settings.items())),
        "---",
    ]


@tuned_profile.command("rm", cls=Verb)
@_name
@check_option
@pass_context
def rm(context: Context, name: str, check: bool) -> None:
    """Remove a profile; its settings get what they had before.

    \b
    Example:
      orch-ansible tuned-profile rm net
    """
    with changing(context, f"tuned-profile rm {name}", check=check) as session:
        _change(session, "rm_tuned_profile", name)


@tuned_profile.command("add-setting", cls=Verb)
@_name
@click.argument("setting", metavar="SETTING")
@click.argument("value", metavar="VALUE")
@check_option
@pass_context
def add_setting(context: Context, name: str, setting: str, value: str, check: bool) -> None:
    """Add or change a setting of a profile.

    \b
    Example:
      orch-ansible tuned-profile add-setting net net.core.somaxconn 8192
    """
    with changing(context, f"tuned-profile add-setting {name}", check=check) as session:
        _change(session, "tuned_profile_add_setting", name, setting, value)


@tuned_profile.command("rm-setting", cls=Verb)
@_name
@click.argument("setting", metavar="SETTING")
@check_option
@pass_context
def rm_setting(context: Context, name: str, setting: str, check: bool) -> None:
    """Remove a setting of a profile; it gets what it had before.

    \b
    Example:
      orch-ansible tuned-profile rm-setting net net.core.somaxconn
    """
    with changing(context, f"tuned-profile rm-setting {name}", check=check) as session:
        _change(session, "tuned_profile_rm_setting", name, setting)


def _change(session: Session, method: str, *arguments: Any) -> None:
    """Read the hosts, change the profile, and bring about on them what follows."""
    session.read_answering("get_facts")
    before, reads = session.records(), len(session.engine.submitted)
    said, refused = "", None
    try:
        said = session.call(getattr(session.orchestrator, method), *arguments)
    except JobError as error:
        # What is kept is kept: the profile's other hosts are still to be waited for.
        refused = error
    failed = session.settle()
    if session.check:
        print_check(session, before, session.engine.submitted[reads:])
    elif said:
        click.echo(own_words(str(said)))
    if refused is not None:
        raise refused
    if failed:
        raise failed
