"""Let a module of ours see only parameters that may be asked for.

A module says itself which parameters it has and of which types. Only once it has made of them what
it will use can they be judged: before, a text may stand for a list.
"""

from __future__ import annotations

from typing import Any, Mapping, Type

from ansible.module_utils.basic import AnsibleModule

from .document import Refused
from .limits import Limits
from .policy import check

_CONTAINERS = {"dict": dict, "list": list}


def guarded(verb: str, limits: Limits) -> Type[AnsibleModule]:
    """Return the class that the module of a verb gets in place of Ansible's own.

    It raises ``Refused`` before the module has its parameters.
    """

    class Guarded(AnsibleModule):
        """Ansible's class, which checks what is asked for besides."""

        def _load_params(self) -> None:
            super()._load_params()  # type: ignore[no-untyped-call]
            check_containers(self.argument_spec, self.params)

        def __init__(self, argument_spec: Mapping[str, Any], **options: Any) -> None:
            super().__init__(argument_spec, **options)  # type: ignore[no-untyped-call]
            check(verb, self.params, limits)

    return Guarded


def check_containers(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse a text in the place of a list or a mapping, which Ansible would take apart."""
    for name, option in spec.items():
        value = parameters.get(name)
        kind = _CONTAINERS.get(str(option.get("type", "str")))
        if value is None:
            continue
        if kind is None and isinstance(value, (dict, list)):
            raise Refused(f"Invalid {name}: it is a list or a mapping.")
        if kind is not None and not isinstance(value, kind):
            raise Refused(f"Invalid {name}: it is not a {kind.__name__}.")
        element = _CONTAINERS.get(str(option.get("elements", "str")))
        for item in value if isinstance(value, list) else ():
            if isinstance(item, (dict, list)) if element is None else not isinstance(item, element):
                raise Refused(f"Invalid {name}: what is in the list is of another type.")
        inner = option.get("options")
        for row in (value if isinstance(value, list) else [value]) if inner else ():
            check_containers(inner, row)
