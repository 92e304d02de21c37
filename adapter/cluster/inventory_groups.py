"""Groups of an Ansible inventory, whatever it is written in. Pure functions over plain data.

Variables are looked up as Ansible does: those of a host come before those of its groups, those of a
group before those of the groups that it is in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Set

from adapter.errors import InvalidValue, some_of

ALL, UNGROUPED = "all", "ungrouped"
# Ansible gives the variables that say how a host is reached this beginning.
REACHED_BY = "ansible_"
# An inventory with more groups than this is a slip of the pen.
MOST_GROUPS = 1000


@dataclass
class Group:
    """A group: its own hosts with their variables, the groups in it, its variables."""

    hosts: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    children: Set[str] = field(default_factory=set)
    variables: Dict[str, Any] = field(default_factory=dict)


class Groups:
    """All groups of an inventory; ``settle`` is called when all are told."""

    def __init__(self) -> None:
        self._groups: Dict[str, Group] = {ALL: Group()}
        # Variables of hosts that are told apart from the groups.
        self._host_variables: Dict[str, Dict[str, Any]] = {}
        # By group those that it is in, itself among them, the outermost first; and by host its own.
        self._above: Dict[str, List[str]] = {}
        self._own: Dict[str, List[str]] = {}

    def group(self, name: str) -> Group:
        """Return a group, made where it is new."""
        if name not in self._groups and len(self._groups) >= MOST_GROUPS:
            raise InvalidValue("inventory", name, f"it has more than {MOST_GROUPS} groups")
        return self._groups.setdefault(name, Group())

    def add(self, group: str, host: str, variables: Mapping[str, Any]) -> None:
        """Put a host into a group."""
        self.group(group).hosts.setdefault(host, {}).update(variables)

    def tell(self, host: str, variables: Mapping[str, Any]) -> None:
        """Take over variables of a host."""
        self._host_variables.setdefault(host, {}).update(variables)

    def settle(self) -> None:
        """Find out which group is in which; raises ``InvalidValue`` for one that is in itself."""
        parents: Dict[str, Set[str]] = {name: set() for name in self._groups}
        for name, group in self._groups.items():
            for child in group.children if name != ALL else ():
                parents.setdefault(child, set()).add(name)
        left, depth = dict(parents), 0
        found: Dict[str, Dict[str, int]] = {}
        while left:
            ready = [name for name, over in left.items() if not over & left.keys()]
            if not ready:
                raise InvalidValue(
                    "group", some_of(sorted(left), 5), "groups are in themselves", "Part them."
                )
            depth += 1
            for name in ready:
                found[name] = {name: depth}
                for parent in parents[name]:
                    found[name].update(found[parent])
                del left[name]
        self._above = {
            name: sorted(over, key=lambda each: (over[each], each)) for name, over in found.items()
        }
        for name, group in self._groups.items():
            for host in group.hosts:
                self._own.setdefault(host, []).append(name)

    def hosts(self) -> List[str]:
        """Return all hosts, in the order in which they are named first."""
        return list(dict.fromkeys([*self._own, *self._host_variables]))

    def groups_of(self, host: str) -> List[str]:
        """Return the groups that a host is in, also through others, but those of all hosts."""
        return sorted(self._all_of(host) - {ALL, UNGROUPED})

    def variables_of(self, host: str) -> Dict[str, Any]:
        """Return the variables of a host that say how it is reached."""
        merged: Dict[str, Any] = dict(self._groups[ALL].variables)
        own = self._own.get(host, ())
        lines = [self._above[name] for name in own]
        ranks = {each: rank for line in lines for rank, each in enumerate(line)}
        for name in sorted(self._all_of(host) - {ALL}, key=lambda each: (ranks[each], each)):
            merged.update(self._groups[name].variables)
        for name in own:
            merged.update(self._groups[name].hosts[host])
        merged.update(self._host_variables.get(host, {}))
        return {name: each for name, each in merged.items() if name.startswith(REACHED_BY)}

    def _all_of(self, host: str) -> FrozenSet[str]:
        return frozenset(each for name in self._own.get(host, ()) for each in self._above[name])
