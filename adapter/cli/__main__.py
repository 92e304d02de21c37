"""``python3 -m adapter.cli``: the command, from a checkout that is not installed."""

from __future__ import annotations

from adapter.cli import main

main()
