"""The lease that keeps a second writer out of a warehouse.

Two drivers without one double rows silently. The lease is a Delta table of its own: each change is
a commit that must be the direct successor of the version it was decided on, so of two runs that
ask at once one gets it, on every store that delta-rs writes to.

A holder on this machine lives as long as its Python process; after a kill its JVM may live on for
a second and still commit, so both are named and the next run waits until both are gone. A holder
on another machine lives as long as it renews the lease.
"""

import os
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

import psutil
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from winnow.engine.warehouse import Warehouse, folder
from winnow.errors import CommandError, HeldError

RENEW_SECONDS = 30.0
EXPIRES_SECONDS = 180.0  # six missed renewals: the other machine is gone
CLOCK_SECONDS = 2.0
JVM_SECONDS = 60.0  # an orphaned JVM ends within a second; a minute means that something is wrong

SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("pipeline", pa.string()),
        ("host", pa.string()),
        ("process", pa.int64()),
        ("process_started", pa.float64()),  # tells a process from a later one of the same number
        ("jvm", pa.int64()),
        ("jvm_started", pa.float64()),
        ("renewed", pa.timestamp("us", tz="UTC")),
        ("released", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Holder:
    """Who holds, or last held, a warehouse."""

    run: str
    pipeline: str
    host: str
    process: int
    process_started: float
    jvm: int | None
    jvm_started: float | None
    renewed: datetime
    released: bool

    def __str__(self) -> str:
        jvm = f", JVM {self.jvm}" if self.jvm else ""
        return (
            f"run {self.run} of `{self.pipeline}` on {self.host} (Python process {self.process}"
            f"{jvm}; last seen {self.renewed:%Y-%m-%d %H:%M:%S} UTC)"
        )


class Lease:
    """Held from `with Lease(...)` to the end of the block, or to the end of the process."""

    def __init__(
        self, warehouse: Warehouse, run: str, pipeline: str, jvm: int | None = None
    ) -> None:
        self._path = warehouse.path("winnow", "lease")
        self._warehouse = warehouse
        self._run, self._pipeline = run, pipeline
        self._jvm = jvm
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __enter__(self) -> "Lease":
        """Take the lease.

        Raises:
            HeldError: another run holds it.
            CommandError: the warehouse cannot be written.
        """
        version, holder = _read(self._path)
        if holder is not None and not holder.released:
            _wait_until_gone(holder, self._warehouse)
        # Another run may have come first meanwhile: then this is no direct successor and fails.
        if not self._write(released=False, after=version):
            now, winner = _read(self._path)
            if now == version:
                raise CommandError(
                    f"cannot write to the warehouse {self._warehouse.address}: the folder winnow "
                    "in it takes no table. Check its owner and the space that is left"
                )
            raise HeldError(_held(self._warehouse, winner))
        threading.Thread(target=self._renew, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        with self._lock:
            version, _ = _read(self._path)
            self._write(released=True, after=version)

    def name_jvm(self, process: int | None) -> None:
        """Note the JVM that writes for this run.

        Raises:
            HeldError: the lease was lost meanwhile.
        """
        self._jvm = process
        self.check(renew=True)

    def check(self, *, renew: bool = False) -> None:
        """Make sure that this run still holds the lease; called before every publish.

        Raises:
            HeldError: another run took it, since this one did not renew it in time.
        """
        with self._lock:
            version, holder = _read(self._path)
            lost = holder is None or holder.run != self._run
            if lost or (renew and not self._write(released=False, after=version)):
                raise HeldError(_held(self._warehouse, holder))

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_SECONDS):
            with self._lock:
                version, holder = _read(self._path)
                if self._stop.is_set() or holder is None or holder.run != self._run:
                    return
                self._write(released=False, after=version)

    def _write(self, *, released: bool, after: int | None) -> bool:
        """Commit a row as the direct successor of version `after`; False if another came first."""
        row = {
            "run": self._run,
            "pipeline": self._pipeline,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "process_started": _started(os.getpid()),
            "jvm": self._jvm,
            "jvm_started": _started(self._jvm),
            "renewed": datetime.now(UTC),
            "released": released,
        }
        at_once = CommitProperties(max_commit_retries=0)
        try:
            if after is None:
                # Tried again, the second creation would be a commit after the first one's.
                DeltaTable.create(self._path, SCHEMA, mode="error", commit_properties=at_once)
                after = 0
            table = DeltaTable(self._path, version=after)
            write_deltalake(
                table,
                pa.Table.from_pylist([row], schema=SCHEMA),
                mode="overwrite",
                commit_properties=at_once,
            )
        except DeltaError:
            return False
        return True


def holder_of(warehouse: Warehouse) -> Holder | None:
    """Return who holds the warehouse now, None when nobody does."""
    _, holder = _read(warehouse.path("winnow", "lease"))
    return None if holder is None or holder.released or not _alive(holder) else holder


def free(warehouse: Warehouse) -> None:
    """Return when nobody holds the warehouse; the JVM of a killed run is waited for.

    Raises:
        HeldError: a run holds it.
    """
    _, holder = _read(warehouse.path("winnow", "lease"))
    if holder is not None and not holder.released:
        _wait_until_gone(holder, warehouse)


def _read(path: str) -> tuple[int | None, Holder | None]:
    try:
        table = DeltaTable(path)
    except TableNotFoundError:
        return None, None
    except DeltaError as error:
        raise CommandError(
            f"the lease {path} cannot be read: {str(error).splitlines()[0]}. "
            "Delete that folder once no run is at work in this warehouse"
        ) from None
    rows = table.to_pyarrow_table(filesystem=folder(path)).to_pylist()
    return table.version(), Holder(**rows[0]) if rows else None


def _wait_until_gone(holder: Holder, warehouse: Warehouse) -> None:
    """Return when the holder is gone; the JVM of a killed run is waited for.

    Raises:
        HeldError: it is alive.
    """
    deadline = time.monotonic() + JVM_SECONDS
    while _alive(holder):
        here = holder.host == socket.gethostname()
        killed = here and not _runs(holder.process, holder.process_started)
        if not killed or time.monotonic() > deadline:
            raise HeldError(_held(warehouse, holder))
        time.sleep(0.1)


def _alive(holder: Holder) -> bool:
    if holder.host != socket.gethostname():
        return (datetime.now(UTC) - holder.renewed).total_seconds() < EXPIRES_SECONDS
    return _runs(holder.process, holder.process_started) or _runs(holder.jvm, holder.jvm_started)


def _runs(process: int | None, started: float | None) -> bool:
    now = _started(process)
    # The kernel gives start times relative to a boot time that clock corrections move.
    return now is not None and started is not None and abs(now - started) < CLOCK_SECONDS


def _started(process: int | None) -> float | None:
    """When a process started, in seconds since the epoch; None when there is no such process."""
    if process is None:
        return None
    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.NoSuchProcess:
        return None


def _held(warehouse: Warehouse, holder: Holder | None) -> str:
    return (
        f"the warehouse {warehouse.address} is held by {holder or 'another run'}. "
        "Wait for it to end, or stop it, and run again"
    )
