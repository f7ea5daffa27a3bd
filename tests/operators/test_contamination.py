"""Benchmark items are found where they were planted, and nowhere else."""

import gzip
import json
import random

import pytest

from winnow.engine.run import RunOptions, run
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError
from winnow.operators import contamination as module
from winnow.operators.contamination import contamination
from winnow.udfs.registry import declaration_of

METHODS = ("decon", "ngram13")
ITEM = (
    "A train leaves the station at nine and another one two hours later on the same track; how "
    "long does it take until the second one, which is twice as fast, has caught up with the first?"
)
OTHER = (
    "Which of these four planets has the largest number of moons that are known today, when those "
    "below a kilometre are left out: Saturn, Jupiter, Uranus or Neptune?"
)


@pytest.fixture
def found(spark):
    """Run the operator over texts by id and (id, benchmark, text) items."""

    def found(documents, targets=(("t1", "trains", ITEM),), method="decon", partitions=2):
        rows = list(documents.items()) if isinstance(documents, dict) else list(documents)
        so_far = spark.createDataFrame([], declaration_of(contamination).returns)
        answer = contamination(
            spark.createDataFrame(rows, "id STRING, text STRING").repartition(partitions),
            spark.createDataFrame(list(targets), "id STRING, benchmark STRING, text STRING"),
            so_far,
            method=method,
        )
        return sorted(tuple(row) for row in answer.collect())

    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_row_names_document_item_and_both_places(found, method):
    text = f"🚂 Für heute: «{ITEM.upper()}» (Answer: two hours.)"
    [row] = found({"page": text, "clean": "Nothing to see."}, method=method)
    identifier, target, benchmark, start, end, target_start, target_end, score = row
    assert (identifier, target, benchmark, score) == ("page", "t1", "trains", 1.0)
    assert text[start:end] == ITEM.upper().rstrip("?")
    assert ITEM[target_start:target_end] == ITEM.rstrip("?")


@pytest.mark.parametrize("method", METHODS)
def test_items_with_one_text_are_all_named(found, method):
    targets = [("t1", "trains", ITEM), ("t2", "railways", ITEM), ("t3", "moons", OTHER)]
    rows = found({"page": f"{ITEM} {OTHER}"}, targets, method)
    assert [row[:3] for row in rows] == [
        ("page", "t1", "trains"), ("page", "t2", "railways"), ("page", "t3", "moons"),
    ]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_without_documents_items_or_texts_nothing_is_found(found, method):
    assert found({}, method=method) == []
    assert found({"page": ITEM}, [], method) == []
    assert found({"none": None, "empty": "", "space": " \n"}, method=method) == []
    assert found({"page": ITEM}, [("a", "b", None), ("c", "d", ""), ("e", "f", "?!")], method) == []


@pytest.mark.parametrize("method", METHODS)
def test_partitions_and_the_order_of_rows_change_nothing(found, method):
    numbers = random.Random(0)
    targets = [
        (f"t{i}", "made", " ".join(f"w{numbers.randrange(300)}" for _ in range(30)))
        for i in range(40)
    ]
    documents = [
        (f"d{i}", " ".join(numbers.choice(targets)[2] for _ in range(numbers.randrange(3))) + " x")
        for i in range(60)
    ]
    expected = found(documents, targets, method, partitions=1)
    assert len(expected) > 40
    for partitions in (2, 8):
        numbers.shuffle(documents)
        numbers.shuffle(targets)
        assert found(documents, targets, method, partitions) == expected


def test_an_unknown_method_is_named(found):
    with pytest.raises(CommandError, match="'bm25' is none of ngram13, decon"):
        found({}, method="bm25")


def test_targets_that_do_not_fit_are_refused(found, monkeypatch):
    monkeypatch.setattr(module, "MOST_TARGET_BYTES", len(ITEM))
    assert len(found({"page": ITEM})) == 1
    with pytest.raises(CommandError, match=f"at most {len(ITEM)} fit; give them in parts"):
        found({"page": ITEM}, [("t1", "trains", ITEM + "?")])


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def one_word_in_20_changed(text, numbers):
    words = text.split()
    for block in range(0, len(words) - 19, 20):
        words[block + numbers.randrange(20)] = f"changed{numbers.randrange(10**6)}"
    return " ".join(words)


@pytest.mark.slow
def test_the_packaged_pipeline_drops_what_is_contaminated_batch_by_batch(spark, tmp_path):
    def write(name, *records):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))

    def dropped():
        warehouse = Warehouse.at(str(tmp_path / "warehouse"))
        settings = {"input": str(tmp_path / "in"), "targets": str(tmp_path / "targets")}
        assert run(RunOptions("decontaminate", warehouse, settings)).exit_code == 0
        table = spark.read.format("delta").load(warehouse.path("decontaminate", "clean"))
        return sorted((row.id, row.benchmarks) for row in table.where("_dropped").collect())

    write("targets/one.jsonl", {"id": "t1", "task": "trains", "text": ITEM})
    write("in/one.jsonl", {"id": "clean", "text": "Nothing."}, {"id": "moons", "text": OTHER})
    assert dropped() == []
    write("in/two.jsonl", {"id": "later", "text": f"Q: {ITEM.upper()}"}, {"id": "x", "text": "x"})
    assert dropped() == [("later", ["trains"])]
    write("targets/two.jsonl", {"id": "t2", "task": "moons", "text": OTHER})
    assert dropped() == [("later", ["trains"]), ("moons", ["moons"])]


@pytest.mark.slow
def test_every_planted_item_of_real_benchmarks_is_found_and_no_clean_review(found, shared_data):
    numbers = random.Random(0)
    files = sorted((shared_data / "targets").glob("*.jsonl.gz"))
    rows = [row for file in files for row in lines(file)]
    targets = [(row["id"], row["task"], row["text"]) for row in rows]
    reviews = [row["text"] for row in lines(shared_data / "corpus" / "movie_reviews.jsonl.gz")]
    documents = {f"clean {i}": text for i, text in enumerate(reviews[:1000])}
    expected = set()
    for target, _, text in numbers.sample(targets, 1000):
        if len(text.split()) < 10:  # some of them have fewer than 8 words without punctuation
            continue
        host = numbers.choice(reviews[1000:]).split()
        cut = numbers.randrange(len(host))
        for kind, planted in (
            ("verbatim", text),
            ("re-cased", text.swapcase()),
            ("changed", one_word_in_20_changed(text, numbers)),
        ):
            parts = [" ".join(host[:cut]), planted, " ".join(host[cut:])]
            documents[f"{kind} {target}"] = "\n".join(parts)
            expected.add((f"{kind} {target}", target))
    answers = {}
    for method in METHODS:
        answer = found(documents, targets, method)
        assert [row for row in answer if row[0].startswith("clean")] == []
        answers[method] = {row[:2] for row in answer}
    assert expected - answers["decon"] == set()
    missed = expected - answers["ngram13"]
    assert all(document.startswith("changed") for document, _ in missed)
    assert len(missed) < 0.03 * len(expected)  # no 13 words in a row were left
