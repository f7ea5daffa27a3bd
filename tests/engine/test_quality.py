"""Models as stages: what a run pins, what it rebuilds, and what it says to a wrong one."""

import json
import struct
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from winnow.engine.models import ship_file
from winnow.engine.registry import REJECTED
from winnow.engine.run import plan_run, run
from winnow.engine.vacuum import vacuum
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.lineage import lineage
from winnow.pipeline.model import PipelineError
from winnow.session import register_functions
from winnow.udfs.classifiers import hashed_bytes
from winnow.udfs.hashed_ngrams import BUCKETS
from winnow.udfs.quality import quality
from winnow.udfs.registry import declaration_of

GOOD, BAD = "the old oak grows slowly {}", "home login menu click here {}"
MODEL = """
    CREATE OR REFRESH MATERIALIZED VIEW model AS
    SELECT * FROM train_classifier(TABLE(examples), algorithm => 'linear')
"""
EXAMPLES = """
    CREATE OR REFRESH MATERIALIZED VIEW examples AS
    SELECT id, text, trim(BOTH '"' FROM metadata['label']) AS label, file, position, reject_reason
    FROM read_documents(:examples, format => 'jsonl')
"""
SCORED = """
    CREATE OR REFRESH STREAMING TABLE scored AS
    SELECT id, text, quality(text, model => 'model') AS score FROM STREAM(documents)
"""
CHOSEN = """
    CREATE OR REFRESH MATERIALIZED VIEW chosen (
      CONSTRAINT liked EXPECT (score >= :least) ON VIOLATION DROP ROW
    ) AS SELECT id, score FROM scored
"""


def write_examples(project, count=60):
    rows = [
        {"id": f"{label}{i}", "text": text.format(i), "label": label}
        for label, text in (("positive", GOOD), ("negative", BAD))
        for i in range(count)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.folder / "examples.jsonl").write_text(text)


@pytest.fixture
def scoring(project):
    """Documents, examples, a model of them, scores and a cut-off."""
    write_examples(project)
    project.edit(
        "pipeline.yml",
        "parameters:",
        f"parameters:\n  examples: {{default: {project.folder}/examples.jsonl}}\n"
        "  least: {default: 0.5}",
    )
    for name in ("20_filtered.sql", "30_unique.sql", "40_curated.sql"):
        (project.pipeline / name).unlink()
    project.edit("pipeline.yml", "  shortest: {default: 3, description: Words of the shortest "
                 "document that stays}\n", "")  # fmt: skip
    project.write("20_examples.sql", EXAMPLES)
    project.write("30_model.sql", MODEL)
    project.write("40_scored.sql", SCORED)
    project.write("50_chosen.sql", CHOSEN)
    project.add("one.jsonl", ({"id": "a", "text": "an old oak"}, {"id": "b", "text": "login here"}))
    return project


def scores(project):
    return {row["id"]: row["score"] for row in project.rows("scored")}


def test_a_model_is_trained_pinned_and_applied(scoring):
    first = scoring.run()
    assert set(scoring.states(first).values()) == {"BUILT"}
    assert scores(scoring)["a"] > 0.5 > scores(scoring)["b"]
    assert scoring.kept("chosen") == ["a"]
    path = scoring.warehouse.path("small", "model")
    [model] = scoring.spark.read.format("delta").load(path).collect()
    assert (model.trained_on, model.kind) == ("small.examples v1", "linear")
    version = scoring.published()["scored"]
    assert ("model", 1) in {(item.table, item.version) for item in version.inputs}
    tree = lineage(Catalog.of(scoring.warehouse), "small.scored")["tables"][0]
    assert "small.model" in {item.get("table") for item in tree["inputs"]}
    assert set(scoring.states(scoring.run()).values()) == {"REUSED"}

    # A changed cut-off costs no scoring.
    plans = plan_run(scoring.options(settings={"least": "0.99"}))
    assert {plan.name: plan.action for plan in plans if plan.action != "REUSE"} == {
        "chosen": "REBUILD"
    }


