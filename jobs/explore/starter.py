"""A new pipeline to start from: `winnow init DIR` copies `conf/starter`."""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from winnow.errors import CommandError
from winnow.explore.screen import Screen
from winnow.pipeline.configuration import RESERVED

NAME = "starter"  # of the pipeline in conf/starter; the new one is named after its folder


def start(folder: Path) -> dict[str, Any]:
    """Write the files.

    Raises:
        CommandError: the folder holds something, cannot be written, or cannot name a pipeline.
    """
    name = re.sub(r"[^a-z0-9]+", "_", folder.absolute().name.lower()).strip("_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED:
        raise CommandError(
            f"{folder}: a pipeline is named after its folder, and `{name}` cannot name one; "
            "begin with a letter and take another word than Winnow's and Spark's own"
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not empty; name a new folder")
        source = resources.files("winnow.conf") / "starter"
        files = [_copy(source / path, folder / path, name) for path in _files(source)]
    except OSError as error:
        raise CommandError(f"cannot write {folder}: {error.strerror}") from None
    return {"pipeline": name, "folder": str(folder), "files": files}


def _files(folder: Traversable, below: str = "") -> list[str]:
    found: list[str] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name != "__pycache__":
            found += _files(item, f"{below}{item.name}/")
        elif item.is_file():
            found.append(below + item.name)
    return found


def _copy(source: Traversable, target: Path, name: str) -> str:
    text = source.read_text(encoding="utf-8")
    if source.name == "pipeline.yml":
        text = text.replace(f"name: {NAME}\n", f"name: {name}\n", 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return str(target)


def show_started(facts: dict[str, Any], screen: Screen) -> str:
    """Return what was written and what to do with it."""
    folder = facts["folder"]
    address = folder if "/" in folder else f"./{folder}"
    lines = [f"wrote {file}" for file in facts["files"]]
    return "\n".join(
        [
            *lines,
            "",
            f"  try its example   winnow test {address}",
            f"  run it            winnow run {address}",
            f"  on your text      winnow run {address} --set input='data/*.jsonl.gz'",
        ]
    )
