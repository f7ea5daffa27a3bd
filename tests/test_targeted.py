"""The pipeline `targeted` chooses what is like its target, never the target itself."""

import json
import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from winnow.engine.registry import Registry, published
from winnow.engine.run import RunOptions, run
from winnow.engine.warehouse import Warehouse

pytestmark = pytest.mark.slow


def words(listed):
    return listed.split()


SCIENCE = words(
    """energy plant cell water rock force light heat planet animal leaf metal acid magnet sound wave
    gravity mineral oxygen soil seed organ virus lava moon tide friction mass"""
)
CHAT = words(
    """lol hey guys anyone tried install package error thanks reboot driver wifi laptop screen mouse
    nope yeah maybe tonight phone chat ping brb forum game pizza movie ticket"""
)
GLUE = words("the of a in that which is and by from when some it for on")


def sentence(draw, words, length=12):
    picked = [draw.choice(GLUE if i % 2 else words) for i in range(length)]
    return " ".join(picked).capitalize() + ". "


def text(draw, words, sentences=24):
    return "".join(sentence(draw, words) for _ in range(sentences))


class Corpus:
    """Documents on science and chat, and questions of three splits, in files."""

    def __init__(self, folder: Path, spark: SparkSession) -> None:
        self.folder, self.spark = folder, spark
        self.draw = random.Random(4)
        self.warehouse = Warehouse.at(str(folder / "warehouse"))
        self.questions = [
            {
                "id": f"q{i}",
                "task": "science",
                "split": "test" if i % 5 == 0 else "train",
                "text": f"Question {i}: {text(self.draw, SCIENCE, 3)} Which one is it?",
            }
            for i in range(150)
        ]
        self.questions.append(self.questions[1] | {"id": "q1 again"})
        held = self.questions[5]["text"]
        self.questions.append(self.questions[1] | {"id": "leaked", "text": f"Well. {held}"})
        self.write("targets/questions.jsonl", self.questions)
        documents = [
            {"id": f"{name}{i}", "source": name, "text": text(self.draw, words)}
            for name, words in (("science", SCIENCE), ("chat", CHAT))
            for i in range(120)
        ]
        documents.append(documents[0] | {"id": "science0 again"})
        nearly = documents[1]["text"] + "End."
        documents.append(documents[1] | {"id": "science1 nearly", "text": nearly})
        for i, name in ((1, "holds a train question"), (5, "holds a test question")):
            content = text(self.draw, SCIENCE) + self.questions[i]["text"]
            documents.append({"id": name, "source": "science", "text": content})
        hashes = text(self.draw, SCIENCE).replace(" ", " # ")
        documents.append({"id": "liked, with hashes", "source": "science", "text": hashes})
        hashes = text(self.draw, CHAT).replace(" ", " # ")
        documents.append({"id": "chat, with hashes", "source": "chat", "text": hashes})
        self.write("input/documents.jsonl", documents)

    def write(self, name, rows):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(self, **settings):
        given = {"input": "input", "targets": "targets", "algorithm": "linear"}
        given = {name: str(self.folder / value) if name != "algorithm" else value
                 for name, value in given.items()}  # fmt: skip
        given |= {"token_budget": "8000", "passage_tokens": "64"}
        given |= {name: str(value) for name, value in settings.items()}
        result = run(RunOptions("targeted", self.warehouse, given))
        assert result.state == "succeeded", [stage.error for stage in result.stages]
        return {stage.stage: stage for stage in result.stages}

    def read(self, stage):
        version = published(Registry(self.warehouse).versions())[f"targeted.{stage}"]
        read = self.spark.read.format("delta").option("versionAsOf", version.version)
        return read.load(self.warehouse.path("targeted", stage)).collect()

    def rows(self, stage):
        return {row.id: row for row in self.read(stage)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, spark):
    return Corpus(tmp_path_factory.mktemp("targeted"), spark)


