"""The forty questions of docs/explore.md, each answered by a command on the demo's documents."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from demo_project import DemoProject
from winnow.cli import app
from winnow.explore.catalog import Catalog

PAGE = Path(__file__).parents[2] / "docs" / "explore.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
NOT_YET = {10}  # exports, which nothing writes yet


class Question(NamedTuple):
    numbers: tuple[int, ...]
    command: str


def questions() -> list[Question]:
    """Return the commands of the page, each with the questions that stand above it."""
    found, numbers = [], ()
    for block in BLOCK.findall(PAGE.read_text()):
        for part in re.split(r"\n(?=[#$] )", block.strip()):
            if part.startswith("# "):
                above = found and not numbers
                numbers = (
                    *(() if above else numbers),
                    *map(int, re.findall(r"\b(\d+) [A-Z]", part)),
                )
            else:
                numbers = numbers or found[-1].numbers
                found.append(Question(numbers, part[2:].replace("\n> ", "\n")))
                numbers = ()
    return found


@pytest.fixture(scope="module")
def asked(duplicates: DemoProject, tmp_path_factory):
    """Return a function that runs a command of the page on the warehouse and returns its output."""
    documents = Catalog.of(duplicates.warehouse)
    targets = duplicates.folder / "targets"
    targets.mkdir()
    records = [json.loads(line) for line in lines(duplicates) if '"id": "d' in line]
    item = max((record["text"] for record in records[:40]), key=len)
    (targets / "items.jsonl").write_text(json.dumps({"id": "t1", "text": item, "task": "quiz"}))
    settings = {"targets": str(targets)}
    assert duplicates.run("decontaminate", settings=settings).exit_code == 0
    version = str(documents.current("demo.filtered").version)
    values = {
        "ID": min(duplicates.kept("demo.unique", documents.current("demo.unique").version)),
        "INPUT": str(duplicates.folder / "input"),
        "V1": version,
        "V2": version,
    }

    def ask(command):
        for name, value in values.items():
            command = re.sub(rf"\b{name}\b", value, command)
        arguments = shlex.split(command)[1:]
        done = CliRunner().invoke(app, [*arguments, "--warehouse", duplicates.warehouse.address])
        assert done.exit_code == 0, (command, done.output, done.exception)
        return done.stdout

    return ask


def lines(project):
    return (project.folder / "input" / "part.jsonl").read_text().splitlines()


def test_the_page_answers_every_question():
    numbers = {number for question in questions() for number in question.numbers}
    assert numbers == set(range(1, 41)) - NOT_YET


@pytest.mark.parametrize("question", questions(), ids=lambda one: "+".join(map(str, one.numbers)))
def test_each_question_has_an_answer(asked, question):
    answer = asked(question.command)
    assert answer.strip()
    if 22 not in question.numbers:  # nothing was rejected here
        assert answer != "no rows\n"
    assert not {"\x1b", "\x07", "\u202e"} & set(answer)
