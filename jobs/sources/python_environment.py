"""Text that every machine with Winnow has: the documentation in its Python environment.

Docstrings and comments of all installed modules and of the standard library, and the READMEs,
licences, changelogs and descriptions beside them: real prose, tables, many exact and near copies,
and much junk. Modules are scanned by one regular expression at about 20 MB/s, where Python's own
parser reads 4 MB/s: what a docstring is, is decided by how it looks.
"""

import codecs
import csv
import inspect
import io
import json
import os
import re
import sysconfig
import tokenize
from collections.abc import Iterator, Mapping
from email import message_from_string
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from winnow.sources.files import InputFile
from winnow.sources.records import Record, rejected, without_surrogates
from winnow.sources.streams import InputStream

ADDRESS = FORMAT = "python-environment"

# Shorter docstrings and comments are labels rather than texts.
SHORTEST = 200  # code points
LARGEST_FILE = 5_000_000  # bytes; larger ones are data

_STANDARD_LIBRARY = "stdlib"
_LEFT_OUT = {"__pycache__", "site-packages", "dist-packages"}  # folders
_TEXT_KINDS = (
    (re.compile(r"(readme|metadata)\b.*", re.IGNORECASE), "readme"),
    (re.compile(r"(licen[cs]e|copying|notice|authors)\b.*", re.IGNORECASE), "licence"),
    (re.compile(r"(changelog|changes|history|news)\b.*", re.IGNORECASE), "changelog"),
    (re.compile(r".*\.(md|rst)", re.IGNORECASE), "readme"),
)
_TEXT_SUFFIXES = {"", ".md", ".rst", ".txt"}

# Every string and comment of a module: what stands in a string is no comment, and the other way
# round. Triple-quoted ones first.
_TOKEN = re.compile(
    rb"""(?P<triple>(?:\"{3}[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+\"{3})"""
    rb"""|(?:'{3}[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'{3}))"""
    rb"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"""
    rb"""|(?P<comment>\#[^\n]*+)""",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"^[ \t]*#[:!]?[ \t]?", re.MULTILINE)


class Distribution(NamedTuple):
    """An installed distribution: its name, and its licence as its metadata gives it."""

    name: str
    licence: str | None


def list_environment() -> list[InputFile]:
    """List the files of the running interpreter's environment, sorted by name.

    Names are relative to the site-packages folder; those of the standard library begin with
    `stdlib/`. Winnow itself, caches and compiled files are left out, so that one environment gives
    the same list in every checkout.
    """
    roots = [(Path(sysconfig.get_path("stdlib")), f"{_STANDARD_LIBRARY}/")]
    packages = {Path(sysconfig.get_path(key)) for key in ("purelib", "platlib")}
    roots += [(folder, "") for folder in sorted(packages)]
    files = {}
    for folder, prefix in roots:
        for path in _walk(folder):
            name = prefix + path.relative_to(folder).as_posix()
            if path.is_file() and (status := path.stat()).st_size <= LARGEST_FILE:
                files[name] = InputFile(str(path), name, status.st_size, status.st_mtime, FORMAT)
    return [files[name] for name in sorted(files)]


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in _LEFT_OUT and not _is_own(each)]
        for name in names:
            if (name.endswith(".py") or _text_kind(name)) and not _is_own(name):
                yield Path(folder, name)


def _is_own(part: str) -> bool:
    return part == "winnow" or part.startswith(("winnow_data", "__editable__"))


def _text_kind(name: str) -> str | None:
    stem, dot, suffix = name.rpartition(".")
    if (dot + suffix if stem else "").lower() not in _TEXT_SUFFIXES:
        return None
    return next((kind for pattern, kind in _TEXT_KINDS if pattern.fullmatch(name)), None)


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record]:
    """Yield the documents of one file, which is read whole: it has at most LARGEST_FILE bytes.

    A module gives one document for each docstring and each block of comment lines of at least
    SHORTEST characters, without their indentation and the "#". Any other file is one document, of
    a METADATA file its description. `metadata` holds `kind` (docstring, comment, readme, licence or
    changelog) and `path`. A module that is not in the encoding that it declares, or that holds
    NUL, is rejected as `unreadable_python`; a file without text as `no_text`.

    Args:
        options: of `read_documents`; only the constants are looked at.
    """
    content = stream.read()
    distribution = _distribution(file)
    name = file.name.rpartition("/")[2]
    if not name.endswith(".py"):
        pieces = iter([_whole(content, name)])
    elif (encoding := _encoding(content)) is not None:
        pieces = _pieces(content, encoding)
    else:
        yield rejected(0, "unreadable_python", content)
        return
    for position, kind, text in pieces:
        if not text:
            yield rejected(position, "no_text", content)
            continue
        yield Record(
            position,
            text,
            source=options["constant_source"] or distribution.name,
            licence=options["constant_licence"] or distribution.licence,
            metadata={name: json.dumps(of) for name, of in (("kind", kind), ("path", file.name))},
        )


