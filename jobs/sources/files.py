"""Input files: what an address names, listed and opened. Local paths need nothing but Python.

Any other address (`s3a://bucket/folder`) goes through fsspec and the driver that it names.
"""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ClassVar, cast

from winnow import conf
from winnow.errors import CommandError

COMPRESSED = (".gz", ".bz2", ".zst")
_MAGIC = re.compile(r"[*?\[]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PACKAGED = "winnow:"  # before the path of a file that comes with Winnow, below `conf`


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of an input.

    `name` is its path below the longest literal part of the input address, with "/" between the
    parts: the same wherever the input lies. `size` in bytes; `modified` in seconds since 1970,
    0 where the store does not say; `etag` is what an object store calls this content.
    """

    address: str
    name: str
    size: int
    modified: float
    format: str
    etag: str = ""

    @property
    def is_compressed(self) -> bool:
        """Whether the file has to be read from its beginning."""
        return self.name.lower().endswith(COMPRESSED)


def open_raw(file: InputFile) -> BinaryIO:
    """Open a file's bytes as they are stored.

    Raises:
        OSError: it cannot be opened.
    """
    if _SCHEME.match(file.address):
        import fsspec

        return cast(BinaryIO, fsspec.open(file.address, "rb").open())
    return Path(file.address).open("rb", buffering=0)


def list_address(
    address: str, glob: str | None, formats: Callable[[str], str | None], is_named: bool
) -> list[InputFile]:
    """List the files of a file, a folder (with all below it) or a glob, sorted by name.

    In folders and globs, what begins with "." or "_" is left out, as Spark does.

    Args:
        address: a local path, any address that fsspec knows, or `winnow:` and the path of a file
            that comes with Winnow.
        glob: of the files found, only those whose name it matches; without "/" it is matched with
            the last part of the name.
        formats: the format of a file by its name, None for a file that is not wanted.
        is_named: the user named the format: then a single file and what a glob in `address`
            matches are taken whatever their names end in.

    Raises:
        CommandError: nothing is there, nothing matches, or there is no permission.
    """
    root, pattern = address.removeprefix("file://"), None
    if root.startswith(_PACKAGED):
        root = str(Path(conf.__file__).parent / root.removeprefix(_PACKAGED))
    store: _Local | _Remote = _Remote(root) if _SCHEME.match(root) else _Local()
    try:
        found = store.file(root)
        if found is not None:
            name = PurePosixPath(root).name
            return [_input_file(found, name, formats(name) or (formats("") if is_named else None))]
        if not store.is_folder(root) and _MAGIC.search(root):
            root, pattern = _literal_part(root, store.is_folder)
        if not store.is_folder(root):
            raise CommandError(f"path: {address!r} does not exist")
        depth = None if pattern is None or "**" in pattern else pattern.count("/") + 1
        below = list(store.walk(root, depth))
    except PermissionError as error:
        raise CommandError(f"path: no permission to read {error.filename or address!r}") from error
    except CommandError:
        raise
    except store.errors as error:
        raise CommandError(
            f"path: {address[:200]!r} cannot be listed: {str(error)[:300]}"
        ) from error

    wanted = [_matcher(each) for each in (pattern, glob) if each is not None]
    files = []
    for found, name in below:
        if all(matches(name) for matches in wanted):
            kind = formats(name) or (formats("") if is_named and pattern is not None else None)
            if kind is not None:
                files.append(_input_file(found, name, kind))
    if not files:
        given = f"path: {address!r}" + (f" with glob {glob!r}" if glob else "")
        why = "of a known name that matches" if wanted else "of a known name"
        raise CommandError(
            f"{given} has no file to read: {len(below):,} files looked at, none {why}; "
            "give another `format` or `glob`"
        )
    for one, other in pairwise(sorted(file.name for file in files)):
        if one == other:  # of names that are no UTF-8
            raise CommandError(f"path: two files under {address!r} are called {one!r}; rename one")
    return sorted(files, key=lambda file: file.name)


@dataclass(frozen=True, slots=True)
class _Found:
    address: str
    size: int  # -1 of what is neither a file nor a folder
    modified: float
    etag: str = ""


def _input_file(found: _Found, name: str, kind: str | None) -> InputFile:
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if kind is None:
        raise CommandError(f"path: the format of {name!r} does not show in its name; give `format`")
    if found.size < 0:
        raise CommandError(
            f"path: {name!r} is no file, or a link to none; remove it, or leave it out by `glob`"
        )
    return InputFile(found.address, name, found.size, found.modified, kind, found.etag)


def _literal_part(address: str, is_folder: Callable[[str], bool]) -> tuple[str, str | None]:
    """Split a glob before its first part with a wildcard: `data/*/a.jsonl` at `data`.

    A folder may have such a name: `data[1]/*.jsonl` is split at `data[1]` where there is one.
    """
    parts = address.split("/")
    magic = (i for i, part in enumerate(parts) if _MAGIC.search(part))
    first = next((i for i in magic if not is_folder("/".join(parts[: i + 1]))), None)
    if first is None:
        return address, None
    return "/".join(parts[:first]) or ("/" if address.startswith("/") else "."), "/".join(
        parts[first:]
    )


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test of names: "*" and "?" stay within a part, "**" crosses parts."""
    regex = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|.", pattern, re.DOTALL):
        if part == "**/":
            regex += "(?:.*/)?"
        elif part == "**":
            regex += ".*"
        elif part == "*":
            regex += "[^/]*"
        elif part == "?":
            regex += "[^/]"
        elif part.startswith("[") and len(part) > 1:
            inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            regex += "[" + ("^" + inner[1:] if inner.startswith("!") else inner) + "]"
        else:
            regex += re.escape(part)
    try:
        compiled = re.compile(regex, re.DOTALL)
    except re.error as error:
        raise CommandError(f"glob: {pattern!r} is no pattern: {error.msg}") from error
    if "/" in pattern or "**" in pattern:
        return lambda name: compiled.fullmatch(name) is not None
    return lambda name: compiled.fullmatch(name.rpartition("/")[2]) is not None


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "_"))


