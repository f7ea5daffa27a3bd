import pytest

from winnow.errors import CommandError
from winnow.explore.starter import start
from winnow.pipeline.load import load_pipeline, packaged


def test_what_init_writes_loads_as_it_is(tmp_path):
    facts = start(tmp_path / "My news-2")
    pipeline = load_pipeline(facts["folder"])
    assert pipeline.name == facts["pipeline"] == "my_news_2"
    assert [stage.name for stage in pipeline.stages] == ["documents", "filtered"]
    assert [check.type for check in pipeline.checks["filtered"]]
    assert [example.name for example in pipeline.examples["filtered"]]
    assert "question_marks" in pipeline.functions
    assert not pipeline.warnings


def test_an_empty_folder_may_be_there_already(tmp_path):
    (tmp_path / "mine").mkdir()
    assert len(start(tmp_path / "mine")["files"]) == 6


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(CommandError, match="is not empty"):
        start(tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["2024", "winnow", "delta", "---"])
def test_a_folder_whose_name_cannot_name_a_pipeline_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match="cannot name one"):
        start(tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", packaged())
def test_a_copy_of_a_packaged_pipeline_is_the_same_in_one_folder(tmp_path, name):
    facts = start(tmp_path / "mine", name)
    copy, original = load_pipeline(facts["folder"]), load_pipeline(name)
    assert copy.name == "mine"
    assert not copy.warnings
    assert [(stage.name, stage.statement) for stage in copy.stages] == [
        (stage.name, stage.statement) for stage in original.stages
    ]
    assert copy.parameters == original.parameters
    for of in ("checks", "examples"):
        assert getattr(copy, of).keys() == getattr(original, of).keys()
    assert all(stage.place.file.is_relative_to(tmp_path) for stage in copy.stages)


def test_a_pipeline_that_is_not_packaged_cannot_be_copied(tmp_path):
    with pytest.raises(CommandError, match="Did you mean `fineweb`"):
        start(tmp_path / "mine", "finweb")
    assert not (tmp_path / "mine").exists()
