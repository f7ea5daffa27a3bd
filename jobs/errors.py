"""Errors that a user caused or can mend. Each has the exit code that the command line ends with.

Anything else that is raised is a bug of ours and keeps its stack trace.
"""


class WinnowError(Exception):
    """Something that the user can mend. The message says what, where and what to do."""

    exit_code = 1


class CommandError(WinnowError):
    """The command, the pipeline or the warehouse address is wrong; nothing was started."""

    exit_code = 2


class HeldError(WinnowError):
    """The warehouse is held by another run."""

    exit_code = 4
