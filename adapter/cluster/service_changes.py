"""What of a changed spec its daemons do not have yet. Pure functions.

A daemon's digest stands for what it got when it was configured last, as far as it takes that over
only when it starts: each such option with a mark of its value, and its key's mark. So it can be
said which of them changed, and what a daemon takes over while it runs makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Collection, Dict, Iterable, List, Mapping, Tuple

from adapter.cluster.marks import mark
from adapter.cluster.set_options import Pair, ServiceSettings
from adapter.interface import ServiceSpec
from adapter.kinds import kind_of, service_settings

Setting = Tuple[str, str, str]
# What a digest begins with: a later version may mean something else by the rest.
FORM = "1"
KEY = "key"
# In place of the mark of a value that nobody knows.
UNKNOWN = "?"
# Of more than that one mark stands for all: a record's texts have a limit.
_LONGEST = 2000
# The port of a daemon that is still to be made.
NEW = -1
# What is said of a value that somebody else has set.
REPLACES, BEFORE = " (replaces a value that was set before)", " to the value that it had before"


def key_mark(keyring: str) -> str:
    """Return what stands for the key of a keyring's text, nothing where there is none."""
    for line in keyring.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "key" and value.strip():
            return mark(value.strip())
    return ""


def settings_of(spec: ServiceSpec, daemon_id: str, port: int, address: str) -> Dict[str, str]:
    """Return the value of each option that a daemon of a service has; its own goes first."""
    rows = (
        *service_settings(spec),
        *kind_of(spec.service_type).daemon_settings(spec, daemon_id, port, address),
    )
    return {option: value for _, option, value in rows}


def digest_of(
    settings: Mapping[str, str],
    needs_restart: Callable[[str], bool],
    plain: Callable[[str, str], str] = lambda option, value: value,
    key: str = "",
) -> str:
    """Return the digest of a daemon that has these settings and a key with this mark."""
    parts = [
        f"{option}={mark(plain(option, value))}"
        for option, value in sorted(settings.items())
        if needs_restart(option)
    ]
    if sum(map(len, parts)) > _LONGEST:
        parts = [f"options={mark(' '.join(parts))}"]
    digest = " ".join([FORM, *parts])
    return with_key(digest, key) if key else digest


def with_key(digest: str, key: str) -> str:
    """Return the digest of a daemon that was given a key with this mark too."""
    return f"{digest} {KEY}={key}"


def without_key(digest: str) -> str:
    """Return a digest without the mark of the key."""
    return digest.partition(f" {KEY}=")[0]


def has_key(digest: str) -> bool:
    """Tell whether a digest says which key its daemon was given."""
    return digest != without_key(digest)


def _parts(digest: str) -> Dict[str, str]:
    form, *parts = digest.split(" ")
    return dict(part.partition("=")[::2] for part in parts) if form == FORM else {}


def differences(before: str, after: str) -> List[str]:
    """Return the options that two digests have differently, and ``key``.

    A key counts where both name one. A digest that says nothing differs in nothing.
    """
    if not before.startswith(FORM) or not after.startswith(FORM):
        return []
    old, new = _parts(before), _parts(after)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [name for name in names if name != KEY or (KEY in old and KEY in new)]


def options_of(digest: str) -> List[str]:
    """Return the options that a digest stands for, without the key."""
    return sorted(name for name in _parts(digest) if name != KEY)


def without_options(digest: str, options: Iterable[str]) -> str:
    """Return the digest of a daemon that has all but these options, of which nobody knows what."""
    form, *parts = digest.split(" ")
    has = [part for part in parts if part.partition("=")[0] not in options]
    return " ".join([form, *has, *(f"{option}={UNKNOWN}" for option in sorted(options))])


def ports_of(spec: ServiceSpec, known: Mapping[str, int], share: int = 0) -> Dict[str, int]:
    """Return the ports of a service's daemons on one host; ``known`` are those they have.

    The spec means as many ports as there are daemons, and at least ``share``.

    One that has a port of the spec's keeps it. The others get the free ones, in order: first those
    that are there and whose port nobody knows (0), then new ones (``NEW``).
    """
    if not kind_of(spec.service_type).has_own_port:
        return dict.fromkeys(known, 0)
    wanted = [
        kind_of(spec.service_type).first_port(spec) + index
        for index in range(max(share, len(known)))
    ]
    found: Dict[str, int] = {}
    for daemon_id in sorted(known):
        if known[daemon_id] in wanted and known[daemon_id] not in found.values():
            found[daemon_id] = known[daemon_id]
    free = [port for port in wanted if port not in found.values()]
    for daemon_id in sorted(known.keys() - found.keys(), key=lambda each: (known[each] < 0, each)):
        found[daemon_id] = free.pop(0)
    return found


@dataclass(frozen=True)
class SettingChanges:
    """What is to be done to the monitors' configuration for one service.

    ``tell`` is to be set, ``drop`` to be removed, ``back`` to be put back as it was before.
    ``found`` are the values that are there, of options that are set from here for the first time.
    """

    tell: Tuple[Setting, ...] = ()
    drop: Tuple[Pair, ...] = ()
    back: Tuple[Setting, ...] = field(default=(), repr=False)
    found: Mapping[Pair, str] = field(default_factory=dict, repr=False)

    @property
    def replaced(self) -> List[Pair]:
        """Return the options whose value somebody else has set, and that get another one."""
        return [row[:2] for row in self.tell if row[:2] in self.found]

    def describe(self) -> List[str]:
        """Return all that is done, without the values: one may be a password."""
        replaced = self.replaced
        lines = [
            f"set {option} of {section}" + (REPLACES if (section, option) in replaced else "")
            for section, option, _ in self.tell
        ]
        lines += [f"remove {option} of {section}" for section, option in self.drop]
        return [
            *lines,
            *(f"put {option} of {section} back{BEFORE}" for section, option, _ in self.back),
        ]


def setting_changes(
    wanted: Iterable[Setting],
    known: ServiceSettings,
    there: Mapping[Pair, str],
    same: Callable[[str, str, str, str], bool],
    own: Iterable[Setting] = (),
    others: Collection[Pair] = (),
) -> SettingChanges:
    """Return what is to be set in the monitors' configuration, removed of it, and put back.

    ``there`` is the configuration now, ``same(section, option, found, wanted)`` compares with it.
    ``known`` is what was set from here, and only that is removed. ``own`` are the settings of
    single daemons, which go with these. ``others`` are options of other services: no site's.

    What somebody has removed by hand in the meantime is not put back.
    """
    lasting = {(section, option): value for section, option, value in wanted}
    goal = {**lasting, **{(section, option): value for section, option, value in own}}
    tell = [
        (*pair, value)
        for pair, value in sorted(goal.items())
        if pair not in there or not same(*pair, there[pair], value)
    ]
    gone = sorted(pair for pair in set(known.options) - goal.keys() if pair in there)
    before = known.before
    return SettingChanges(
        tuple(tell),
        tuple(pair for pair in gone if pair not in before),
        tuple(
            (*pair, before[pair]) for pair in gone if before.get(pair, there[pair]) != there[pair]
        ),
        {
            pair: there[pair]
            for pair in lasting
            if pair in there and pair not in known.options and pair not in others
        },
    )
