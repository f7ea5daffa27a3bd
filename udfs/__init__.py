"""Column functions: bytes in, numbers out. No Spark session, no files.

numba keeps compiled kernels on disk and refuses to import one when it finds no folder that it may
write to (a read-only installation under a user without a home, as Spark's workers often are). It
reads `NUMBA_CACHE_DIR` once, when it is imported, so the folder is settled here: every kernel
module is imported after this file.
"""

import os
import sys
import tempfile
from pathlib import Path


def _writable(folder: Path) -> bool:
    """Whether a file can be made in the folder, which is made if need be. numba tests the same."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_folder() -> Path:
    """Return a temporary folder of this user alone: what lies in it is loaded as code."""
    folder = Path(tempfile.gettempdir(), f"winnow-numba-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if status.st_uid == os.getuid() and status.st_mode & 0o077 == 0 and _writable(folder):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="winnow-numba-"))


def _settle_kernel_cache() -> None:
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    usual = (Path(__file__).parent / "__pycache__", Path(caches, "numba"))
    if "NUMBA_CACHE_DIR" in os.environ or any(_writable(folder) for folder in usual):
        return
    os.environ["NUMBA_CACHE_DIR"] = folder = str(_private_folder())
    if not Path(__file__).exists():  # for a module in a zip, numba only looks at the user's caches
        os.environ["XDG_CACHE_HOME"] = folder
    if "numba" in sys.modules:  # imported by someone else before, it has already looked
        sys.modules["numba"].config.reload_config()


_settle_kernel_cache()
