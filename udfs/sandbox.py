"""A process of its own for code that may hang, crash or take all memory on a hostile input.

A signal cannot stop C code, and an `except` cannot catch its crash; the end of a process does both.
Starting one costs some milliseconds, since it is forked from a process that has imported all that
it needs; a call costs the copying of its arguments and of its result.
"""

import atexit
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MEMORY = 1 << 30  # bytes that the process may take beside what it was forked with
_PAGE = os.sysconf("SC_PAGE_SIZE")


class SandboxError(Exception):
    """A call came to no result; the message is one word: why."""


class Sandbox:
    """Calls one function in a process that is replaced when a call ends it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Note the function; the process is forked at the first call.

        Args:
            function: its arguments and its result can be pickled.
        """
        self._function = function
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._owner = 0
        atexit.register(self.close)

    def call(self, *arguments: Any, seconds: float) -> Any:
        """Return what the function returns.

        Raises:
            SandboxError: `timeout` after that many seconds, `crashed` if the process died,
                `out_of_memory`, or `failed` if the function raised.
        """
        connection = self._started()
        try:
            connection.send(arguments)
            if not connection.poll(seconds):
                raise SandboxError("timeout")
            error, result = connection.recv()
        except (EOFError, OSError):
            self.close()
            raise SandboxError("crashed") from None
        except BaseException:  # an answer that comes yet would be taken for that of the next call
            self.close()
            raise
        if error is not None:
            raise SandboxError(error)
        return result

    def close(self) -> None:
        """End the process, if this one has started it."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.join()
            assert self._connection is not None  # both or none
            self._connection.close()
        self._process = self._connection = None

    def _started(self) -> Connection:
        if self._connection is None or self._owner != os.getpid():  # or this is a fork of its owner
            context = multiprocessing.get_context("fork")
            own, other = context.Pipe()
            process = context.Process(target=_serve, args=(self._function, own, other), daemon=True)
            process.start()
            other.close()
            self._process, self._connection, self._owner = process, own, os.getpid()
        return self._connection


def _serve(function: Callable[..., Any], parents: Connection, connection: Connection) -> None:
    """Answer calls until the other side is gone."""
    parents.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _limit_memory()
    while True:
        try:
            arguments = connection.recv()
        except EOFError:
            return
        try:
            answer: tuple[str | None, Any] = None, function(*arguments)
        except MemoryError:
            answer = "out_of_memory", None
        except Exception:
            answer = "failed", None
        connection.send(answer)


def _limit_memory() -> None:
    statm = Path("/proc/self/statm")
    if statm.exists():  # elsewhere the limit counts what is shared with the parent
        used = int(statm.read_text().split()[0]) * _PAGE
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
