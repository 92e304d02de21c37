"""Have the tuned profiles on a host that it shall have, and no others of ours.

A profile is on a host as a whole or as it was before. What the kernel refuses takes back what this
run has set, and the profile's file stays as it is; the other profiles go on.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ..system.sysctl import Kernel, Refused, same
from .tuned_files import (
    Setting,
    TunedFiles,
    clashes,
    effective,
    later_than,
    set_by,
    text_of,
)
from .tuned_memory import Memory

FOREIGN_FILE = "is somebody else's file: move it away"
Profiles = Mapping[str, Mapping[str, str]]


class _Refusal(NamedTuple):
    profile: str
    text: str


class TunedProfiles:
    """The profiles of one host. ``cluster`` is the fsid, which stands in the files.

    ``refused`` says by profile why it is not in force, ``notes`` what else somebody has to know.
    Raises ``OSError``.
    """

    def __init__(
        self, kernel: Kernel, files: TunedFiles, memory: Memory, cluster: str, check_mode: bool
    ) -> None:
        self._kernel, self._files, self._memory = kernel, files, memory
        self._cluster, self._check = cluster, check_mode
        self._there, self._others = self._files.ours(), self._files.others()
        self.refused: Dict[str, List[str]] = {}
        self.notes: List[str] = []
        # What could not be put back, and what is left as it is, by key.
        self.unrestored: Dict[str, str] = {}
        self._kept: Dict[str, str] = {}
        # Settings that are not ours any more.
        self._left: List[str] = []
        self.changed = False
        self.diff: List[Dict[str, str]] = []
        # What the kernel has now by key: of profiles, and of what was put back.
        self.values: Dict[str, str] = {}
        self.restored: Dict[str, str] = {}
        self._before: Dict[str, str] = {}

    def apply(self, wanted: Profiles) -> None:
        """Bring the host to exactly these profiles."""
        accepted = self._accepted(wanted)
        while True:
            settings = effective(accepted)
            # First: what a setting had before is not what a profile that goes has made of it.
            self._put_back(settings)
            refusal = self._set(settings)
            if refusal is None:
                break
            self._take_back()
            self._refuse(refusal.profile, refusal.text)
            accepted = self._without(accepted, refusal.profile)
        self._note(accepted, settings)
        self._write(accepted)
        for key in self._left:
            self._memory.forget(key)
        self.notes += self._kept.values()
        self._keep_memory()
        self._describe()

    def release(self) -> None:
        """Take all profiles away, and put back what the settings had; say what cannot be."""
        self.apply({})
        self.notes += self.unrestored.values()
        for key in list(self._memory.before):
            self._memory.forget(key)
        self._keep_memory()

    def _accepted(self, wanted: Profiles) -> Dict[str, Mapping[str, str]]:
        """Return the profiles that can be tried; of the others what is there of them."""
        found: Dict[str, Mapping[str, str]] = {}
        for name, settings in wanted.items():
            problems = [text for key in sorted(settings) for text in self._problems(key)]
            if self._files.is_taken(name):
                path = self._files.path(name)
                problems.append(f"{path} {FOREIGN_FILE}")
            for text in problems:
                self._refuse(name, text)
            if not problems:
                found[name] = settings
            elif name in self._there:
                found[name] = self._there[name]
        return found

    def _problems(self, key: str) -> List[str]:
        if self._kernel.read(key) is None:
            known = self._kernel.exists(key)
            return [f"{key} cannot be read back" if known else f"the kernel has no setting {key}"]
        if not self._kernel.is_writable(key):
            return [f"{key} can only be read (the kernel has {self._kernel.read(key)})"]
        return []

    def _refuse(self, profile: str, text: str) -> None:
        self.refused.setdefault(profile, []).append(text)

    def _without(
        self, accepted: Dict[str, Mapping[str, str]], profile: str
    ) -> Dict[str, Mapping[str, str]]:
        """Return the profiles with what was there of a refused one, or without it."""
        left = dict(accepted)
        old = self._there.get(profile)
        if old is not None and accepted[profile] != old:
            left[profile] = old
        else:
            del left[profile]
        return left

    def _set(self, settings: Mapping[str, Setting]) -> Optional[_Refusal]:
        """Set what differs; return the first refusal, or None."""
        todo: Dict[str, Setting] = {}
        for key, setting in settings.items():
            has = self._kernel.read(key)
            if has is None:
                return _Refusal(setting.source, f"the kernel has no setting {key}")
            self.values[key] = has
            self.restored.pop(key, None)
            if not same(has, setting.value):
                todo[key] = setting
                self._before.setdefault(key, has)
                self._memory.remember(key, has, setting.value)
            else:
                # It is ours from now on, also where nothing had to be changed.
                self._memory.remember(key, has, has)
                self._memory.settle(key, has)
        if self._check:
            self.values.update({key: setting.value for key, setting in todo.items()})
            return None
        if todo:
            self._memory.save()
        return self._write_values(todo) or self._read_back(settings, todo)

    def _write_values(self, todo: Mapping[str, Setting]) -> Optional[_Refusal]:
        for key in sorted(todo):
            profile, value = todo[key]
            try:
                self.values[key] = self._kernel.write(key, value)
            except Refused as refused:
                has = f"the kernel has {refused.has}"
                return _Refusal(profile, f"{key} = {value}: {refused.why} ({has})")
            self._memory.settle(key, self.values[key])
        return None

    def _read_back(
        self, settings: Mapping[str, Setting], todo: Mapping[str, Setting]
    ) -> Optional[_Refusal]:
        """Return a setting that another one has changed since it was set.

        A profile that was in force already stays so: what has changed it is refused.
        """
        new = sorted({setting.source for setting in todo.values()})
        for key, (profile, value) in settings.items():
            has = self._kernel.read(key) or ""
            if same(has, value):
                continue
            if new and profile not in new:
                what = f"{key} = {value} of the profile {profile}"
                return _Refusal(new[-1], f"its settings change {what} (the kernel has {has} then)")
            why = f"another setting changes it (the kernel has {has})"
            return _Refusal(profile, f"{key} = {value}: {why}")
        return None

    def _take_back(self) -> None:
        """Give the settings what they had when this run began."""
        for key, value in self._before.items():
            has = self._kernel.read(key)
            if has is None or same(has, value):
                continue
            try:
                self._kernel.write(key, value)
            except Refused as refused:
                why = f"{refused.why} (it has {refused.has})"
                self.unrestored[key] = f"{key} cannot be given back {value}: {why}"
        self.values.clear()

    def _note(self, accepted: Profiles, settings: Mapping[str, Setting]) -> None:
        """Say which profiles differ in a setting, and which files of others are read later."""
        for text in clashes(accepted):
            self.notes.append(text)
        for key, (profile, value) in sorted(settings.items()):
            found = later_than(self._others, profile, key, value)
            if found is not None:
                self.notes.append(
                    f"{found.source} sets {key} = {found.value} and is read after the profile "
                    f"{profile}: that holds when the host has started, until it is looked at"
                )

    def _write(self, accepted: Profiles) -> None:
        """Write the files that differ, and remove those of no profile."""
        for name in sorted({*accepted, *self._there}):
            settings = accepted.get(name)
            if settings is not None and name in self.refused:
                # As it was before.
                continue
            before = self._files.text(name) if name in self._there else ""
            after = "" if settings is None else text_of(name, settings, self._cluster)
            if before == after:
                continue
            self._differs(before, after, self._files.path(name))
            if self._check:
                continue
            if settings is None:
                self._files.remove(name)
            else:
                self._files.write(name, after)

    def _put_back(self, settings: Mapping[str, Setting]) -> None:
        """Give the settings that left all profiles what other files say, or what they had."""
        self._left, self._kept = [], {}
        for key in sorted(set(self._memory.before) - set(settings)):
            has = self._kernel.read(key)
            other = set_by(self._others, key)
            value = other.value if other else self._memory.before[key]
            given = self._memory.given.get(key, [])
            if has is None:
                self._kept[key] = f"{key} is not there any more, and is not put back"
            elif same(has, value):
                pass
            elif not any(same(has, each) for each in given):
                self._kept[key] = f"{key} = {has} was set by somebody else, and is left so"
            elif not self._give_back(key, has, value):
                continue
            self._left.append(key)

    def _give_back(self, key: str, has: str, value: str) -> bool:
        """Put a value back, and tell whether that went well."""
        self._before.setdefault(key, has)
        self.restored[key] = value
        if self._check:
            return True
        others = {each: self._kernel.read(each) for each in self._memory.before if each != key}
        try:
            self.restored[key] = self._kernel.write(key, value)
        except Refused as refused:
            self.restored.pop(key)
            self._before.pop(key)
            why = f"{refused.why} (it has {refused.has})"
            self.unrestored[key] = f"{key} cannot be given back {value}: {why}"
            return False
        self._learn(others)
        return True

    def _learn(self, others: Mapping[str, Optional[str]]) -> None:
        """Note what settings have without the one that was put back: some are names of one value.

        What they had before was read while that one was ours.
        """
        for key, had in others.items():
            has = self._kernel.read(key)
            if had is not None and has is not None and not same(has, had):
                self._memory.before[key] = has
        if self._memory.is_changed():
            self._memory.save()

    def _keep_memory(self) -> None:
        if not self._memory.is_changed():
            return
        self.changed = True
        if not self._check:
            self._memory.save()

    def _describe(self) -> None:
        """Add to the difference what the kernel had and has."""
        now = {**self.values, **self.restored}
        changed = [key for key, has in self._before.items() if not same(has, now.get(key, has))]
        keys = sorted(changed)
        if keys:
            before = "".join(f"{key} = {self._before[key]}\n" for key in keys)
            after = "".join(f"{key} = {now[key]}\n" for key in keys)
            self._differs(before, after, "kernel settings")

    def _differs(self, before: str, after: str, what: str) -> None:
        self.changed = True
        header = {"before_header": what, "after_header": what}
        self.diff.append({"before": before, "after": after, **header})

    @property
    def result(self) -> Dict[str, Any]:
        """Return what the host has now."""
        return {
            "values": dict(sorted(self.values.items())),
            "restored": dict(sorted(self.restored.items())),
            "refused": dict(self.refused),
            "notes": list(self.notes),
        }