@pytest.mark.slow
def test_a_new_batch_costs_the_new_batch_and_a_changed_cut_off_no_scoring(scoring):
    scoring.run()
    scoring.add("two.jsonl", ({"id": "c", "text": "the oak"},))
    second = scoring.run()
    assert scoring.states(second) == {
        "documents": "BUILT", "examples": "REUSED", "model": "REUSED", "scored": "BUILT",
        "chosen": "BUILT",
    }  # fmt: skip
    assert next(one for one in second.stages if one.stage == "scored").new_rows == 1
    third = scoring.run(settings={"least": "0.99"})
    assert Counter(scoring.states(third).values()) == {"REUSED": 4, "BUILT": 1}
    assert scoring.kept("chosen") == []


@pytest.mark.slow
def test_only_another_model_scores_again(scoring):
    scoring.run()

    # The same model trained once more is no new one.
    again = scoring.run(full_refresh=("model",))
    assert scoring.states(again)["model"] == "BUILT"
    assert scoring.states(again)["scored"] == "REUSED"

    # A new model scores everything again, and nothing else is computed.
    before = scores(scoring)
    scoring.edit("30_model.sql", "'linear'", "'linear', held_back => 0.4")
    fourth = scoring.run()
    assert scoring.states(fourth) == {
        "documents": "REUSED", "examples": "REUSED", "model": "BUILT", "scored": "BUILT",
        "chosen": "BUILT",
    }  # fmt: skip
    reason = next(one.reason for one in fourth.stages if one.stage == "scored")
    assert reason == "model model changed"
    assert before.keys() == scores(scoring).keys()
    assert before != scores(scoring)


@pytest.mark.slow
def test_two_models_and_one_of_another_pipeline_and_a_file_score_side_by_side(scoring, tmp_path):
    scoring.run()
    from fasttext import train_supervised

    lines = ["__label__hq oak", "__label__cc login"] * 50
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    model = train_supervised(str(tmp_path / "lines"), dim=2, thread=1, epoch=30, verbose=0)
    model.save_model(str(tmp_path / "own.bin"))
    other = scoring.folder / "other"
    other.mkdir()
    (other / "pipeline.yml").write_text(
        f"name: other\nparameters: {{own: {{default: {tmp_path}/own.bin}}}}\n"
    )
    (other / "10_scored.sql").write_text(
        """
        CREATE OR REFRESH MATERIALIZED VIEW scored AS
        WITH both AS (
          SELECT id, quality(text, 'small.model') AS linear,
            quality(text, model => :own, label => '__label__hq') AS own
          FROM small.documents
        )
        SELECT * FROM both
        """
    )
    options = replace(scoring.options(), pipeline=str(other), settings={})
    assert scoring.states(run(options)) == {"scored": "BUILT"}
    rows = scoring.spark.read.format("delta").load(scoring.warehouse.path("other", "scored"))
    found = {row.id: row for row in rows.collect()}
    assert {name: row.linear for name, row in found.items()} == scores(scoring)
    assert found["a"].own > 0.9 > 0.1 > found["b"].own
    assert scoring.states(run(options)) == {"scored": "REUSED"}
    model = train_supervised(str(tmp_path / "lines"), dim=3, thread=1, epoch=30, verbose=0)
    model.save_model(str(tmp_path / "own.bin"))
    again = run(options)
    assert scoring.states(again) == {"scored": "BUILT"}
    assert again.stages[0].reason == "model of quality changed"


