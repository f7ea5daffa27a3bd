"""What a stage is doing while it runs: one line on a terminal, rewritten twice a second.

Elsewhere nothing is written: a log keeps only the lines of stages that ended.
"""

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import IO

from winnow.explore.screen import Screen, count, cut, duration, size

NAME, BAR = 10, 20  # cells
INTERVAL = 0.5  # seconds
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True)
class Work:
    """What Spark is at: tasks of its running stages, and what all stages read and stored so far.

    Spark counts bytes as they are written; those that it reads for a Python function, it misses.
    """

    done: int
    tasks: int
    rows: int
    bytes: int


class Watch:
    """Looks at what the session of this process does, from now on."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._counts: dict[int, tuple[int, int]] = {}  # rows and bytes by the number of a stage

    def look(self) -> Work | None:
        """Return what Spark is at; None before it began, and when it cannot tell.

        A stage of Spark's that began and ended between two looks is not seen.
        """
        from py4j.protocol import Py4JError
        from pyspark import SparkContext

        context = SparkContext._active_spark_context
        if context is None:
            return None
        try:
            store = context._jsc.sc().statusStore()
            stages = store.activeStages()
            found = [stages.apply(i) for i in range(stages.size())]
            running = {stage.stageId() for stage in found}
            ended = [store.lastStageAttempt(number) for number in self._running - running]
            for stage in (*ended, *found):
                self._counts[stage.stageId()] = stage.inputRecords(), stage.outputBytes()
            done = sum(stage.numCompleteTasks() for stage in found)
            tasks = sum(stage.numTasks() for stage in found)
        except (Py4JError, OSError):  # the session is just ending
            return None
        self._running = running
        rows = sum(rows for rows, _ in self._counts.values())
        stored = sum(stored for _, stored in self._counts.values())
        return Work(done, tasks, rows, stored) if self._counts else None


def line(name: str, seconds: float, work: Work | None, screen: Screen) -> str:
    """Return a stage's line: name, bar and share of Spark's tasks, time, rows, bytes a second.

    Args:
        name: of the stage.
        seconds: since it began.
        work: what Spark is at.
        screen: the terminal.
    """
    cells = [name.ljust(NAME)]
    if work is not None and work.tasks:
        full = BAR * work.done // work.tasks
        cells += [f"{'█' * full}{'░' * (BAR - full)}", f"{100 * work.done // work.tasks:3d} %"]
    cells.append(duration(seconds).rjust(10))
    if work is not None and work.rows:
        cells.append(f"{count(work.rows)} rows read")
    if work is not None and work.bytes and seconds:
        cells.append(f"{size(round(work.bytes / seconds))}/s stored")
    return cut("  ".join(cells), screen.width - 1)


class Live:
    """The line of the stage that runs now. Begin one after the other; the end of all clears it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._screen = Screen.of(stream)
        self._is_terminal = stream.isatty()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self, name: str) -> None:
        """Show a stage until `end`."""
        self.end()
        if self._is_terminal:
            self._over.clear()
            self._thread = threading.Thread(target=self._show, args=(name,), daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Take the line away."""
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None

    def _show(self, name: str) -> None:
        began, watch = time.monotonic(), Watch()
        while not self._over.wait(INTERVAL):
            text = line(name, time.monotonic() - began, watch.look(), self._screen)
            self._stream.write(_CLEAR + text)
            self._stream.flush()
        self._stream.write(_CLEAR)
        self._stream.flush()
