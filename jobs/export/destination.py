"""The folder of an export: one export a folder, which `_export.json` in it tells of."""

import json
from typing import Any

from pyarrow import fs

from winnow.engine.warehouse import Warehouse, absolute, folder, replacing
from winnow.errors import CommandError

MANIFEST = "_export.json"
_WRITING, _DONE = "writing", "done"


class Destination:
    """A folder that is given to one export, and to the same one again after it broke off."""

    def __init__(self, address: str, warehouse: Warehouse) -> None:
        """Look at a folder, which need not exist yet.

        Raises:
            CommandError: it is none, it is the warehouse's, or what it holds is no export.
        """
        self.address = absolute(address)
        if f"{self.address}/".startswith(f"{warehouse.address}/"):
            raise CommandError(f"{self.address} is in the warehouse; name a folder of its own")
        self._place = folder(self.address)
        try:
            if self._place.base_fs.get_file_info(self._place.base_path.rstrip("/")).is_file:
                raise CommandError(f"{self.address} is a file; name a folder")
            listed = fs.FileSelector("", allow_not_found=True)
            names = [info.base_name for info in self._place.get_file_info(listed)]
            self.manifest = self._read() if MANIFEST in names else {}
        except OSError as error:
            raise CommandError(f"cannot look into {self.address}: {error}") from None
        if names and not self.manifest:
            raise CommandError(
                f"{self.address} is not empty and holds no export; name a new folder"
            )

    def _read(self) -> dict[str, Any]:
        with self._place.open_input_stream(MANIFEST) as stream:
            content = stream.read()
        try:
            found = json.loads(content)
            if found["state"] in (_WRITING, _DONE) and isinstance(found["asked"], dict):
                return dict(found)
        except (ValueError, KeyError, TypeError):
            pass
        raise CommandError(f"{self.address}/{MANIFEST} is damaged; name a new folder")

    def has(self, asked: dict[str, Any]) -> bool:
        """Whether just this was exported here, to its end.

        Raises:
            CommandError: another export was begun here.
        """
        before = self.manifest.get("asked", asked)
        other = sorted(name for name in {*before, *asked} if before.get(name) != asked.get(name))
        if other:
            said = ", ".join(f"{name} {_short(before.get(name))}" for name in other)
            raise CommandError(f"{self.address} holds another export ({said}); name a new folder")
        return self.manifest.get("state") == _DONE

    def begin(self, asked: dict[str, Any]) -> None:
        """Take the folder.

        Raises:
            CommandError: nothing can be written there.
        """
        try:
            self._place.base_fs.create_dir(self._place.base_path, recursive=True)
            self._write({"state": _WRITING, "asked": asked})
        except OSError as error:
            raise CommandError(f"cannot write to {self.address}: {error}") from None

    def end(self, written: dict[str, Any]) -> None:
        """Say that all shards are there."""
        self._write({**self.manifest, "state": _DONE, **written})

    def _write(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        with replacing(self._place, MANIFEST) as stream:
            stream.write(json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")


def _short(value: Any) -> str:
    text = "by default" if value is None else json.dumps(value)
    return text if len(text) <= 100 else text[:100] + "…"
