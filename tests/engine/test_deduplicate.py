"""The pipeline `deduplicate`: what goes, what stays, and that batches add up to a replay."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest

from winnow.engine.registry import Registry, published
from winnow.engine.run import RunOptions, RunResult, run
from winnow.engine.warehouse import Warehouse

EXACT = ("exact", "id, kept_id, copies")
PAIRS = ("pairs", "id_a, id_b, similarity, containment")
CLUSTERS = ("clusters", "id, component")
NEAR = ("near_duplicates", "id, component, kept_id, similarity, copies")


class Project:
    """An input folder and a warehouse for the packaged pipeline."""

    def __init__(self, folder: Path, spark) -> None:
        self.folder, self.spark = folder, spark
        self.warehouse = Warehouse.at(str(folder / "warehouse"))
        (folder / "input").mkdir(parents=True)

    def add(self, name: str, texts: Sequence[tuple[str, str]]) -> None:
        rows = [{"id": id, "text": text, "source": id[0]} for id, text in texts]
        path = self.folder / "input" / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(self, **settings: object) -> RunResult:
        settings = {"input": str(self.folder / "input"), **settings}
        result = run(RunOptions("deduplicate", self.warehouse, settings))
        assert result.exit_code == 0, result
        return result

    def rows(self, stage: str, columns: str) -> list[tuple]:
        version = published(Registry(self.warehouse).versions())[f"deduplicate.{stage}"].version
        path = self.warehouse.path("deduplicate", stage)
        table = self.spark.read.format("delta").option("versionAsOf", version).load(path)
        found = table.where("NOT _dropped OR kept_id IS NOT NULL" if "kept" in columns else "true")
        return sorted(map(tuple, found.selectExpr(*columns.split(", ")).collect()), key=str)


@pytest.fixture
def project(tmp_path, spark):
    return lambda name: Project(tmp_path / name, spark)


def families(count: int, members: int, seed: int) -> list[tuple[str, str]]:
    """Documents of 80 words, those of a family differ in up to four; some differ in case alone."""
    numbers = random.Random(seed)
    found = []
    for family in range(count):
        words = [f"w{family}x{i}" for i in range(80)]
        for member in range(members):
            edited = list(words)
            for place in numbers.sample(range(80), numbers.randrange(5)):
                edited[place] = f"new{numbers.randrange(10**9)}"
            text = " ".join(edited)
            id = f"{'ab'[member % 2]}{numbers.randrange(10**6):06}-{family}-{member}"
            found.append((id, text))
            if member == 0:
                found.append((f"{id}-copy", text.upper() + "!"))
    numbers.shuffle(found)
    return found


TEXT = " ".join(f"word{i}" for i in range(60))
NEAR_TEXT = TEXT.replace("word30", "changed")
ALIKE = 51 / 61  # of 56 shingles each, 5 hold the changed word


def few_documents(project) -> Project:
    made = project("one")
    made.add(
        "one",
        [("a1", TEXT), ("a2", TEXT.upper()), ("b3", NEAR_TEXT), ("b4", "else"), ("b5", "...")],
    )
    made.add("two", [("a6", "another"), ("c7", "?!"), ("c8", "Else")])
    made.run()
    return made


def test_every_duplicate_has_its_verdict_and_the_one_that_stays(project):
    made = few_documents(project)
    assert made.rows(*EXACT) == [
        ("a1", "a1", 2),
        ("a2", "a1", 2),
        ("a6", "a6", 1),
        ("b3", "b3", 1),
        ("b4", "b4", 2),
        ("b5", "b5", 1),
        ("c7", "c7", 1),
        ("c8", "b4", 2),
    ]
    assert made.rows(*PAIRS) == [("a1", "b3", pytest.approx(ALIKE), pytest.approx(51 / 56))]
    assert made.rows(*NEAR) == [
        ("a1", "a1", "a1", 1.0, 2),
        ("a6", None, "a6", 1.0, 1),
        ("b3", "a1", "a1", pytest.approx(ALIKE), 2),
        ("b4", None, "b4", 1.0, 1),
        ("b5", None, "b5", 1.0, 1),
        ("c7", None, "c7", 1.0, 1),
    ]


@pytest.mark.slow
def test_another_order_of_duplicates_decides_anew_and_compares_nothing_again(project):
    made = few_documents(project)
    result = made.run(keep="source", sources="c, b")
    states = {stage.stage: stage.state for stage in result.stages}
    assert states["bands"] == states["pairs"] == "REUSED"
    assert [kept for id, _, kept, *_ in made.rows(*NEAR) if id in ("a1", "b3")] == ["b3", "b3"]
    assert ("b4", "c8", 2) in made.rows(*EXACT)


def in_batches(project, texts, sizes):
    """Return the tables after one run a batch, and after one run over everything."""
    grown, whole = project("grown"), project("whole")
    ends = list(accumulate(sizes))
    for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        whole.add(f"{number:02}", texts[start:end])
        grown.add(f"{number:02}", texts[start:end])
        grown.run()
    # Each batch was hashed once, with its own documents.
    assert Counter(batch for (batch,) in grown.rows("bands", "_batch")) == Counter(
        number for number, size in enumerate(sizes, 1) for _ in range(size)
    )
    whole.run()
    return (
        [made.rows(*columns) for columns in (EXACT, PAIRS, CLUSTERS, NEAR)]
        for made in (grown, whole)
    )


@pytest.mark.slow
def test_duplicates_in_two_batches_add_up_to_a_replay(project):
    texts = families(8, 4, seed=1)
    grown, whole = in_batches(project, texts, [20, len(texts) - 20])
    assert grown == whole
    assert len(whole[1]) > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_duplicates_in_five_batches_in_any_order_add_up_to_a_replay(project, seed):
    texts = families(40, 6, seed=0)
    random.Random(seed).shuffle(texts)
    grown, whole = in_batches(project, texts, [90, 1, 60, 60, len(texts) - 211])
    assert grown == whole
