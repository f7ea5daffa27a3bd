"""What a block costs: CPU time and memory of this process and all below it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

INTERVAL = 0.1  # s between two looks: what a process does after the last one is not seen


@dataclass
class Usage:
    """Seconds of the clock and of the processor, and the most resident memory at once, in bytes.

    Memory that processes share is counted in each.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    _times: dict[int, float] = field(default_factory=dict, repr=False)

    def look(self) -> None:
        """Note what the processes have used up to now; of one that has ended the last remains."""
        resident = 0
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            try:
                spent, memory = process.cpu_times(), process.memory_info()
            except psutil.Error:  # it has ended
                continue
            self._times[process.pid] = spent.user + spent.system
            resident += memory.rss
        self.peak_bytes = max(self.peak_bytes, resident)


@contextmanager
def usage() -> Iterator[Usage]:
    """Give what the block uses; the numbers are complete when it has ended."""
    before, found = Usage(), Usage()
    before.look()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            found.look()

    watcher = threading.Thread(target=watch)
    began = time.perf_counter()
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()
        found.look()
        found.seconds = time.perf_counter() - began
        found.cpu_seconds = sum(
            spent - before._times.get(pid, 0.0) for pid, spent in found._times.items()
        )
