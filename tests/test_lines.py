"""The packaged pipeline `lines`: what is left of documents that share lines."""

import json

import pytest

from winnow.engine.registry import Registry, published
from winnow.engine.run import RunOptions, run
from winnow.engine.warehouse import Warehouse

TERMS = "Subscribe to our newsletter today"
TEXTS = {
    "a": f"{TERMS}!\nThe oak grows slowly in the north.\nshort\n{TERMS.upper()}",
    "b": f"The pine is another tree altogether.\n{TERMS}, now\n{TERMS}\nshort",
    "c": TERMS,
    "d": "Nothing here is repeated in another text.\nNothing here is repeated in another text.",
}


@pytest.fixture
def cleaned(spark, tmp_path):
    """Run the pipeline and return its last table by id; texts are of one file each."""

    def cleaned(texts, **settings):
        folder = tmp_path / "input"
        folder.mkdir(exist_ok=True)
        for id, text in texts.items():
            (folder / f"{id}.jsonl").write_text(json.dumps({"id": id, "text": text}) + "\n")
        warehouse = Warehouse.at(str(tmp_path / "warehouse"))
        run(RunOptions("lines", warehouse, {"input": str(folder), **settings}))
        version = published(Registry(warehouse).versions())["lines.cleaned"]
        read = spark.read.format("delta").option("versionAsOf", version.version)
        rows = read.load(warehouse.path("lines", "cleaned")).collect()
        return {row.id: row.asDict() for row in rows}

    return cleaned


@pytest.mark.slow
def test_the_first_copy_of_a_repeated_line_stays_whatever_comes_later(cleaned):
    found = cleaned({id: TEXTS[id] for id in "bcd"})
    assert [found[id]["text"] for id in "bcd"] == [TEXTS["b"], "", TEXTS["d"]]
    found = cleaned({"a": TEXTS["a"]})
    assert found["a"]["text"] == "The oak grows slowly in the north.\nshort"
    assert found["b"]["text"] == TEXTS["b"]


def test_how_much_went_is_recorded_and_what_is_all_gone_is_dropped(cleaned):
    found = cleaned(TEXTS, keep_first="false")
    assert found["a"]["text"] == "The oak grows slowly in the north.\nshort"
    assert found["a"]["removed_lines"] == 2
    assert found["a"]["removed_chars"] == len(TEXTS["a"]) - len(found["a"]["text"])
    assert found["a"]["removed_share"] == found["a"]["removed_chars"] / len(TEXTS["a"])
    assert found["a"]["most_documents"] == 3
    assert found["c"]["_failed_rules"] == ["text_left", "half_left"]
    assert found["d"]["text"] == TEXTS["d"], "a line of one document is not repeated"
