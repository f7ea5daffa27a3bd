"""A Java that can run Spark: the machine's own, else one fetched once per user."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import jdk

from winnow.cache import cache_folder
from winnow.errors import CommandError

OLDEST = 17
FETCHED = "17"
# Spark's launcher asks for this module; a Java without it ends before it prints anything useful.
VECTOR_MODULE = "jdk.incubator.vector"


class _UnfitError(Exception):
    """Why a Java cannot run Spark."""


def find_java() -> Path:
    """Return the JAVA_HOME of a Java that can run Spark; its `bin/java` exists.

    Looks at JAVA_HOME, then PATH, then at what was fetched before. What does not fit is passed
    over, since JAVA_HOME is often set for other work. Costs 0.1 s where the first one fits.

    Raises:
        CommandError: none fits and none could be fetched.
    """
    reasons = []
    if home := os.environ.get("JAVA_HOME"):
        try:
            return _checked(Path(home, "bin", "java"))
        except _UnfitError as error:
            reasons.append(f"JAVA_HOME={home} {error}")
    if found := shutil.which("java"):
        try:
            return _checked(Path(found))
        except _UnfitError as error:
            reasons.append(f"{found} {error}")
    else:
        reasons.append("there is no java on PATH")
    try:
        return _fetched(cache_folder("java"))
    except (OSError, jdk.JdkError, _UnfitError) as error:
        reasons.append(f"fetching one failed ({error})")
    raise CommandError(
        f"Spark needs Java {OLDEST} or newer: {', '.join(reasons)}; install a JDK of version "
        f"{OLDEST} or 21, or set JAVA_HOME to one"
    )


def _checked(java: Path) -> Path:
    """Return the home of `java`, as it says itself: the path may be a link or a wrapper."""
    complete = _run(java, f"--add-modules={VECTOR_MODULE}")
    output = complete or _run(java)
    if output is None:
        raise _UnfitError("does not run" if java.exists() else "has no bin/java")
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    if version is None:
        raise _UnfitError("does not say its version")
    if int(version[1]) < OLDEST:
        raise _UnfitError(f"is Java {version[1]}")
    if complete is None:
        raise _UnfitError(f"lacks the module {VECTOR_MODULE}")
    home = re.search(r"^ *java\.home = (.+)$", output, re.MULTILINE)
    return Path(home[1].strip()) if home else java.resolve().parent.parent


def _run(java: Path, *options: str) -> str | None:
    """Return what `java -version` prints with its properties; None when it fails."""
    command = [str(java), *options, "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout + done.stderr


def _fetched(folder: Path) -> Path:
    """Return the Java in `folder`; fetch it (200 MB) when there is none.

    It is unpacked beside its place and then renamed: another process sees a whole Java or none.
    """
    place = folder / FETCHED
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as part:
            jdk.install(FETCHED, path=f"{part}/java")
            try:
                Path(part, "java").rename(place)
            except OSError:
                if not place.exists():  # else another process was first
                    raise
    # macOS keeps the home two folders further down.
    for java in sorted(place.glob("*/bin/java")) + sorted(place.glob("*/Contents/Home/bin/java")):
        return _checked(java)
    raise _UnfitError(f"{place} holds no bin/java")