def test_it_chooses_within_the_budget_what_is_like_the_target_and_never_the_target(corpus):
    first = corpus.run()
    assert {stage.state for stage in first.values()} == {"BUILT"}

    positives = corpus.rows("positives")
    failed = {name: row["_failed_rules"] for name, row in positives.items()}
    assert all(failed[f"q{i}"] == ["train_split", "copy"] for i in range(0, 150, 5))
    assert sorted(failed[name] for name in ("q1", "q1 again")) == [[], ["copy"]]
    assert failed["leaked"] == ["evaluation_item"]
    examples = corpus.rows("examples")
    labels = [row["label"] for row in examples.values()]
    assert labels.count("positive") == labels.count("negative") == 120
    drawn = [name for name, row in examples.items() if row["label"] == "negative"]
    assert not [name for name in drawn if "question" in name]
    template = {row.word for row in corpus.read("template_words") if row.is_template}
    assert {"question", "one"} <= template
    assert not template & {"the", *SCIENCE}
    assert "uestion" not in positives["q1"].text
    for name in ("ratio_model", "target_model"):
        [model] = corpus.read(name)
        assert model.auc > 0.8
    passages = corpus.rows("scores").values()
    ranked = [row for row in passages if row.score is not None]
    assert all(row.ratio >= 0.5 and not row["_failed_rules"] for row in ranked)
    left = [row for row in passages if row.score is None]
    assert all(row["_failed_rules"] == ["ratio_share"] and not row["_dropped"] for row in left)
    assert 0.3 < len(ranked) / len(passages) < 0.7

    candidates = corpus.rows("candidates")
    by_document = {}
    for row in candidates.values():
        by_document.setdefault(row.document_id, set()).update(row["_failed_rules"])
    assert "target_text" in by_document["holds a train question"]
    assert "target_text" in by_document["holds a test question"]
    assert "near_duplicate" in by_document["science0 again"] | by_document["science0"]
    assert "near_duplicate" in by_document["science1 nearly"] | by_document["science1"]
    assert by_document["chat, with hashes"] == {"quality_rules"}
    liked = [row for row in candidates.values() if row.document_id == "liked, with hashes"]
    assert all((row.bucket >= 18) == ("quality_rules" not in row["_failed_rules"]) for row in liked)

    chosen = {name: row for name, row in corpus.rows("chosen").items() if not row["_dropped"]}
    tokens = {by: sum(row.tokens for row in chosen.values() if row.chosen_by == by)
              for by in ("score", "general")}  # fmt: skip
    assert 3800 < tokens["score"] <= 4000
    assert 3800 < tokens["general"] <= 4000
    science = [row.document_id.startswith(("science", "liked")) for row in chosen.values()
               if row.chosen_by == "score"]  # fmt: skip
    assert sum(science) > 0.95 * len(science)
    assert not {row.document_id for row in chosen.values()} & {
        "holds a train question", "holds a test question",
    }  # fmt: skip
    shift = {row.value: row for row in corpus.read("mixture") if row.dimension == "source"}
    assert shift["science"].share_after > shift["science"].share_before > 0.4


def test_another_budget_scores_nothing_and_a_new_batch_scores_itself(corpus):
    again = corpus.run(token_budget=4000, general_share=0.0)
    built = {name for name, stage in again.items() if stage.state == "BUILT"}
    assert built == {"chosen", "mixture", "targeted"}

    corpus.write("input/more.jsonl", [{"id": "new", "text": text(corpus.draw, SCIENCE)}])
    states = corpus.run()
    assert 0 < states["scores"].new_rows < 30  # the negatives, and so the model, are as before
    assert "new" in {row.document_id for row in corpus.rows("candidates").values()}


def test_a_ranked_share_of_one_ranks_every_passage(corpus):
    corpus.run(ranked_share=1)
    passages = corpus.rows("scores").values()
    assert all(row.score is not None and not row["_failed_rules"] for row in passages)
    assert any(row.ratio < 0.5 for row in passages)