def test_a_model_reaches_each_worker_once_however_many_batches_it_scores(spark, tmp_path):
    (tmp_path / "model").write_bytes(hashed_bytes("linear", np.zeros(BUCKETS), 0.0))
    register_functions(spark, [declaration_of(quality)])
    name = ship_file(spark, str(tmp_path / "model"))
    assert name == ship_file(spark, str(tmp_path / "model"))
    texts = spark.range(0, 4000, 1, 8).selectExpr("concat('oak ', id) AS text")

    def loads(batches):
        import os

        import pyarrow as pa

        from winnow.udfs.classifiers import load_classifier

        for _ in batches:
            pass
        misses = load_classifier.cache_info().misses
        yield pa.RecordBatch.from_pydict({"process": [os.getpid()], "misses": [misses]})

    def loaded():
        rows = spark.range(0, 8, 1, 8).mapInArrow(loads, "process BIGINT, misses BIGINT")
        return {row.process: row.misses for row in rows.collect()}

    before = loaded()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    try:
        for _ in range(2):
            total = texts.selectExpr(f"sum(quality(text, model => '{name}'))").first()[0]
            assert total == 2000
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    more = {process: misses - before.get(process, 0) for process, misses in loaded().items()}
    assert set(more.values()) <= {0, 1}
    assert 1 in more.values()


def failed(project, stage):
    result = project.run()
    assert result.state == "failed"
    assert not result.published
    return next(one.error for one in result.stages if one.stage == stage)


def test_too_few_examples_fail_the_stage_with_its_name(scoring):
    write_examples(scoring, 49)
    said = failed(scoring, "model")
    assert said.startswith("stage `model`: operator `train_classifier`: ValueError: 49 examples")


def test_a_file_that_is_no_model_fails_the_stage_before_it_scores(scoring):
    (scoring.folder / "notes.bin").write_bytes(b"no model")
    scoring.edit("40_scored.sql", "'model'", f"'{scoring.folder}/notes.bin'")
    said = failed(scoring, "scored")
    assert said.startswith("stage `scored`: function `quality`: the model ")
    assert "notes.bin' is no model; a model is a fastText file" in said
    # The beginning of a fastText file, as a copy that broke off leaves it.
    (scoring.folder / "notes.bin").write_bytes(struct.pack("<ii", 793712314, 12) + bytes(60))
    said = failed(scoring, "scored")
    assert said.startswith("stage `scored`: function `quality`: the model ")
    assert "notes.bin' is no whole fastText file: it has 68 bytes and ends within its dict" in said
    (scoring.folder / "notes.bin").unlink()
    with pytest.raises(PipelineError, match=r"40_scored.sql:2:41: the model of `quality` cannot"):
        plan_run(scoring.options())


@pytest.mark.slow
def test_a_pinned_version_that_is_gone_fails_the_stage(scoring):
    scoring.run()
    for file in (scoring.folder / "warehouse/small/model/_dropped=false").glob("*.parquet"):
        file.unlink()
    scoring.add("two.jsonl", ({"id": "c", "text": "the oak"},))
    said = failed(scoring, "scored")
    assert said.startswith("stage `scored`: function `quality`: the model `small.model` v1 is gone")
    assert "winnow run small --full-refresh model" in said
    assert set(scores(scoring)) == {"a", "b"}


def test_a_table_that_is_no_model_is_a_mistake_with_its_place(scoring):
    scoring.edit("40_scored.sql", "'model'", "'examples'")
    with pytest.raises(CommandError, match=r"40_scored.sql:2:41: `examples` is no table of a mod"):
        scoring.run()
    assert not (scoring.folder / "warehouse").exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("'modle'", "there is no stage `modle` in this pipeline\n.*\n.*\nDid you mean `model`"),
        ("'documents'", "`documents` is a streaming table, and a model is a materialized view"),
        ("id", "option `model` of `quality` names a model, and this is neither"),
        ("'scored'", "`scored` is a streaming table"),
    ],
)
def test_a_model_that_cannot_be_is_a_mistake_before_anything_runs(scoring, model, message):
    scoring.edit("40_scored.sql", "'model'", model)
    with pytest.raises(PipelineError, match=message):
        plan_run(scoring.options())


