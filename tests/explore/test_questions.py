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


def on_the_demo_alone(question: Question) -> bool:
    return not re.search(r"deduplicate|decontaminate", question.command)


def ask(project: DemoProject, command: str) -> str:
    """Run a command of the page on a warehouse; return what it prints."""
    catalog = Catalog.of(project.warehouse)
    version = str(catalog.current("demo.filtered").version)
    values = {
        "ID": min(project.kept("demo.unique", catalog.current("demo.unique").version)),
        "INPUT": str(project.folder / "input"),
        "SHARDS": str(project.folder / "shards"),
        "V1": version,
        "V2": version,
    }
    for name, value in values.items():
        command = re.sub(rf"\b{name}\b", value, command)
    arguments = [*shlex.split(command)[1:], "--warehouse", project.warehouse.address]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (command, done.output, done.exception)
    return done.stdout


def is_an_answer(question: Question, text: str) -> bool:
    """Whether a text answers: with rows, unless nothing was ever rejected here."""
    rows = 22 in question.numbers or text != "no rows\n"
    return bool(text.strip()) and rows and not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.fixture(scope="module")
def everything(duplicates: DemoProject) -> DemoProject:
    """The demo's warehouse after `deduplicate` and `decontaminate`."""
    targets = duplicates.folder / "targets"
    targets.mkdir()
    lines = (duplicates.folder / "input" / "part.jsonl").read_text().splitlines()
    item = max((json.loads(line)["text"] for line in lines[:40]), key=len)
    (targets / "items.jsonl").write_text(json.dumps({"id": "t1", "text": item, "task": "quiz"}))
    assert duplicates.run("decontaminate", settings={"targets": str(targets)}).exit_code == 0
    return duplicates


def test_the_page_answers_every_question():
    answered = {number for question in questions() for number in question.numbers}
    assert answered == set(range(1, 41))


def numbers(question: Question) -> str:
    return "+".join(map(str, question.numbers))


@pytest.mark.parametrize(
    "question", [one for one in questions() if on_the_demo_alone(one)], ids=numbers
)
def test_the_demo_answers_questions_about_documents_rules_and_stages(demo, question):
    assert is_an_answer(question, ask(demo, question.command))


@pytest.mark.slow
@pytest.mark.parametrize("question", questions(), ids=numbers)
def test_each_of_the_forty_questions_has_an_answer(everything, question):
    assert is_an_answer(question, ask(everything, question.command))
