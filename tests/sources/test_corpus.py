"""The shared corpus, read as it lies there and from elsewhere."""

import os
import shutil

import pytest

import winnow.sources.partitions as partitioning
from winnow.sources.accounts import ACCOUNT
from winnow.sources.documents import list_files, with_defaults
from winnow.sources.partitions import partitions
from winnow.sources.reading import read_pieces

ROWS = 101_091  # as the corpus's own manifest counts them


def ids(path) -> list[str]:
    given = {"path": str(path)}
    found = []
    for pieces in partitions(list_files(given)):
        for batch in read_pieces(pieces, with_defaults(given), arrival=1):
            rows = zip(batch["id"], batch["reject_reason"], strict=True)
            found += [id.as_py() for id, reason in rows if reason.as_py() != ACCOUNT]
    return found


@pytest.fixture(scope="module")
def expected(shared_data) -> list[str]:
    return ids(shared_data / "corpus")


def test_every_row_is_a_document_of_its_own(expected):
    assert len(expected) == len(set(expected)) == ROWS


def test_ids_are_the_same_after_moving_the_folder_and_however_it_is_divided(
    expected, shared_data, tmp_path, monkeypatch
):
    moved = tmp_path / "elsewhere" / "corpus"
    shutil.copytree((shared_data / "corpus").resolve(), moved, copy_function=os.symlink)
    monkeypatch.setattr(partitioning, "SMALLEST", 64 << 20)
    monkeypatch.setattr(partitioning, "LARGEST", 512 << 20)
    assert ids(moved) == expected