def test_a_model_that_is_trained_on_its_own_scores_is_a_circle(scoring):
    query = "SELECT id, text, 'positive' AS label FROM scored"
    scoring.write("20_examples.sql", f"CREATE OR REFRESH MATERIALIZED VIEW examples AS {query}")
    with pytest.raises(PipelineError, match="circle: examples -> scored -> model -> examples"):
        plan_run(scoring.options(settings={}))


def test_a_view_cannot_score_since_its_readers_pin_nothing(scoring):
    scoring.write(
        "60_shown.sql", "CREATE VIEW shown AS SELECT quality(text, 'model') AS q FROM scored"
    )
    with pytest.raises(
        PipelineError, match="a view cannot score with a model: its readers pin none"
    ):
        plan_run(scoring.options())


@pytest.mark.slow
def test_a_vacuum_keeps_the_model_that_scores_stand_on(scoring):
    scoring.run()
    scoring.edit("30_model.sql", "'linear'", "'linear', held_back => 0.4")
    scoring.run(select=("model",))
    vacuum(scoring.warehouse, 0, dry_run=False)
    path = scoring.warehouse.path("small", "model")
    read = scoring.spark.read.format("delta").option("versionAsOf", 1).load(path)
    assert read.count() == 1


SCORERS = '''
from winnow import scorer

@scorer(version=1)
class Short:
    """Score a text by how short it is."""

    def load(self, path):
        self.most = int(open(path).read())

    def score(self, texts):
        return [1 - min(len(text) / self.most, 1) for text in texts]

@scorer(version=1)
class Broken:
    """Return NaN."""

    def load(self, path):
        pass

    def score(self, texts):
        return [float("nan") for text in texts]

@scorer(version=1)
class Fewer:
    """Return one score for all."""

    def load(self, path):
        pass

    def score(self, texts):
        return [0.5]
'''


@pytest.mark.slow
def test_a_class_of_ones_own_scores_in_a_stage_and_must_give_a_number_a_text(scoring):
    scoring.write("scorers.py", SCORERS)
    scoring.edit("pipeline.yml", "parameters:", "functions: [scorers.py]\nparameters:")
    (scoring.folder / "most").write_text("20")
    call = f"short(text, path => '{scoring.folder}/most')"
    scoring.edit("40_scored.sql", "quality(text, model => 'model')", call)
    scoring.run()
    assert scores(scoring) == {"a": pytest.approx(0.5), "b": pytest.approx(0.5)}
    (scoring.folder / "most").write_text("10")
    again = scoring.run()
    assert (
        next(one.reason for one in again.stages if one.stage == "scored") == "path of short changed"
    )
    assert scores(scoring) == {"a": 0.0, "b": 0.0}
    scoring.edit("40_scored.sql", call, "broken(text)")
    said = failed(scoring, "scored")
    assert said == "stage `scored`: function `broken` returned NaN or infinity for 2 of 2 texts"
    scoring.edit("40_scored.sql", "broken(text)", "fewer(text)")
    said = failed(scoring, "scored")
    assert said == "stage `scored`: function `fewer` returned scores of shape (1,) for 2 texts"


@pytest.mark.slow
def test_a_worse_model_is_refused_by_a_check(scoring):
    scoring.write(
        "checks/model.yml",
        """
        kept:
          - type: no_fall
            kwargs: {column: auc, by: 0.01}
            severity: critical
        """,
    )
    scoring.run()
    rows = (scoring.folder / "examples.jsonl").read_text().splitlines()
    flipped = [
        row.replace('"label": "negative"', '"label": "positive"') if i % 4 < 2 and i > 60
        else row.replace('"label": "positive"', '"label": "negative"') if i % 4 < 2
        else row
        for i, row in enumerate(rows)
    ]  # fmt: skip
    (scoring.folder / "examples.jsonl").write_text("\n".join(flipped) + "\n")
    result = scoring.run()
    assert scoring.states(result)["model"] == "REJECTED"
    assert scoring.states(result)["scored"] == "SKIPPED"
    assert REJECTED in {one.state for one in scoring.registry.versions()}
