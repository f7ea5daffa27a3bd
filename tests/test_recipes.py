"""Named recipes: their stage files, run by Spark on the documents of the oracles, give the verdicts
of the tools that they are named after."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from oracles import texts, verdicts
from winnow.engine.analysis import EmptyInputs, analyse
from winnow.engine.build import ledger_rules, with_ledger
from winnow.engine.relations import Relations
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import Read
from winnow.session import register_functions

FILTERED = "filtered"
# Rules on what the oracles leave out: addresses, languages, our own limit.
LEFT_OUT = re.compile("url_(?!removal)|language_|text_limit")


@dataclass(frozen=True)
class Recipe:
    """A packaged pipeline and what the oracles know of it.

    `cascade` is the oracle's name of all its rules in a row, `prefix` what stands here before the
    oracle's name of a step. A tool of one step has no cascade, but a rule that is all of it.
    `on_original` matches the rules that look at the text as it came, as the oracle's rules do.
    `rule_of` gives the rule to a reason of the tool's that is not the rule's name in the oracle.
    """

    pipeline: str
    tool: str  # whose file of verdicts it is
    cascade: str
    prefix: str = ""
    on_original: str = "$."
    rule_of: Mapping[str, str] = field(default_factory=dict)


DATATROVE_REASONS = {
    "gopher_short_doc": "min_words",
    "gopher_long_doc": "max_words",
    "gopher_below_avg_threshold": "min_avg_word_length",
    "gopher_above_avg_threshold": "max_avg_word_length",
    "gopher_too_many_hashes": "symbol_ratio",
    "gopher_too_many_ellipsis": "symbol_ratio",
    "gopher_too_many_bullets": "bullet_lines",
    "gopher_too_many_end_ellipsis": "ellipsis_lines",
    "gopher_below_alpha_threshold": "alpha_words",
    "gopher_enough_stop_words": "stop_words",
    **{f"duplicated_{n}_n_grams": f"dup_{n}_gram" for n in range(5, 11)},
}
RECIPES = [
    Recipe("gopher", "datatrove", "", on_original="gopher_"),
    Recipe("fineweb", "datatrove", "fineweb", "", "gopher_", DATATROVE_REASONS),
    Recipe("c4", "datatrove", "c4_quality.default", "c4_quality"),
    Recipe("dclm", "dclm", "dclm_refinedweb"),
    Recipe("nemo_english", "nemo", "nemo_english", "nemo_"),
]


def each(recipes: Iterable[Recipe]) -> Any:
    """Run a test for each recipe; for all but `fineweb`, which has most rules, it is a slow one."""
    return pytest.mark.parametrize(
        "recipe",
        [
            pytest.param(
                one, id=one.pipeline, marks=[pytest.mark.slow] * (one.pipeline != "fineweb")
            )
            for one in recipes
        ],
    )


@dataclass
class Documents(EmptyInputs):
    """The documents of the oracles instead of a table's."""

    rows: DataFrame | None = None

    def table(self, read: Read) -> DataFrame:
        assert self.rows is not None
        columns = [
            F.col(item.name)
            if item.name in self.rows.columns
            else F.lit(None).cast(item.dataType).alias(item.name)
            for item in self.schemas[read.table]
        ]
        return self.rows.select(columns)


@dataclass(frozen=True)
class Verdict:
    """What a stage says of one document; `failed` in the order of the stage's file."""

    failed: tuple[str, ...]
    digest: str | None  # of the text that the stage returns


@cache
def judged(spark: SparkSession, recipe: str, data: Path) -> dict[str, Verdict]:
    """Run the stage `filtered` over all documents; return their verdicts by id."""
    pipeline = load_pipeline(recipe, {})
    stage = pipeline.stage(FILTERED)
    register_functions(spark, pipeline.functions.values())
    schemas = analyse(spark, pipeline, lambda table: {})
    found = texts(data)
    rows = spark.createDataFrame(pa.table({"id": list(found), "text": list(found.values())}))
    inputs = Documents(spark, pipeline, schemas, lambda table: {}, rows)
    relations = Relations(spark, pipeline, inputs)
    ledger = with_ledger(relations, relations.query(stage), ledger_rules(stage), 1)
    text = F.sha2("text", 256) if "text" in ledger.columns else F.lit(None)
    verdicts = ledger.select("id", "_failed_rules", text.alias("digest")).collect()
    return {
        row["id"]: Verdict(
            tuple(name for name in row["_failed_rules"] if not LEFT_OUT.match(name)), row["digest"]
        )
        for row in verdicts
    }


def is_comparable(wanted: dict[str, Any]) -> bool:
    """Whether the tool itself has a verdict that does not change from one run to the next."""
    return wanted["keep"] is not None and not wanted.get("seed_dependent")


@each(recipe for recipe in RECIPES if recipe.on_original != "$.")
def test_every_rule_on_the_original_text_has_the_verdicts_of_its_tool(recipe, spark, shared_data):
    found = judged(spark, recipe.pipeline, shared_data)
    expected = verdicts(shared_data / "oracles" / f"{recipe.tool}.jsonl.gz")
    by_rule = {name.replace(".", "_"): rows for name, rows in expected.items()}
    rules = [rule.name for rule in load_pipeline(recipe.pipeline, {}).stage(FILTERED).rules]
    compared = [name for name in rules if re.match(recipe.on_original, name) and name in by_rule]
    assert compared
    for name in compared:
        for key, wanted in by_rule[name].items():
            if is_comparable(wanted):
                # An empty text breaks a rule of its own, and the tool's rules all.
                rule = re.sub(r"(?<=repetition_).*", "empty", name)
                rule = rule if wanted.get("reason") == "empty" else name
                assert (rule not in found[key].failed) == wanted["keep"], (name, key, wanted)


@each(recipe for recipe in RECIPES if recipe.cascade)
def test_the_first_rule_that_a_document_breaks_is_where_the_tool_drops_it(
    recipe, spark, shared_data
):
    found = judged(spark, recipe.pipeline, shared_data)
    file = recipe.tool if "." in recipe.cascade else "cascades"
    expected = verdicts(shared_data / "oracles" / f"{file}.jsonl.gz")[recipe.cascade]
    assert len(expected) == len(found) == 2284
    for key, wanted in expected.items():
        if not is_comparable(wanted):
            continue
        verdict = found[key]
        assert (not verdict.failed) == wanted["keep"], (key, verdict, wanted)
        if wanted["keep"]:
            if "text_after_sha256" in wanted:  # a tool that changes texts
                assert verdict.digest in (None, wanted["text_after_sha256"]), key
            continue
        stage, reason = recipe.prefix + wanted.get("stage", ""), wanted.get("reason")
        of_stage = [name for name in verdict.failed if f"{name}_".startswith(f"{stage}_")]
        assert of_stage[:1] == list(verdict.failed[:1]), (key, verdict, wanted)
        if reason:
            rule = f"{stage}_{recipe.rule_of.get(reason, reason)}"
            # C4's rules are looked at line by line: either may come first.
            assert rule in (of_stage if stage == "c4_quality" else of_stage[:1]), (key, wanted)
