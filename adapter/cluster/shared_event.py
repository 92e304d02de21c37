"""An event that wakes several threads."""

from __future__ import annotations

import threading
from typing import List


class SharedEvent(threading.Event):
    """An event that several threads wait for, each through a listener of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: List[threading.Event] = []

    def listener(self) -> threading.Event:
        """Return an event that is set whenever this one is, and cleared by its owner."""
        event = threading.Event()
        self._listeners.append(event)
        return event

    def set(self) -> None:
        """Wake everybody."""
        super().set()
        for listener in self._listeners:
            listener.set()