def _kind(entry: os.DirEntry[str]) -> str:
    """Return `folder`, `file`, or nothing for what is neither."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return ""  # a link to itself


class _Local:
    """Files of this machine."""

    errors: ClassVar = (OSError,)  # a link to itself, a name too long

    def file(self, address: str) -> _Found | None:
        path = Path(address)
        if not path.is_file():
            # Path.is_file hides a missing permission only for the file's own folder.
            if path.parent.is_dir() and not os.access(path.parent, os.X_OK):
                raise PermissionError(13, "no permission", str(path.parent))
            if path.exists() and not path.is_dir():  # a pipe, a device
                raise CommandError(f"path: {address!r} is neither a file nor a folder")
            return None
        if not os.access(path, os.R_OK):
            raise PermissionError(13, "no permission", address)
        status = path.stat()
        return _Found(str(path.absolute()), status.st_size, status.st_mtime)

    def is_folder(self, address: str) -> bool:
        return Path(address).is_dir()

    def walk(self, root: str, depth: int | None) -> Iterator[tuple[_Found, str]]:
        """Yield the files below a folder with their names.

        Each folder is walked once, and links to folders are followed last: a link takes no file
        away from the place where it lies.
        """
        walked: set[str] = set()
        waiting = [(str(Path(root).absolute()), "", depth)]
        for folder, prefix, left in waiting:  # which grows by links meanwhile
            yield from self._walk(folder, prefix, left, walked, waiting)

    def _walk(
        self,
        folder: str,
        prefix: str,
        depth: int | None,
        walked: set[str],
        links: list[tuple[str, str, int | None]],
    ) -> Iterator[tuple[_Found, str]]:
        real = os.path.realpath(folder)
        if real in walked:
            return
        walked.add(real)
        deeper = None if depth is None else depth - 1
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            name = prefix + entry.name
            kind = _kind(entry)
            if kind == "folder":
                if deeper == 0:
                    continue
                if entry.is_symlink():
                    links.append((entry.path, name + "/", deeper))
                else:
                    yield from self._walk(entry.path, name + "/", deeper, walked, links)
            elif kind == "file":
                status = entry.stat()
                yield _Found(entry.path, status.st_size, status.st_mtime), name
            else:
                yield _Found(entry.path, -1, 0.0), name


class _Remote:
    """Files that fsspec reaches."""

    errors: ClassVar = (Exception,)  # each driver has its own for a store that does not answer

    def __init__(self, address: str) -> None:
        import fsspec

        try:
            self.filesystem, _ = fsspec.core.url_to_fs(address)
        except Exception as error:  # no driver, or one that wants more, in whatever way it says so
            raise CommandError(f"path: {address!r} cannot be opened: {error}") from error

    def _path(self, address: str) -> str:
        return str(self.filesystem._strip_protocol(address))

    def file(self, address: str) -> _Found | None:
        path = self._path(address)
        return self._found(self.filesystem.info(path)) if self.filesystem.isfile(path) else None

    def is_folder(self, address: str) -> bool:
        return bool(self.filesystem.isdir(self._path(address)))

    def walk(self, root: str, depth: int | None) -> Iterator[tuple[_Found, str]]:
        path = self._path(root).rstrip("/")
        found: Iterable[dict[str, Any]] = self.filesystem.find(
            path, maxdepth=depth, detail=True
        ).values()
        for info in found:
            name = info["name"].removeprefix(path).lstrip("/")
            if not any(_is_hidden(part) for part in name.split("/")):
                yield self._found(info), name

    def _found(self, info: dict[str, Any]) -> _Found:
        stamps = (info.get(key) for key in ("mtime", "LastModified", "last_modified", "created"))
        stamp = next((each for each in stamps if each is not None), 0.0)
        if isinstance(stamp, datetime):
            stamp = stamp.timestamp()
        modified = float(stamp) if isinstance(stamp, int | float) else 0.0
        address = self.filesystem.unstrip_protocol(info["name"])
        tags = (info.get(key) for key in ("ETag", "etag", "content_md5", "md5Hash", "checksum"))
        tag = next((str(each) for each in tags if each), "")
        return _Found(address, int(info["size"] or 0), modified, tag)
