"""The mark of what can be called through the interface: all else in these classes is their own."""

from __future__ import annotations

from typing import Any, Callable, Dict, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def method(function: F) -> F:
    """Mark a method of the interface: ``AnsibleOrchestrator`` has one of its name that calls it.

    It returns its value or raises, and other methods call it as any function.
    """
    function.of_interface = True  # type: ignore[attr-defined]
    return function


def marked(noun: type) -> Dict[str, Callable[..., Any]]:
    """Return the marked methods of a class by name."""
    return {name: each for name, each in vars(noun).items() if hasattr(each, "of_interface")}
