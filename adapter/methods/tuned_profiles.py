"""Tuned profiles: ``ceph orch tuned-profile ...``."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from adapter.cluster.tuned_hosts import hosts_of
from adapter.cluster.tuned_profiles import TunedProfile
from adapter.cluster.tuned_settings import (
    check_key,
    check_name,
    check_placement,
    check_settings,
    unknown_keys,
)
from adapter.cluster.tuning import words_of_clash
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import AdapterError, InvalidValue, JobFailed, some_of
from adapter.interface import PlacementSpec, TunedProfileSpec
from adapter.methods._method import method
from adapter.reconcile import Reconciler
from adapter.state_lock import under_lock

SHOWN = 10


class TunedProfileMethods:
    """The methods of tuned profiles, on a ``Core``.

    A profile is kept before the answer, and hosts are brought to it at once. The answer waits some
    seconds for what hosts refuse; the profile is kept then too, and health names the hosts.
    """

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @method
    def apply_tuned_profiles(
        self, specs: Sequence[TunedProfileSpec], no_overwrite: bool = False
    ) -> str:
        """Keep profiles; ``no_overwrite`` leaves those alone that are there.

        All are checked before the first is kept. Without any, hosts are brought to what is kept.
        """
        core = self.core
        core.check_holds()
        said: List[str] = []
        profiles: Dict[str, TunedProfile] = {}
        with core.lock:
            for spec in specs:
                name = check_name(spec.profile_name)
                if no_overwrite and core.tuned.has(name):
                    said.append(f"The tuned profile {name} is there already and stays as it is")
                    continue
                if name in profiles:
                    raise InvalidValue("profile_name", name, "it is given twice", "Give it once.")
                profiles[name] = self._checked(name, spec.placement, spec.settings)
            for profile in profiles.values():
                core.tuned.save(profile)
            said += [f"Saved the tuned profile {name}{self._where(name)}" for name in profiles]
        return self._brought(said, list(profiles))

    @method
    def rm_tuned_profile(self, profile_name: str) -> str:
        """Remove a profile; its settings get what they had before."""
        core = self.core
        core.check_holds()
        with core.lock:
            where = "" if profile_name in core.tuned.problems else self._where(profile_name)
            core.tuned.remove(profile_name)
        return self._brought([f"Removed the tuned profile {profile_name}{where}"], [])

    @method
    def tuned_profile_ls(self) -> List[TunedProfileSpec]:
        """Return all profiles by name; those whose records cannot be used are named by health."""
        with self.core.lock:
            return [profile.to_spec() for profile in self.core.tuned.all()]

    @method
    def tuned_profile_add_setting(self, profile_name: str, setting: str, value: str) -> str:
        """Add or change one setting of a profile."""
        return self.tuned_profile_add_settings(profile_name, {setting: value})

    @method
    def tuned_profile_add_settings(self, profile_name: str, setting: Dict[str, Any]) -> str:
        """Add or change settings of a profile."""
        core = self.core
        core.check_holds()
        given = check_settings(setting)
        if not given:
            raise _no_settings(profile_name)
        with core.lock:
            known = core.tuned.get(profile_name)
            self._keep(known, {**known.settings, **given})
            where = self._where(profile_name)
        words = ", ".join(f"{key} = {value}" for key, value in given.items())
        text = f"The tuned profile {profile_name} sets {words}{where}"
        return self._brought([text], [profile_name])

    @method
    def tuned_profile_rm_setting(self, profile_name: str, setting: str) -> str:
        """Remove one setting of a profile; it gets what it had before."""
        return self.tuned_profile_rm_settings(profile_name, [setting])

    @method
    def tuned_profile_rm_settings(self, profile_name: str, settings: List[str]) -> str:
        """Remove settings of a profile; the last one goes with the profile alone."""
        core = self.core
        core.check_holds()
        with core.lock:
            known = core.tuned.get(profile_name)
            keys = [_key_of(known, each) for each in settings]
            for key in keys:
                if key not in known.settings:
                    reason = f"the tuned profile {profile_name} has no such setting"
                    remedy = f"It has: {some_of(sorted(known.settings), SHOWN)}."
                    raise InvalidValue("setting", key, reason, remedy)
            left = {key: value for key, value in known.settings.items() if key not in keys}
            self._keep(known, left)
            where = self._where(profile_name)
        text = f"The tuned profile {profile_name} no longer sets {', '.join(keys)}{where}"
        return self._brought([text], [profile_name])

    @under_lock
    def _keep(self, known: TunedProfile, settings: Mapping[str, str]) -> None:
        self.core.tuned.save(self._checked(known.name, known.placement, settings, known=True))

    @under_lock
    def _checked(
        self, name: str, placement: PlacementSpec, settings: Mapping[Any, Any], known: bool = False
    ) -> TunedProfile:
        """Return a profile that hosts may have, or raise what is wrong with it.

        The hosts of one that is ``known`` may have left since.
        """
        core = self.core
        if not settings:
            raise _no_settings(name)
        hosts = core.hosts.all()
        profile = TunedProfile(name, placement, check_settings(settings))
        if not known:
            check_placement(placement, [host.hostname for host in hosts])
        selected = hosts_of(profile, hosts)
        # A label may be given to hosts later.
        if not selected and not known and not placement.label:
            text = placement.pretty_str()
            remedy = "`ceph orch host ls` lists hosts and labels."
            raise InvalidValue("placement", text, "it selects no host", remedy)
        self._check_known(profile, selected)
        return profile

    @under_lock
    def _check_known(self, profile: TunedProfile, hosts: Sequence[str]) -> None:
        """Raise for settings that hosts do not have, with the hosts, as far as they have told."""
        unknown: Dict[str, List[str]] = {}
        for host in hosts:
            report = self.core.reports.get(host)
            reported = report.described().get("sysctl_options") if report else None
            keys = unknown_keys(profile.settings, reported if isinstance(reported, dict) else {})
            if keys:
                unknown.setdefault(some_of(keys, SHOWN), []).append(host)
        if unknown:
            words = [f"{keys} on {some_of(names, SHOWN)}" for keys, names in unknown.items()]
            raise AdapterError(
                f"The tuned profile {profile.name} is not kept: there is no {'; no '.join(words)}, "
                "or it cannot be read there.",
                "`sysctl -a` on a host lists its settings.",
            )

    @under_lock
    def _where(self, name: str) -> str:
        """Return on which hosts a profile is, to be added to a sentence."""
        hosts = hosts_of(self.core.tuned.get(name), self.core.hosts.all())
        return f" (hosts: {some_of(hosts, SHOWN)})" if hosts else " (no host has it)"

    def _brought(self, said: Sequence[str], names: Sequence[str]) -> str:
        """Bring hosts to what is kept, and add to the answer what is known of that so far."""
        core, job = self.core, self.reconciler.tune()
        core.wake_event.set()
        if job is not None and job.wait(core.answer_wait):
            # It may have begun before this was kept: another one follows it then.
            job = self.reconciler.tune() or job
            if job.wait(core.answer_wait):
                _check_in_force(said, job, names)
        with core.lock:
            more = self._left_alone()
            clashes = core.tuning.clashes().items()
            more += [words_of_clash(each, hosts) for each, hosts in clashes if {*each} & {*names}]
        if job is not None and not job.is_finished:
            more.append(
                f"job {job.job_id} goes on; `ceph health detail` names each host where it fails"
            )
        note = core.paused_note()
        return "\n".join([*said, *more, *([note] if note else [])])

    @under_lock
    def _left_alone(self) -> List[str]:
        """Return why hosts that lack something are left as they are."""
        resting = self.core.tuning.resting()
        found = [f"host {host} is left as it is: {why}" for host, (_, why) in resting.items()]
        return found[:SHOWN]


def _no_settings(name: str) -> InvalidValue:
    remedy = "To give a profile up, remove it: `ceph orch tuned-profile rm`."
    return InvalidValue("settings", {}, f"the tuned profile {name} would have none", remedy)


def _check_in_force(said: Sequence[str], job: Completion, names: Sequence[str]) -> None:
    """Raise ``JobFailed`` where hosts do not have what is kept of these profiles.

    That another profile is refused is told by health, and by who asked for it.
    """
    found: Dict[str, List[str]] = {}
    for host, outcome in sorted(job.outcomes.items()):
        state = outcome.result.get("tuned_profiles")
        refused = state.get("refused") if isinstance(state, Mapping) else None
        others = isinstance(refused, Mapping) and refused and not {*refused} & {*names}
        if not outcome.status.good and not others:
            found.setdefault(outcome.message or outcome.status.value, []).append(host)
    if found:
        words = [f"{some_of(hosts, SHOWN)}: {text}" for text, hosts in found.items()]
        text = f"{'. '.join(said)}. Not in force on {' '.join(words)}"
        raise JobFailed(job.job_id, text, f"`ceph ansible job show {job.job_id}` shows the job.")


def _key_of(known: TunedProfile, given: str) -> str:
    """Return a setting of a profile as facts have it, or what was given."""
    try:
        return check_key(given)
    except InvalidValue:
        # The answer names the settings that the profile has.
        return given
