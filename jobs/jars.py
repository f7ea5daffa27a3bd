"""Delta Lake's jars for Spark, fetched once per user.

Seven jars of 13 MB are all that Winnow needs. Letting Spark resolve Delta's dependencies would
fetch 174 MB, with older copies of what Spark has already. A cluster that brings Delta itself
(Databricks, for one) needs nothing from here.
"""

import hashlib
import os
import shutil
import tempfile
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from winnow.cache import cache_folder
from winnow.errors import CommandError

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
TIMEOUT = 60  # seconds without a byte

# Path below a Maven repository without the file name, and the jar's sha256. The version of Delta
# goes with the one of delta-spark in setup.cfg.
JARS = (
    (
        "io/delta/delta-spark_4.2_2.13/4.4.0",
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    (
        "io/delta/delta-storage/4.4.0",
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    ),
    (
        "io/delta/delta-kernel-api/4.4.0",
        "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11",
    ),
    (
        "io/delta/delta-kernel-defaults/4.4.0",
        "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b",
    ),
    (
        "io/delta/delta-kernel-unitycatalog/4.4.0",
        "cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa",
    ),
    (
        "io/unitycatalog/unitycatalog-client/0.6.0",
        "48257499a86b801a3e2372cec55ac226ca1c1c7eabe5c118e7302f29a1fdbc19",
    ),
    (
        "io/unitycatalog/unitycatalog-hadoop/0.6.0",
        "c47b63c961c87102b9e1d63809a0915ba4c86b7652f57c8d39ca3a05b441a150",
    ),
)


def delta_jars() -> list[Path]:
    """Return the paths of Delta's jars, after fetching those that are missing or damaged.

    WINNOW_MAVEN names a mirror of Maven Central; its layout is the same.

    Raises:
        CommandError: a jar is not there and could not be fetched, or is not the pinned one.
    """
    folder = cache_folder("jars")
    maven = os.environ.get("WINNOW_MAVEN", MAVEN_CENTRAL).rstrip("/")
    jars = [(address, folder / _file_name(address), sha256) for address, sha256 in JARS]
    # Hashing all seven takes 0.02 s; a jar cut short would fail much later and say much less.
    missing = [jar for jar in jars if not (jar[1].is_file() and _sha256(jar[1]) == jar[2])]
    try:
        for address, path, sha256 in missing:
            _fetch(f"{maven}/{address}/{path.name}", path, sha256)
    except (OSError, ValueError, HTTPException) as error:  # ValueError: no such kind of URL
        names = ", ".join(path.name for _, path, _ in missing)
        raise CommandError(
            f"Spark needs Delta Lake's jars {names} in {folder}; fetching them from {maven} "
            f"failed ({error}); copy them into that folder, or set WINNOW_MAVEN to a mirror "
            "of Maven Central that this machine can reach"
        ) from error
    return [path for _, path, _ in jars]


def _file_name(address: str) -> str:
    _, artifact, version = address.rsplit("/", 2)
    return f"{artifact}-{version}.jar"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, path: Path, sha256: str) -> None:
    """Download to a file of our own, then rename: another process sees a whole jar or none."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
        part = Path(folder, path.name)
        with urlopen(url, timeout=TIMEOUT) as response, part.open("wb") as file:
            shutil.copyfileobj(response, file)
        found = _sha256(part)
        if found != sha256:
            raise CommandError(
                f"{url} is not the jar that Winnow was tested with: "
                f"its sha256 is {found}, expected {sha256}; set WINNOW_MAVEN to another mirror"
            )
        part.replace(path)
