"""Where a warehouse keeps its tables: a folder or a URI that both Spark and delta-rs reach.

<warehouse>/_warehouse.json          the format number
<warehouse>/_published.json          the published versions, for readers without Winnow
<warehouse>/winnow/<table>           control tables
<warehouse>/<pipeline>/<stage>       one Delta table per stage
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from pyarrow import fs

from winnow.errors import CommandError
from winnow.schemas.control import FORMAT

_IMPOSSIBLE = set("[]^|\\")  # delta-rs 1.6 takes a path for a URL, and stops the program at these
MARKER, PUBLISHED = "_warehouse.json", "_published.json"


@dataclass(frozen=True)
class Warehouse:
    """A warehouse by its address: an absolute path, or a URI such as `s3a://bucket/corpus`."""

    address: str

    @classmethod
    def at(cls, address: str) -> "Warehouse":
        """Return the warehouse at a path or URI, which need not exist yet.

        Raises:
            CommandError: Delta cannot keep a table at such an address.
        """
        full = absolute(address)
        impossible = next((one for one in full if one in _IMPOSSIBLE or one < " "), None)
        if impossible is not None:
            raise CommandError(
                f"the warehouse's address {full!r} has {impossible!r} in it, which Delta cannot "
                "have there. Name another with --warehouse"
            )
        return cls(full)

    def path(self, schema: str, table: str) -> str:
        """Return the address of a table."""
        return f"{self.address}/{schema}/{table}"

    def exists(self) -> bool:
        """Whether a run has made a warehouse here.

        Raises:
            CommandError: the address is a file, or the warehouse has a newer format.
        """
        filesystem, root = self._filesystem()
        info = filesystem.get_file_info(root)
        if info.type == fs.FileType.File:
            raise CommandError(
                f"{self.address} is a file; a warehouse is a folder. Name another with --warehouse"
            )
        try:
            marker = self.read_json(MARKER)
        except ValueError:
            raise CommandError(
                f"{self.address}/{MARKER} is damaged. A warehouse of this Winnow has "
                f'{{"format": {FORMAT}}} there'
            ) from None
        if marker is None:
            return False
        found = marker.get("format")
        if not isinstance(found, int) or found > FORMAT:
            raise CommandError(
                f"the warehouse {self.address} has format {found}; this Winnow reads up to "
                f"{FORMAT}. Install a newer Winnow"
            )
        return True

    def create(self) -> None:
        """Make the folder and write the format number, unless that was done before.

        Raises:
            CommandError: the address cannot be a warehouse.
        """
        if self.exists():
            return
        filesystem, root = self._filesystem()
        try:
            filesystem.create_dir(root, recursive=True)
            self.write_json(MARKER, {"format": FORMAT})
        except OSError as error:
            raise CommandError(f"cannot make a warehouse at {self.address}: {error}") from None

    def stored_bytes(self, schema: str, table: str) -> int:
        """Return the bytes of all files of a table: of every version that was not vacuumed."""
        filesystem, root = self._filesystem()
        selector = fs.FileSelector(f"{root}/{schema}/{table}", allow_not_found=True, recursive=True)
        return sum(info.size for info in filesystem.get_file_info(selector) if info.is_file)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return a JSON object beside the tables, None where there is none.

        Raises:
            ValueError: the file holds something else.
        """
        filesystem, root = self._filesystem()
        if filesystem.get_file_info(f"{root}/{name}").type != fs.FileType.File:
            return None
        with filesystem.open_input_stream(f"{root}/{name}") as stream:
            loaded = json.loads(stream.read())
        if not isinstance(loaded, dict):
            raise ValueError(f"{name} is no JSON object")
        return loaded

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Replace a JSON object beside the tables. On a file system, at once or not at all."""
        text = json.dumps(value, indent=2, sort_keys=True).encode()
        with replacing(folder(self.address), name) as stream:
            stream.write(text)

    def _filesystem(self) -> tuple[fs.FileSystem, str]:
        return _file_system(self.address)


def absolute(address: str) -> str:
    """Return an address as it is understood from any folder: a URI or an absolute path.

    Raises:
        CommandError: it names no place.
    """
    _, is_uri, place = address.partition("://")
    if not (place if is_uri else address).strip("/ ") and address != "/":
        raise CommandError(f"the address {address!r} names no folder")
    if is_uri:
        return address.rstrip("/")
    try:
        return str(Path(address).expanduser().absolute())
    except RuntimeError as error:  # of a user who is not there
        raise CommandError(f"the address {address!r}: {error}") from None


@contextmanager
def replacing(place: fs.SubTreeFileSystem, name: str) -> Iterator[pa.NativeFile]:
    """Open a file of a folder that takes the place of the one there.

    On a disk it does so when it is whole; a store knows no object before its last byte.
    """
    on_disk = isinstance(place.base_fs, fs.LocalFileSystem)
    written = f".{name}.{uuid4().hex}.partial" if on_disk else name
    try:
        with place.open_output_stream(written) as stream:
            yield stream
        if on_disk:
            place.move(written, name)
    except BaseException:
        if on_disk:
            with suppress(OSError):
                place.delete_file(written)
        raise


def folder(path: str) -> fs.SubTreeFileSystem:
    """Return the folder at a path or URI as Arrow's own file system.

    Delta tables are read through it, too: delta-rs' default one calls Python from Arrow's threads;
    one of them that is still reading ahead when the program ends aborts it (exit code 134, about
    one command in 25).

    Raises:
        CommandError: the address is not understood.
    """
    filesystem, root = _file_system(path)
    return fs.SubTreeFileSystem(root, filesystem)


def _file_system(address: str) -> tuple[fs.FileSystem, str]:
    if "://" not in address:
        return fs.LocalFileSystem(), address
    address = address.replace("s3a://", "s3://", 1)  # Hadoop's name for the same store
    try:
        filesystem, root = fs.FileSystem.from_uri(address)
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot reach {address}: {str(error).splitlines()[0]}") from None
    return filesystem, root
