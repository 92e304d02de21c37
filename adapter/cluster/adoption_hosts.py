"""The hosts that may be taken over: from the cluster's maps and from an inventory. Pure functions.

Nothing here asks a host. Who cannot be a host is named with the reason, and never guessed at.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from adapter import names
from adapter.cluster.inventory_file import Inventory, Listed
from adapter.cluster.report_rows import text
from adapter.cluster.told_daemons import ToldDaemon, address_of
from adapter.errors import InvalidValue, some_of

# The address that a name means here, an empty text for none.
Resolve = Callable[[str], str]
_GIVE_ADDRESS = "give its address in an inventory (ansible_host)"


@dataclass(frozen=True)
class Candidate:
    """A host that may be taken over: how it is reached, and who speaks for it."""

    name: str
    addr: str
    labels: Tuple[str, ...] = ()
    daemons: Tuple[str, ...] = ()
    inventory_name: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What is not taken over, and why: a host, or a daemon on it."""

    what: str
    why: str
    host: str = ""


@dataclass
class Candidates:
    """The hosts to look at, and what is left out by now."""

    hosts: List[Candidate] = field(default_factory=list)
    left_out: List[LeftOut] = field(default_factory=list)


def candidates(
    daemons: Sequence[ToldDaemon],
    inventory: Inventory,
    resolve: Resolve,
    managed: Mapping[str, str],
) -> Candidates:
    """Return the hosts of daemons and inventory; ``managed`` are the addresses of known hosts."""
    by_host, found = _by_hostname(daemons)
    listed, unlisted = _matched(by_host, inventory, found)
    for name, group in by_host.items():
        _propose(name, group, listed.get(name), resolve, found)
    for row in unlisted:
        _propose(row.name, [], row, resolve, found)
    _refuse_shared(found, managed)
    return found


def _by_hostname(
    daemons: Sequence[ToldDaemon],
) -> Tuple[Dict[str, List[ToldDaemon]], Candidates]:
    """Return the daemons by the host that they name; of others why they name none."""
    by_host: Dict[str, List[ToldDaemon]] = {}
    found = Candidates()
    for daemon in daemons:
        if not daemon.hostname or not daemon.daemon_id:
            why = "the cluster does not say on which host it is: it does not run, or is too old"
            found.left_out.append(LeftOut(daemon.name, why))
            continue
        try:
            by_host.setdefault(names.check_hostname(daemon.hostname), []).append(daemon)
        except InvalidValue as error:
            found.left_out.append(LeftOut(daemon.name, str(error)))
    return _without_domain_twice(by_host), found


def _without_domain_twice(by_host: Dict[str, List[ToldDaemon]]) -> Dict[str, List[ToldDaemon]]:
    """Return one host where daemons name it with its domain and without, at the same address."""
    joined: Dict[str, List[ToldDaemon]] = {}
    for name in sorted(by_host, key=lambda each: (-each.count("."), each)):
        mine = _addresses(by_host[name])
        same = next(
            (each for each in joined if _short(each) == name and mine & _addresses(joined[each])),
            name,
        )
        joined.setdefault(same, []).extend(by_host[name])
    return dict(sorted(joined.items()))


def _addresses(daemons: Sequence[ToldDaemon]) -> FrozenSet[str]:
    return frozenset(address for daemon in daemons for address in daemon.addresses)


def _matched(
    by_host: Mapping[str, Sequence[ToldDaemon]], inventory: Inventory, found: Candidates
) -> Tuple[Dict[str, Listed], List[Listed]]:
    """Return which host of the inventory is which of the maps, and those of which maps know none.

    The very name decides, then the address, then the part before the first dot.
    """
    matched: Dict[str, Listed] = {}
    alone: List[Listed] = []
    for row in inventory.hosts.values():
        meant = _meant(row, by_host)
        if len(meant) > 1:
            why = f"it can be {some_of(sorted(meant), 4)}; {_GIVE_ADDRESS}"
            found.left_out.append(LeftOut(_host(row.name), why))
        elif not meant:
            alone.append(row)
        elif next(iter(meant)) in matched:
            other = matched[next(iter(meant))].name
            why = f"it is the host that the inventory also calls {text(other)}"
            found.left_out.append(LeftOut(_host(row.name), why))
        else:
            matched[next(iter(meant))] = row
    return matched, alone


def _meant(row: Listed, by_host: Mapping[str, Sequence[ToldDaemon]]) -> Set[str]:
    if row.name in by_host:
        return {row.name}
    at = {name for name, group in by_host.items() if row.addr in _addresses(group)}
    if at:
        return at
    dotted = "." in row.name
    return {
        name
        for name in by_host
        if _short(name) == _short(row.name) and not (dotted and "." in name)
    }


def _propose(
    name: str,
    daemons: Sequence[ToldDaemon],
    row: Optional[Listed],
    resolve: Resolve,
    found: Candidates,
) -> None:
    """Add a host to those that are looked at, or say why it is none."""
    why, address = "", address_of(daemons)
    if row is not None:
        why = row.refused
        address = row.addr or address or row.name
    if not why:
        address, why = _resolved(address or name, resolve)
    if why:
        found.left_out.append(LeftOut(_host(name), why))
        return
    labels = {daemon.kind for daemon in daemons} | set(row.labels if row else ())
    found.hosts.append(
        Candidate(
            name,
            address,
            tuple(sorted(labels)),
            tuple(daemon.name for daemon in daemons),
            row.name if row is not None else "",
        )
    )


def _resolved(address: str, resolve: Resolve) -> Tuple[str, str]:
    """Return the address that other hosts reach, or why there is none."""
    try:
        names.check_address(address)
    except InvalidValue as error:
        return "", str(error)
    found = address
    if not _is_ip(address):
        found = resolve(address).partition("%")[0]
    if not found:
        return "", f"the name {text(address)} means no address here; {_GIVE_ADDRESS}"
    if ipaddress.ip_address(found).is_loopback:
        return "", f"its address is {found}, which no other host reaches; {_GIVE_ADDRESS}"
    return str(ipaddress.ip_address(found)), ""


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _refuse_shared(found: Candidates, managed: Mapping[str, str]) -> None:
    """Leave out hosts that have one address; one that is managed already keeps its own."""
    at: Dict[str, List[str]] = {}
    for host in found.hosts:
        at.setdefault(host.addr, []).append(host.name)
    for address, holder in managed.items():
        # It may go by a longer or shorter name here.
        if address in at and holder not in at[address]:
            at[address].append(holder)
    kept: List[Candidate] = []
    for host in found.hosts:
        others = [each for each in at[host.addr] if each != host.name]
        if host.name in managed.values() or not others:
            kept.append(host)
            continue
        if len(others) == 1 and _is_known_as(others[0], host, managed):
            kept.append(replace(host, name=others[0]))
            continue
        why = (
            f"its address {host.addr} is that of {some_of(sorted(others), 4)} too; {_GIVE_ADDRESS}"
        )
        found.left_out.append(LeftOut(_host(host.name), why))
    found.hosts = kept


def _is_known_as(other: str, host: Candidate, managed: Mapping[str, str]) -> bool:
    return managed.get(host.addr) == other and _short(other) == _short(host.name)


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def _host(name: str) -> str:
    return f"host {text(name)}"
