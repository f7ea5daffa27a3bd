"""What a column function makes of a file of the user's, kept while the file stays as it is."""

import os
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Loaded = TypeVar("Loaded")

MOST = 4  # files of one function


def remembered(load: Callable[[str], Loaded]) -> Callable[[str], Loaded]:
    """Decorate a function of a path: it is called again only for a file that has changed.

    A worker lives for many stages, and a run may follow another one in the same session, so the
    path alone does not say what is in the file.
    """

    @lru_cache(MOST)
    def loaded(path: str, stamp: tuple[int, ...]) -> Loaded:
        return load(path)

    @wraps(load)
    def get(path: str) -> Loaded:
        try:
            status = os.stat(path)
        except OSError:
            return load(path)  # which says what is wrong
        return loaded(path, (status.st_mtime_ns, status.st_size, status.st_ino))

    return get
