"""NeMo Curator's own verdicts: the rules of the pipeline `nemo_english` on every document."""

import re
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from oracles import column, rules, texts, verdicts
from winnow.udfs.nemo_quality import nemo_quality
from winnow.udfs.nemo_repetition import nemo_repetition

RULES = {
    name.removeprefix("nemo_"): rule
    for name, rule in rules("nemo_english").items()
    if name.startswith("nemo_")
}
# What a rule compares with its threshold stands last and on the left.
MEASURES = {
    name: re.split(" (?:<=|>=|BETWEEN) ", re.sub(".*= 0 AND ", "", condition))[0]
    for name, condition in RULES.items()
}
MEASURES["boilerplate_string_ratio"] = (
    f"if(lorem_ipsum_paragraphs > 0, 1, {MEASURES['boilerplate_string_ratio']})"
)
MEASURES["common_english_words"] = "least(stop_words, 2)"  # upstream counts no further
EMPTY = 1  # what upstream scores a text of nothing


class Verdict(NamedTuple):
    value: float
    is_kept: bool


@pytest.fixture(scope="module")
def judged(spark, shared_data) -> dict[str, dict[str, Verdict]]:
    """What the rules of the stage say, by document and rule."""
    found = texts(shared_data)
    text = column(found)
    signals = pa.Table.from_arrays(
        [pa.array(found), *nemo_quality(text).flatten(), *nemo_repetition(text).flatten()],
        ["id", *nemo_quality(text).type.names, *nemo_repetition(text).type.names],
    )
    rows = spark.createDataFrame(signals).selectExpr(
        "id",
        *(f"CAST({measure} AS DOUBLE) AS {name}_value" for name, measure in MEASURES.items()),
        *(f"coalesce({condition}, false) AS {name}" for name, condition in RULES.items()),
    )
    return {
        row["id"]: {
            name: Verdict(
                EMPTY if row[f"{name}_value"] is None else row[f"{name}_value"], row[name]
            )
            for name in RULES
        }
        for row in rows.collect()
    }


def test_the_rules_are_the_filters_of_nemo_in_their_order(shared_data):
    assert list(RULES) == list(verdicts(shared_data / "oracles" / "nemo.jsonl.gz"))


@pytest.mark.parametrize("name", RULES)
def test_every_document_has_the_value_and_the_verdict_of_nemo(name, judged, shared_data):
    expected = verdicts(shared_data / "oracles" / "nemo.jsonl.gz")[name]
    assert len(expected) == len(judged) == 2284
    for key, wanted in expected.items():
        value, is_kept = judged[key][name]
        if wanted["keep"] is None:  # upstream raises: nothing to divide by
            assert not is_kept, key
            continue
        least, most = (wanted.get(bound, wanted["value"]) for bound in ("value_min", "value_max"))
        allowed = 1e-9 * max(1, abs(most))
        assert least - allowed <= value <= most + allowed, (key, value, wanted)
        assert is_kept == wanted["keep"] or wanted.get("seed_dependent"), (key, value, wanted)


def test_the_filters_in_a_row_drop_the_same_documents_at_the_same_one(judged, shared_data):
    expected: dict[str, dict[str, Any]] = verdicts(shared_data / "oracles" / "cascades.jsonl.gz")[
        "nemo_english"
    ]
    for key, wanted in expected.items():
        broken = [name for name, verdict in judged[key].items() if not verdict.is_kept]
        if not wanted.get("seed_dependent"):
            # Where upstream raises, the filter that does is the first that breaks here.
            assert broken[:1] == ([] if wanted["keep"] else [wanted["stage"]]), (key, wanted)