def _whole(content: bytes, name: str) -> tuple[int, str, str]:
    position = 0
    if name == "METADATA":
        header = re.match(rb"(?:[^\r\n]+\r?\n)*\r?\n?", content)
        position = header.end() if header else 0
    text = content[position:].decode("utf-8-sig", "replace")
    return position, _text_kind(name) or "readme", text.strip()


def _encoding(content: bytes) -> str | None:
    """Return the encoding of a module, None if its bytes are not in it."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        content.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None
    return None if b"\0" in content else encoding


def _pieces(content: bytes, encoding: str) -> Iterator[tuple[int, str, str]]:
    """Yield (position, kind, text) of the documents of a module, in order."""
    for kind, start, end in _spans(content):
        text = _decoded(content[start:end], encoding)
        text = text[3:-3] if kind == "docstring" else _COMMENT_MARK.sub("", text)
        text = inspect.cleandoc(text).strip()
        if len(text) >= SHORTEST:
            yield start, kind, text


def _spans(content: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of the docstrings and comment blocks of a module, in order.

    A docstring is a triple-quoted string that begins a line and comes first in the module or after
    a ":". A comment block is made of neighbouring lines that hold only a comment.
    """
    begin = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    end = begin  # of the token before
    code = b""  # the last byte of code so far: what is neither white space nor in a comment
    block: tuple[int, int] | None = None  # the comment block that the token before belongs to
    for token in _TOKEN.finditer(content, begin):
        start = token.start()
        gap = content[end:start]
        if token["triple"]:
            gap = gap.rstrip(b"rRuU")  # the string's prefix
        between = gap.strip()
        code = between[-1:] or code
        begins_line = not gap.rpartition(b"\n")[2].strip() and (b"\n" in gap or end == begin)
        goes_on = token["comment"] and block and not between and gap.count(b"\n") == 1
        if block and goes_on:
            block = block[0], token.end()
        else:
            if block:
                yield "comment", *block
            block = (start, token.end()) if token["comment"] and begins_line else None
            if token["triple"] and begins_line and code in (b"", b":"):
                yield "docstring", start, token.end()
        if not token["comment"]:
            code = b'"'
        end = token.end()
    if block:
        yield "comment", *block


def _decoded(piece: bytes, encoding: str) -> str:
    r"""Return a piece of source as Python reads it: every line end is "\n"."""
    text = piece.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return without_surrogates(text)


def _distribution(file: InputFile) -> Distribution:
    """Return the distribution that installed the file; unlisted files are named by their folder."""
    if file.name.startswith(f"{_STANDARD_LIBRARY}/"):
        return Distribution(_STANDARD_LIBRARY, "PSF-2.0")
    found = _distributions(file.address.removesuffix(file.name)).get(file.name)
    return found or Distribution(file.name.partition("/")[0].removesuffix(".py"), None)


@cache
def _distributions(root: str) -> dict[str, Distribution]:
    """Return what is installed under a site-packages folder, by the path of each file there."""
    installed: dict[str, Distribution] = {}
    for folder in sorted(Path(root).glob("*.dist-info")):
        metadata, record = folder / "METADATA", folder / "RECORD"
        if metadata.is_file() and record.is_file():
            fields = message_from_string(metadata.read_text(encoding="utf-8", errors="replace"))
            distribution = Distribution(str(fields["Name"] or folder.stem), _licence(fields))
            with record.open(encoding="utf-8", errors="replace", newline="") as rows:
                installed.update((row[0], distribution) for row in csv.reader(rows) if row)
    return installed


def _licence(fields: Message) -> str | None:
    """Return the licence of a distribution: the expression, else a short name, else a classifier.

    The field License often holds the whole text of a licence, which is no name.
    """
    for value in (fields["License-Expression"], fields["License"]):
        if value and "\n" not in str(value) and len(str(value)) <= 100:
            return str(value)
    classifiers = (str(each).split(" :: ") for each in fields.get_all("Classifier", []))
    return next((parts[-1] for parts in classifiers if parts[0] == "License"), None)
