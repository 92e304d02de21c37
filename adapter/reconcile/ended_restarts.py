"""What a later command means for a restart that is under way: whoever asked last is obeyed."""

from __future__ import annotations

from dataclasses import replace

from adapter.core import Core

SHOWN = 5


def end_restart(core: Core, service: str, why: str) -> str:
    """End the restart of a service; return a sentence, empty where none is under way.

    ``why`` is what came after it. A job that is at some daemons already ends as it would.
    """
    with core.lock:
        action = core.actions.get(service)
        if action is None:
            return ""
        core.actions.cancel(service)
        left = len(action.left)
        names = ", ".join(action.left[:SHOWN]) + (", ..." if left > SHOWN else "")
        rest = (
            f"{left} daemon(s) were not restarted ({names})"
            if left
            else "its last job is still running"
        )
        text = f"The {action.action} of {service} is ended by the {why}: {rest}."
        core.events.note(service, text)
    return text


def leave_out(core: Core, daemon: str, why: str) -> str:
    """Leave a daemon out of the restart that it is part of; return a sentence, or nothing.

    One that is stopped would be started again, and one that is gone be waited for.
    """
    with core.lock:
        for action in core.actions.all():
            if daemon not in (*action.left, *action.doing):
                continue
            left = tuple(each for each in action.left if each != daemon)
            doing = tuple(each for each in action.doing if each != daemon)
            core.actions.save(replace(action, left=left, doing=doing))
            text = f"{daemon} is left out of the {action.action} of {action.service}: {why}."
            core.events.note(action.service, text)
            return text
    return ""
