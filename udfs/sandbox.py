"""A process of its own for code that may hang, crash or take all memory on a hostile input.

A signal cannot stop C code, and an `except` cannot catch its crash; the end of a process does both.
Starting one costs some milliseconds, since it is forked from a process that has imported all that
it needs; a call costs the copying of its arguments and of its result, and less if it waits with
others than alone.
"""

import atexit
import multiprocessing
import os
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
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

    def answers(
        self, groups: Iterable[Sequence[tuple[Any, ...]]], seconds: float
    ) -> Iterator[Any | SandboxError]:
        """Yield, in order, what the function returns for each call's arguments, or its error.

        The process has the calls of the next group before it is through with those of one, and
        works on while this process handles an answer. When a call ends the process, those after
        it are sent to a new one.

        Args:
            groups: the arguments of each call, in groups of which both processes hold two.
            seconds: that each call may take.

        Yields:
            A result, or a SandboxError: `timeout` after that many seconds, `crashed` if the
            process died, `out_of_memory`, or `failed` if the function raised.
        """
        coming = iter(groups)
        waiting: deque[deque[tuple[Any, ...]]] = deque()  # groups with calls without an answer
        sent = 0  # of these groups, how many the process has
        try:
            while True:
                waiting.extend(map(deque, islice(filter(None, coming), 2 - len(waiting))))
                if not waiting:
                    return
                try:
                    connection = self._started()
                    with suppress(OSError):  # it has ended: its last answers are still to be read
                        for group in islice(waiting, sent, None):
                            sent += 1
                            connection.send(list(group))
                    late = not connection.poll(seconds)
                    error, result = ("timeout", None) if late else connection.recv()
                except (EOFError, OSError):
                    error, result = "crashed", None
                if error in ("timeout", "crashed"):
                    self.close()
                    sent = 0
                waiting[0].popleft()
                if not waiting[0]:
                    waiting.popleft()
                    sent = max(0, sent - 1)
                yield result if error is None else SandboxError(error)
        finally:
            if sent:  # else these answers would be taken for those of the next calls
                self.close()

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
    # Calls are taken in while others are answered: else both sides could wait to be read.
    received: SimpleQueue[Sequence[tuple[Any, ...]] | None] = SimpleQueue()
    Thread(target=_receive, args=(connection, received), daemon=True).start()
    with suppress(BrokenPipeError):
        while (calls := received.get()) is not None:
            for arguments in calls:
                connection.send(_answer(function, arguments))


def _receive(connection: Connection, received: SimpleQueue[Any]) -> None:
    """Hand on what is sent, and None when nothing will come any more."""
    try:
        while True:
            received.put(connection.recv())
    except (EOFError, OSError, MemoryError):
        received.put(None)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str | None, Any]:
    try:
        return None, function(*arguments)
    except MemoryError:
        return "out_of_memory", None
    except Exception:
        return "failed", None


def _limit_memory() -> None:
    statm = Path("/proc/self/statm")
    if statm.exists():  # elsewhere the limit counts what is shared with the parent
        used = int(statm.read_text().split()[0]) * _PAGE
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
