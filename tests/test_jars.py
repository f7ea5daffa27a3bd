import hashlib
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from winnow import jars
from winnow.errors import CommandError


@pytest.fixture
def maven(monkeypatch, tmp_path):
    """A mirror in a folder that has two small jars, and a cache that has none."""
    pinned = []
    for address, content in [("org/a/1.0", b"first"), ("org/b/2.0", b"second")]:
        folder, name = tmp_path / "maven" / address, address.split("/")[1]
        folder.mkdir(parents=True)
        (folder / f"{name}-{folder.name}.jar").write_bytes(content)
        pinned.append((address, hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(jars, "JARS", tuple(pinned))
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WINNOW_MAVEN", (tmp_path / "maven").as_uri())
    return tmp_path / "maven"


def message() -> str:
    with pytest.raises(CommandError) as raised:
        jars.delta_jars()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def test_jars_are_fetched_and_nothing_else_is_left_in_the_cache(maven, tmp_path):
    found = jars.delta_jars()
    assert contents(found) == [b"first", b"second"]
    assert sorted(found) == sorted((tmp_path / "cache" / "jars").iterdir())


def test_jars_that_are_there_need_no_network(maven):
    found = jars.delta_jars()
    shutil.rmtree(maven)
    assert jars.delta_jars() == found


def test_a_jar_that_was_cut_short_is_fetched_again(maven):
    found = jars.delta_jars()
    found[1].write_bytes(b"sec")
    assert contents(jars.delta_jars()) == [b"first", b"second"]


def test_a_jar_with_other_bytes_than_the_pinned_is_refused(maven, tmp_path):
    jar = maven / "org" / "b" / "2.0" / "b-2.0.jar"
    jar.write_bytes(b"something else")
    assert f"{jar.as_uri()} is not the jar that Winnow was tested with" in message()
    assert not (tmp_path / "cache" / "jars" / "b-2.0.jar").exists()


def test_without_network_one_line_names_what_is_missing_and_how_to_provide_it(
    maven, monkeypatch, tmp_path
):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{closed.getsockname()[1]}/maven"
    monkeypatch.setenv("WINNOW_MAVEN", mirror)
    folder = tmp_path / "cache" / "jars"
    shutil.copy(maven / "org" / "a" / "1.0" / "a-1.0.jar", cache_of(folder))
    text = message()
    assert text.startswith(
        f"Spark needs Delta Lake's jars b-2.0.jar in {folder}; fetching them from {mirror} failed"
    )
    assert "copy them into that folder, or set WINNOW_MAVEN" in text


def cache_of(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("address", ["not an address", "ftp2://nowhere", ""])
def test_an_address_that_is_none_is_named(maven, monkeypatch, address):
    monkeypatch.setenv("WINNOW_MAVEN", address)
    assert "set WINNOW_MAVEN" in message()


def test_two_at_once_both_get_whole_jars(maven):
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: jars.delta_jars(), range(16)):
            assert contents(found) == [b"first", b"second"]


def test_a_cache_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "file" / "cache"))
    assert "set WINNOW_CACHE to a folder that you may write" in message()


def test_the_pinned_jars_are_those_of_the_installed_delta_spark():
    address, _ = jars.JARS[0]
    assert address.endswith(f"/{version('delta-spark')}")
