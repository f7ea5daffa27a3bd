"""A new pipeline to start from: `winnow init DIR` copies `conf/starter`, or a packaged pipeline."""

import re
import shlex
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from winnow.errors import CommandError
from winnow.explore.screen import Screen
from winnow.pipeline.configuration import FILE, RESERVED, read_configuration
from winnow.pipeline.files import read_yaml
from winnow.pipeline.load import CHECKS, STAGES, TESTS, packaged
from winnow.pipeline.text import Text, did_you_mean, quoted

# The two lines of a packaged `pipeline.yml` that a copy in one folder must not have.
_NAME, _INCLUDE = re.compile(r"^name: .*$", re.MULTILINE), re.compile(r"^include: .*\n", re.M)


def start(folder: Path, copied: str | None = None) -> dict[str, Any]:
    """Write the files.

    Args:
        folder: a new or empty one; the pipeline is named after it.
        copied: the packaged pipeline to copy, with what it includes, so that every rule and check
            of it can be changed; None for the small one in `conf/starter`.

    Raises:
        CommandError: the folder holds something, cannot be written, or cannot name a pipeline;
            there is no such packaged pipeline.
    """
    name = re.sub(r"[^a-z0-9]+", "_", folder.absolute().name.lower()).strip("_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED:
        raise CommandError(
            f"{folder}: a pipeline is named after its folder, and `{name}` cannot name one; "
            "begin with a letter and take another word than Winnow's and Spark's own"
        )
    sources = _folders(copied)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not empty; name a new folder")
        files = [
            _copy(file, folder / file.relative_to(source), name)
            for source in sources
            for file in _files(source)
        ]
    except OSError as error:
        raise CommandError(f"cannot write {folder}: {error.strerror}") from None
    return {"pipeline": name, "folder": str(folder), "copied": copied, "files": sorted(files)}


def _folders(copied: str | None) -> list[Path]:
    """Return the folder to copy and those that it includes."""
    if copied is None:
        return [Path(str(resources("winnow.conf"))) / "starter"]
    known = packaged()
    if copied not in known:
        raise CommandError(
            f"there is no packaged pipeline {quoted(copied)}. {did_you_mean(copied, known)}\n"
            f"There are: {', '.join(known)}"
        )
    configuration = read_configuration(read_yaml(Text.read(known[copied] / FILE)))
    return [known[copied], *(known[copied] / name for name in configuration.include)]


def _files(folder: Path) -> list[Path]:
    """Return the files that a pipeline is made of; other folders below are other parts."""
    parts = (FILE, STAGES, "*.py", CHECKS, TESTS)
    return [file for pattern in parts for file in sorted(folder.glob(pattern))]


def _copy(source: Path, target: Path, name: str) -> str:
    text = source.read_text(encoding="utf-8")
    if source.name == FILE:
        text = _INCLUDE.sub("", _NAME.sub(f"name: {name}", text, count=1), count=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return str(target)


def show_started(facts: dict[str, Any], screen: Screen) -> str:
    """Return what was written and what to do with it."""
    folder = facts["folder"]
    address = shlex.quote(folder if "/" in folder else f"./{folder}")
    lines = [*(f"wrote {file}" for file in facts["files"]), ""]
    if any(Path(file).parent == Path(folder) / "tests" for file in facts["files"]):
        lines.append(f"  try its examples  winnow test {address}")
    if facts["copied"] is None:  # it has text of its own to run on
        lines.append(f"  run it            winnow run {address}")
    lines.append(f"  on your text      winnow run {address} --set input='data/*.jsonl.gz'")
    lines.append(f"  what it takes     see `parameters` in {Path(folder) / FILE}")
    return "\n".join(lines)
