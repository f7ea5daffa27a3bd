"""The folder of an export: one export a folder, which `_export.json` in it tells of."""

from pathlib import Path
from typing import Any, Literal

from pyarrow import fs
from pydantic import BaseModel, ConfigDict, ValidationError

from winnow.engine.warehouse import Warehouse, absolute, folder, replacing
from winnow.errors import CommandError

MANIFEST = "_export.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(_Strict):
    """What tells one export from another."""

    table: str
    versions: dict[str, str]  # of the table and of all that it is a view of, each with its run
    format: str
    columns: list[str]
    shards: int | None


class File(_Strict):
    """A shard that was written; its digest is the BLAKE2b-128 of the file's bytes."""

    file: str
    documents: int
    bytes: int
    digest: str


class Manifest(_Strict):
    """What `_export.json` says."""

    state: Literal["writing", "done"]
    export: str
    winnow: str
    asked: Asked
    documents: int = 0
    bytes: int = 0
    shards: list[File] = []


class Destination:
    """A folder that is given to one export, and to the same one again after it broke off."""

    def __init__(self, address: str, warehouse: Warehouse) -> None:
        """Look at a folder, which need not exist yet.

        Raises:
            CommandError: it is none, it is the warehouse's, or what it holds is no export.
        """
        self.address = _resolved(address)
        if f"{self.address}/".startswith(f"{_resolved(warehouse.address)}/"):
            raise CommandError(f"{self.address} is in the warehouse; name a folder of its own")
        self._place = folder(self.address)
        try:
            if self._place.base_fs.get_file_info(self._place.base_path.rstrip("/")).is_file:
                raise CommandError(f"{self.address} is a file; name a folder")
            listed = fs.FileSelector("", allow_not_found=True)
            self._sizes = {one.path: one.size for one in self._place.get_file_info(listed)}
            self.manifest = self._read() if MANIFEST in self._sizes else None
        except OSError as error:
            raise CommandError(f"cannot look into {self.address}: {error}") from None
        if self._sizes and self.manifest is None:
            raise CommandError(
                f"{self.address} is not empty and holds no export; name a new folder"
            )

    def _read(self) -> Manifest:
        with self._place.open_input_stream(MANIFEST) as stream:
            content = stream.read()
        try:
            return Manifest.model_validate_json(content)
        except ValidationError:
            raise CommandError(f"{self.address}/{MANIFEST} is damaged; name a new folder") from None

    def done(self, asked: Asked) -> Manifest | None:
        """Return what was exported here, if that was just this, to its end, and is still there.

        Raises:
            CommandError: another export was begun here.
        """
        found = self.manifest
        if found is None:
            return None
        before, now = found.asked.model_dump(), asked.model_dump()
        other = [name for name in now if before[name] != now[name]]
        if other:
            said = ", ".join(f"{name} {_said(before[name], now[name])}" for name in other)
            raise CommandError(f"{self.address} holds another export ({said}); name a new folder")
        is_whole = all(self._sizes.get(one.file) == one.bytes for one in found.shards)
        return found if found.state == "done" and is_whole else None

    def begin(self, manifest: Manifest) -> None:
        """Take the folder.

        Raises:
            CommandError: nothing can be written there.
        """
        try:
            self._place.base_fs.create_dir(self._place.base_path, recursive=True)
            self._write(manifest)
        except OSError as error:
            raise CommandError(f"cannot write to {self.address}: {error}") from None

    def end(self, manifest: Manifest) -> None:
        """Say that all shards are there.

        Raises:
            CommandError: another run has taken the folder since `begin`.
            OSError: it cannot be written.
        """
        holder = self._read().export
        if holder != manifest.export:
            raise CommandError(
                f"another run ({holder}) took {self.address} meanwhile; export again when it ended"
            )
        self._write(manifest)

    def _write(self, manifest: Manifest) -> None:
        with replacing(self._place, MANIFEST) as stream:
            stream.write(manifest.model_dump_json(indent=2).encode() + b"\n")


def _resolved(address: str) -> str:
    """Return an address without links and other names for the same place."""
    if address.startswith("file://"):
        address = fs.FileSystem.from_uri(address)[1]
    found = absolute(address)
    if "://" not in found:
        return str(Path(found).resolve())
    return found.replace("s3a://", "s3://", 1)


def _said(value: Any, now: Any) -> str:
    """Return a value that is another one now; of several the other ones."""
    if isinstance(value, dict):
        other = sorted(name for name in value if value[name] != now.get(name))
        return ", ".join(f"{name} {value[name]}" for name in other) or "of fewer tables"
    return "by default" if value is None else str(value)
