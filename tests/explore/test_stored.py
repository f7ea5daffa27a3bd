import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset as arrow_dataset
from pyarrow.fs import PyFileSystem

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.stored import dataset, values_of


@pytest.fixture
def version(warehouse):
    return Catalog.of(warehouse).current("web.filtered")


def test_kept_and_dropped_rows_are_read_apart(warehouse, version):
    assert dataset(warehouse, version).count_rows() == 6
    assert dataset(warehouse, version, dropped=False).count_rows() == 3
    assert dataset(warehouse, version, dropped=True).count_rows() == 3


def test_files_are_read_without_python_between(warehouse, version):
    """A thread that is still in Python when the program ends aborts it."""
    fragments = list(dataset(warehouse, version).get_fragments())
    assert fragments
    assert not any(isinstance(item.filesystem.base_fs, PyFileSystem) for item in fragments)


def test_a_version_whose_files_are_gone_is_an_error_of_the_user(warehouse, version):
    gone = type(version).from_row({**version.row(), "stage": "gone"})
    with pytest.raises(CommandError, match=r"cannot read version 2 of web\.gone"):
        dataset(warehouse, gone)


def test_a_value_is_found_in_whichever_row_group_has_it(tmp_path):
    table = pa.table({"id": ["a", "b", "b", "c"], "text": ["A", None, "B", None]})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=1)
    rows = arrow_dataset.dataset(tmp_path)
    assert values_of(rows, "text", list("abcd")) == {"a": "A", "b": "B"}
    assert values_of(rows, "text", []) == {}
