"""A process of its own for code that may hang, crash or take all memory on a hostile input.

A signal cannot stop C code, and an `except` cannot catch its crash; the end of a process does both.
Starting one costs some milliseconds, since it is forked from a process that has imported all that
it needs; a call costs the copying of its arguments and of its result, and less if it waits with
others than alone. Buffers among the arguments are copied once, into memory that both share.
"""

import atexit
import multiprocessing
import os
import pickle
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MEMORY = 1 << 30  # bytes that the process may take beside what it was forked with
SHARED = 32 << 20  # bytes of buffers that both share; those of more than that go through the pipe
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
        self._shared: mmap | None = None
        self._owner = 0
        atexit.register(self.close)

    def answers(
        self, calls: Iterable[tuple[Any, ...]], seconds: float
    ) -> Iterator[Any | SandboxError]:
        """Yield, in order, what the function returns for each call's arguments, or its error.

        All calls are sent at once, so that this process handles an answer while the next one is
        worked out. When a call ends the process, those after it are sent to a new one.

        Args:
            calls: the arguments of each; both processes hold all of them. A buffer, as of Arrow, is
                a view of one in the other process, valid until the call returns.
            seconds: that each call may take.

        Yields:
            A result, or a SandboxError: `timeout` after that many seconds, `crashed` if the
            process died, `out_of_memory`, or `failed` if the function raised.
        """
        waiting = deque(calls)
        sent = 0  # calls that the process has and has not answered
        try:
            while waiting:
                try:
                    connection = self._started()
                    if not sent:
                        sent = len(waiting)
                        connection.send(self._packed(list(waiting)))
                    late = not connection.poll(seconds)
                    error, result = (
                        ("timeout", None) if late else pickle.loads(connection.recv_bytes())
                    )
                except (EOFError, OSError):
                    error, result = "crashed", None
                sent -= 1
                if error in ("timeout", "crashed"):
                    self.close()
                    sent = 0
                waiting.popleft()
                yield result if error is None else SandboxError(error)
        finally:
            if sent:  # else these answers would be taken for those of the next calls
                self.close()

    def close(self) -> None:
        """End the process, if this one has started it."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.join()
            assert self._connection is not None  # all or none
            assert self._shared is not None
            self._connection.close()
            self._shared.close()
        self._process = self._connection = self._shared = None

    def _packed(self, calls: list[tuple[Any, ...]]) -> tuple[bytes, list[slice]]:
        """Return calls without their buffers, and where these lie in the shared memory."""
        assert self._shared is not None
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(calls, 5, buffer_callback=buffers.append)
        places, end = [], 0
        for buffer in buffers:
            view = buffer.raw()
            places.append(slice(end, end + view.nbytes))
            end += view.nbytes
            if end > SHARED:
                return pickle.dumps(calls, 5), []
            self._shared[places[-1]] = view
        return pickled, places

    def _started(self) -> Connection:
        if self._connection is None or self._owner != os.getpid():  # or this is a fork of its owner
            context = multiprocessing.get_context("fork")
            own, other = context.Pipe()
            shared = mmap(-1, SHARED)
            process = context.Process(
                target=_serve, args=(self._function, own, other, shared), daemon=True
            )
            process.start()
            other.close()
            self._process, self._connection, self._shared = process, own, shared
            self._owner = os.getpid()
        return self._connection


def _serve(
    function: Callable[..., Any], parents: Connection, connection: Connection, shared: mmap
) -> None:
    """Answer calls until the other side is gone."""
    parents.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _limit_memory()
    with suppress(EOFError, BrokenPipeError):
        while True:
            pickled, places = connection.recv()
            buffers = [memoryview(shared)[place] for place in places]
            for arguments in pickle.loads(pickled, buffers=buffers):
                connection.send_bytes(pickle.dumps(_answer(function, arguments)))


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
