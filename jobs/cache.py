"""The folder for what Winnow keeps once per user: Java, Delta's jars, Spark's last log."""

import os
from pathlib import Path

from winnow.errors import CommandError


def cache_folder(name: str) -> Path:
    """Return the folder `name` of the user's cache; it exists afterwards.

    The cache is WINNOW_CACHE, else `winnow` in XDG_CACHE_HOME, else ~/.cache/winnow.

    Raises:
        CommandError: the folder cannot be made or written.
    """
    if own := os.environ.get("WINNOW_CACHE"):
        cache = Path(own)
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "winnow"
    try:
        # Absolute, since Spark and its workers may start in another folder.
        folder = cache.expanduser().absolute() / name
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        raise CommandError(
            f"cannot make the folder {cache / name} ({error}); "
            "set WINNOW_CACHE to a folder that you may write"
        ) from error
    return folder
