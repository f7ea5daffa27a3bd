"""The pipeline `deduplicate`: what goes, what stays, and that batches add up to a replay."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from itertools import accumulate
from pathlib import Path

import pytest
import yaml

from winnow.engine.plan import REBUILD, REUSE
from winnow.engine.registry import Registry, published
from winnow.engine.run import RunOptions, RunResult, plan_run, run
from winnow.engine.warehouse import Warehouse
from winnow.errors import WinnowError

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
        self.write(name, [{"id": id, "text": text, "source": id[0]} for id, text in texts])

    def write(self, name: str, rows: Sequence[dict[str, object]]) -> None:
        path = self.folder / "input" / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def options(
        self, pipeline: str = "deduplicate", select: tuple[str, ...] = (), **settings: object
    ) -> RunOptions:
        given = {name: str(value) for name, value in settings.items()}
        given = {"input": str(self.folder / "input"), **given}
        return RunOptions(pipeline, self.warehouse, given, select)

    def run(
        self, pipeline: str = "deduplicate", select: tuple[str, ...] = (), **settings: object
    ) -> RunResult:
        result = run(self.options(pipeline, select, **settings))
        assert result.exit_code == 0, result
        return result

    def rows(self, stage: str, columns: str, pipeline: str = "deduplicate") -> list[tuple]:
        version = published(Registry(self.warehouse).versions())[f"{pipeline}.{stage}"].version
        path = self.warehouse.path(pipeline, stage)
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


@pytest.fixture(scope="module")
def few(tmp_path_factory, spark):
    """The pipeline after one run over a few documents."""
    made = Project(tmp_path_factory.mktemp("few"), spark)
    made.add(
        "one",
        [("a1", TEXT), ("a2", TEXT.upper()), ("b3", NEAR_TEXT), ("b4", "else"), ("b5", "...")],
    )
    made.add("two", [("a6", "another"), ("c7", "?!"), ("c8", "Else")])
    made.run()
    return made


def test_every_duplicate_has_its_verdict_and_the_one_that_stays(few):
    assert few.rows(*EXACT) == [
        ("a1", "a1", 2),
        ("a2", "a1", 2),
        ("a6", "a6", 1),
        ("b3", "b3", 1),
        ("b4", "b4", 2),
        ("b5", "b5", 1),
        ("c7", "c7", 1),
        ("c8", "b4", 2),
    ]
    assert few.rows(*PAIRS) == [("a1", "b3", pytest.approx(ALIKE), pytest.approx(51 / 56))]
    assert few.rows(*NEAR) == [
        ("a1", "a1", "a1", 1.0, 2),
        ("a6", None, "a6", 1.0, 1),
        ("b3", "a1", "a1", pytest.approx(ALIKE), 2),
        ("b4", None, "b4", 1.0, 1),
        ("b5", None, "b5", 1.0, 1),
        ("c7", None, "c7", 1.0, 1),
    ]


@pytest.mark.parametrize(
    "settings", [{"bands": 20}, {"rows": 5}, {"shingle_size": 4}, {"shingle_unit": "char"}]
)
def test_the_plan_says_which_parameter_makes_bands_anew(few, settings):
    plans = {plan.name: plan for plan in plan_run(few.options(**settings))}
    [name] = settings
    assert (plans["bands"].action, plans["bands"].reason) == (REBUILD, f"parameter {name} changed")
    assert plans["pairs"].action == REBUILD
    assert plans["documents"].action == REUSE


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("", "takes a string or a parameter whose value is a string"),
        ("nothing", "there is no stage `nothing` in this pipeline"),
        ("nothing.here", "`nothing.here` is not published in this warehouse"),
        ("deduplicate.unique", "these stages read each other in a circle"),
    ],
)
def test_a_reference_that_is_no_other_pipelines_table_is_an_error(few, reference, message):
    with pytest.raises(WinnowError, match=message):
        plan_run(few.options(reference=reference))


def test_a_reference_without_texts_is_an_error_before_anything_is_written(few):
    with pytest.raises(WinnowError, match=r"25_reference\.sql:5:\d+: .*`text`"):
        run(few.options(reference="exact"))


@pytest.mark.slow
def test_another_order_decides_about_duplicates_anew_and_compares_nothing_again(project):
    made = project("one")
    made.add("one", [("a1", TEXT), ("a6", "another"), ("b3", NEAR_TEXT), ("b4", "else")])
    made.add("two", [("c8", "Else"), ("c9", "a third")])
    made.run()
    result = made.run(keep="source", sources="c, b")
    states = {stage.stage: stage.state for stage in result.stages}
    assert states["bands"] == states["pairs"] == "REUSED"
    assert [(id, kept) for id, _, kept, *_ in made.rows(*NEAR)] == [
        ("a1", "b3"),
        ("a6", "a6"),
        ("b3", "b3"),
        ("c8", "c8"),
        ("c9", "c9"),
    ]
    assert ("b4", "c8", 2) in made.rows(*EXACT)


@pytest.mark.slow
def test_what_a_finished_corpus_has_goes_in_every_batch_and_the_corpus_stays(project):
    """The corpus has another id for one of the texts, and an id that means another text here."""
    made = project("one")
    made.add("corpus", [("x1", TEXT), ("a6", "else")])
    made.run("gopher", select=("documents",))
    corpus = made.folder / "input" / "corpus.jsonl"
    corpus.unlink()
    chain = NEAR_TEXT.replace("word10", "edited")
    made.add("one", [("a1", TEXT.upper()), ("b3", NEAR_TEXT), ("a6", "another"), ("b8", "bees")])
    made.run(reference="gopher.documents")
    made.add(
        "two",
        [("b7", chain), ("c8", "Else"), ("c5", "cats"), ("b9", chain.replace("word50", "far"))],
    )
    made.run(reference="gopher.documents")
    stay = {id for id, _, kept, *_ in made.rows(*NEAR) if id == kept}
    gone = {id: (kept, alike) for id, _, kept, alike, _ in made.rows(*NEAR) if id not in stay}
    # b3 goes for its twin there and so decides about no other: b7 is not like that twin and stays.
    assert stay == {"a6", "b7", "b8", "c5"}
    assert gone == {
        "a1": ("gopher.documents:x1", 1),
        "b3": ("gopher.documents:x1", pytest.approx(ALIKE)),
        "b9": ("b7", pytest.approx(ALIKE)),
        "c8": ("gopher.documents:a6", 1),
    }


OWN_PIPELINE = """
name: own
description: Documents that lost their texts on the way, by the shared stages
include: [{shared}, {shared}/bands, {shared}/duplicates, {shared}/no_reference]
"""
OWN_FILTERED = """
CREATE OR REFRESH STREAMING TABLE filtered
AS
SELECT
  * EXCEPT (text, text_bytes, content_hash),
  CAST(NULL AS STRING) AS content_hash,
  if(id LIKE 'n%', NULL, text) AS text,
  octet_length(text) AS text_bytes,
  0D AS score
