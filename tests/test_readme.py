"""README.md's examples are run.

A fenced block tagged `console` is a terminal: a line that begins with `$ ` is a command, one that
begins with `> ` carries it on, all others are output and are not compared. The commands of all
such blocks run in order, in one folder with one warehouse, and must exit with 0. A comment on the
line before a block says otherwise:

    <!-- exit 3 -->      the block's last command exits with 3
    <!-- not run -->     an example of something that a test cannot do

A block tagged with a language and a path (`sql mine/30_long.sql`) is a file, written on its way.

`$ make demo` is run as `winnow demo`, which is all that it adds to the set-up; other `make` lines
are not run, since CI runs them. Blocks with other tags, and indented ones, are not run either.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

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


def test_the_readme_does_what_it_says(tmp_path):
    found = examples(README.read_text())
    assert found, "README.md has no `console` block"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WINNOW_WAREHOUSE": str(tmp_path / "warehouse"),
        # JVMs that live for seconds: no second compiler, no threads for their garbage
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    for item in found:
        if isinstance(item, File):
            (tmp_path / item.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / item.path).write_text(item.text)
            continue
        line, command, exit_code = item
        if command == "make demo":
            command = "winnow demo"
        elif command.startswith("make"):
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == exit_code, f"README.md:{line}: {command}\n{done.stdout}"
