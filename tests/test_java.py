import subprocess
import sys
from pathlib import Path

import jdk
import pytest

from winnow import java
from winnow.errors import CommandError

RUNS_SPARK = """#!/bin/sh
echo '    java.home = {home}' >&2
echo 'openjdk version "{version}"' >&2
"""
LACKS_THE_MODULE = """#!/bin/sh
case "$1" in --add-modules=*) exit 1 ;; esac
echo 'openjdk version "{version}"' >&2
"""


@pytest.fixture
def no_java(monkeypatch, tmp_path):
    """A machine without Java and without a network."""

    def fail(version: str, path: str) -> None:
        raise jdk.JdkError("no network")

    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jdk, "install", fail)


def install(home: Path, version: str, script: str = RUNS_SPARK) -> Path:
    """Put a script that speaks like Java of `version` into `home`; return `home`."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text(script.format(home=home, version=version))
    (home / "bin" / "java").chmod(0o755)
    return home


def message() -> str:
    with pytest.raises(CommandError) as raised:
        java.find_java()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.2"])
def test_java_17_and_later_fit(no_java, monkeypatch, tmp_path, version):
    home = install(tmp_path / "jdk", version)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java.find_java() == home


@pytest.mark.parametrize(("version", "major"), [("16.0.2", "16"), ("11.0.2", "11"), ("1.8.0", "8")])
def test_java_16_and_earlier_do_not_fit(no_java, monkeypatch, tmp_path, version, major):
    home = install(tmp_path / "jdk", version)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert f"JAVA_HOME={home} is Java {major}," in message()


def test_a_java_home_that_does_not_exist_is_passed_over(no_java, monkeypatch, tmp_path):
    home = install(tmp_path / "jdk", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", "/nonsense")
    monkeypatch.setenv("PATH", f"{home}/bin")
    assert java.find_java() == home


def test_a_java_without_the_module_that_spark_loads_does_not_fit(no_java, monkeypatch, tmp_path):
    home = install(tmp_path / "jdk", "21.0.2", LACKS_THE_MODULE)
    monkeypatch.setenv("PATH", f"{home}/bin")
    assert f"{home}/bin/java lacks the module jdk.incubator.vector" in message()


def test_without_java_and_network_one_line_says_what_is_wrong_and_what_to_do(no_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nonsense")
    assert message() == (
        "Spark needs Java 17 or newer: JAVA_HOME=/nonsense has no bin/java, "
        "there is no java on PATH, fetching one failed (no network); "
        "install a JDK of version 17 or 21, or set JAVA_HOME to one"
    )


@pytest.mark.parametrize("inside", ["", "Contents/Home"])  # Linux, macOS
def test_java_is_fetched_once(no_java, monkeypatch, inside):
    fetched = []

    def fetch(version: str, path: str) -> None:
        fetched.append(version)
        install(Path(path, "jdk-17.0.15+6", inside), "17.0.15", "#!/bin/sh\necho 'version \"17\"'")

    monkeypatch.setattr(jdk, "install", fetch)
    home = java.find_java()
    assert java.find_java() == home
    assert (home / "bin" / "java").exists()
    assert fetched == ["17"]


def test_a_download_that_breaks_off_leaves_nothing_behind(no_java, monkeypatch, tmp_path):
    def break_off(version: str, path: str) -> None:
        Path(path).mkdir()
        raise jdk.JdkError("connection reset")

    monkeypatch.setattr(jdk, "install", break_off)
    assert "connection reset" in message()
    assert list((tmp_path / "cache" / "java").iterdir()) == []


def test_ready_ends_with_2_and_one_line_on_a_machine_without_java(tmp_path):
    environment = {
        "PATH": "",
        "WINNOW_CACHE": str(tmp_path),
        "https_proxy": "http://127.0.0.1:9",  # the discard port: no network
    }
    ready = [sys.executable, "-m", "winnow.ready"]
    done = subprocess.run(ready, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("winnow: Spark needs Java 17 or newer: there is no java on PATH")