FROM STREAM(documents)
"""


@pytest.mark.slow
def test_a_pipeline_of_ones_own_includes_the_stages_and_a_null_text_passes_through_as_unique(
    project,
):
    made = project("one")
    packaged = Path(str(resources.files("winnow.conf"))) / "pipelines"
    parameters = yaml.safe_load((packaged / "web" / "pipeline.yml").read_text())["parameters"]
    left_out = ("language_model", "languages", "url_lists", "text_limit", "reference", "score")
    used = {name: value for name, value in parameters.items() if name not in left_out}
    (made.folder / "own").mkdir()
    (made.folder / "own" / "pipeline.yml").write_text(
        OWN_PIPELINE.format(shared=packaged / "shared") + yaml.safe_dump({"parameters": used})
    )
    (made.folder / "own" / "20_filtered.sql").write_text(OWN_FILTERED)
    made.add("one", [("n1", "a"), ("n2", "a"), ("a1", "rain"), ("a2", "Rain!"), ("c3", "snow")])
    made.run(str(made.folder / "own"))
    assert {id: kept for id, kept, _ in made.rows(*EXACT, pipeline="own")} == {
        "n1": "n1",
        "n2": "n2",
        "a1": "a1",
        "a2": "a1",
        "c3": "c3",
    }
    assert [row[2] for row in made.rows(*NEAR, pipeline="own")] == ["a1", "c3", "n1", "n2"]


def kept_example(recipe: str) -> str:
    """Return the first text of a recipe's own examples that all its rules keep."""
    examples = resources.files("winnow.conf") / "pipelines" / recipe / "tests" / "filtered.yml"
    return next(
        example["row"]["text"]
        for example in yaml.safe_load(examples.read_text())
        if example["expect"] == "kept"
    )


def with_another_end(text: str) -> str:
    return " ".join([*text.split(" ")[:-1], "yesterday."])


@pytest.mark.slow
def test_fineweb_takes_out_the_copies_of_a_crawl_and_leaves_those_of_another(project):
    made, text = project("one"), kept_example("fineweb")
    other = with_another_end(text)
    texts = [("a", text, "one"), ("b", text, "one"), ("c", other, "one"), ("d", text, "two")]
    made.write("crawls", [{"id": i, "text": text, "dump": crawl} for i, text, crawl in texts])
    made.run("fineweb")
    assert [row[:2] for row in made.rows(*EXACT, pipeline="fineweb")] == [
        ("a", "a"),
        ("b", "a"),
        ("c", "c"),
        ("d", "d"),
    ]
    assert {id: kept for id, _, kept, *_ in made.rows(*NEAR, pipeline="fineweb")} == {
        "a": "a",
        "c": "a",
        "d": "d",
    }


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["dclm", "web"])
def test_a_recipe_ends_with_each_text_once_in_the_copy_of_the_best_score(project, recipe):
    made, text = project("one"), kept_example(recipe)
    texts = [("a", text, 0.1), ("b", text, 0.5), ("c", with_another_end(text), 0.9)]
    made.write("scored", [{"id": i, "text": text, "quality": score} for i, text, score in texts])
    made.run(recipe, keep="score", score="quality")
    kept = {id: kept for id, kept, _ in made.rows(*EXACT, pipeline=recipe)}
    assert kept == {"a": "b", "b": "b", "c": "c"}
    assert {id: kept for id, _, kept, *_ in made.rows(*NEAR, pipeline=recipe)} == {
        "b": "c",
        "c": "c",
    }


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
    assert len(whole[1]) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_duplicates_in_five_batches_in_any_order_add_up_to_a_replay(project, seed):
    texts = families(40, 6, seed=0)
    random.Random(seed).shuffle(texts)
    grown, whole = in_batches(project, texts, [90, 1, 60, 60, len(texts) - 211])
    assert grown == whole
