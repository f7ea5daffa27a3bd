"""README.md's examples are run.

A fenced block tagged `console` is a terminal: a line that begins with `$ ` is a command, one that
begins with `> ` carries it on, all others are output and are not compared. The commands of all
such blocks run in order, in one folder with one warehouse, and must exit with 0. A comment on the
line before a block says otherwise:

    <!-- exit 3 -->      the block's last command exits with 3
    <!-- not run -->     an example of something that a test cannot do

A block tagged with a language and a path (`sql mine/30_long.sql`) is a file, written on its way.

Lines that begin with `make` are not run, since CI runs them; nor are blocks with other tags, and
indented ones.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from winnow.cli import app

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>.+?) -->\n)?^```(?:console|\w+ (?P<path>\S+))\n(?P<body>.*?)^```$",
    re.M | re.S,
)
COMMAND = re.compile(r"^\$ (.+(?:\n> .*)*)", re.M)


class Example(NamedTuple):
    line: int
    command: str
    exit_code: int


class File(NamedTuple):
    path: str
    text: str


def examples(markdown: str) -> list[Example | File]:
    found: list[Example | File] = []
    for block in BLOCK.finditer(markdown):
        note = block["note"] or ""
        if note == "not run":
            continue
        if block["path"]:
            found.append(File(block["path"], block["body"]))
            continue
        commands = list(COMMAND.finditer(block["body"]))
        for command in commands:
            line = markdown.count("\n", 0, block.start("body") + command.start()) + 1
            exit_code = int(note.removeprefix("exit ")) if note and command is commands[-1] else 0
            found.append(Example(line, command[1].replace("\n> ", "\n"), exit_code))
    return found


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("```console\n$ a\nout\n$ b\n```\n", [(2, "a", 0), (4, "b", 0)]),
        ("<!-- exit 3 -->\n```console\n$ a\n$ b\n```\n", [(3, "a", 0), (4, "b", 3)]),
        ("```console\n$ a 'x\n> y'\nout\n```\n", [(2, "a 'x\ny'", 0)]),
        ("<!-- not run -->\n```console\n$ a\n```\n\n```console\n$ b\n```\n", [(7, "b", 0)]),
        ("```sql\n$ a\n```\n\n    $ b\n", []),
        ("```sql a/b.sql\nSELECT 1\n```\n", [("a/b.sql", "SELECT 1\n")]),
    ],
)
def test_examples_are_found_with_line_and_exit_code(markdown, expected):
    assert examples(markdown) == expected


def test_the_readme_does_what_it_says(tmp_path, spark, monkeypatch):
    """In this process, whose Spark is warm: a process for each command takes five times as long."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINNOW_WAREHOUSE", str(tmp_path / "warehouse"))
    follow(tmp_path, here)


@pytest.mark.slow
def test_the_readme_does_what_it_says_in_a_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINNOW_WAREHOUSE", str(tmp_path / "warehouse"))
    follow(tmp_path, in_a_terminal)


def follow(folder: Path, run: Callable[[str], tuple[int, str]]) -> None:
    """Write the files and run the commands of README.md in their order."""
    found = examples(README.read_text())
    assert found, "README.md has no `console` block"
    for item in found:
        if isinstance(item, File):
            (folder / item.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / item.path).write_text(item.text)
        elif not item.command.startswith("make"):
            exit_code, said = run(item.command)
            assert exit_code == item.exit_code, f"README.md:{item.line}: {item.command}\n{said}"


def here(command: str) -> tuple[int, str]:
    """Run one of Winnow's commands in this process, and any other in one of its own."""
    program, *arguments = shlex.split(command)
    if program != "winnow":
        return in_a_terminal(command)
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


def in_a_terminal(command: str) -> tuple[int, str]:
    """Run a command as a shell does; return its exit code and what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout
