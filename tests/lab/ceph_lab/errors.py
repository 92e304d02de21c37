"""Define what the lab raises when it cannot go on."""

from __future__ import annotations


class LabError(Exception):
    """Report one failure in one line: what failed, why, and what helps.

    The command line prints it and exits with status 1.
    """


class CommandError(LabError):
    """Report an external command that ended with a non-zero status.

    `status` is its exit status, `output` what it wrote to stdout and stderr.
    """

    def __init__(self, message: str, status: int, output: str) -> None:
        super().__init__(message)
        self.status = status
        self.output = output
