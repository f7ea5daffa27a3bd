"""Rows read as plain Parquet are those that Delta reads, and where they may not be, Delta reads."""

from dataclasses import replace

import pytest
from deltalake import DeltaTable, write_deltalake

from winnow.engine import build
from winnow.engine.warehouse import Warehouse
from winnow.explore import stored_in_spark
from winnow.explore.catalog import Catalog
from winnow.explore.stored_in_spark import stored_rows


@pytest.fixture
def by_delta(monkeypatch):
    """The tables that Delta was asked for."""
    asked = []
    read = build.stored_rows
    monkeypatch.setattr(build, "stored_rows", lambda *given: asked.append(given) or read(*given))
    return asked


def same(demo, warehouse: Warehouse, version) -> bool:
    given = (demo.spark, warehouse, version)
    rows, expected = stored_rows(*given), build.stored_rows(*given)
    assert rows.columns == expected.columns
    assert rows.dtypes == expected.dtypes
    return rows.exceptAll(expected).isEmpty() and expected.exceptAll(rows).isEmpty()


@pytest.mark.parametrize("name", ["demo.filtered", "demo.unique"])
def test_the_rows_are_those_of_delta(demo, by_delta, name):
    version = Catalog.of(demo.warehouse).current(name)
    assert same(demo, demo.warehouse, version)
    assert len(by_delta) == 1  # by `same` alone


def test_a_table_of_many_files_is_read_by_delta(demo, by_delta, monkeypatch):
    monkeypatch.setattr(stored_in_spark, "MOST_FILES", 1)
    assert same(demo, demo.warehouse, Catalog.of(demo.warehouse).current("demo.filtered"))
    assert len(by_delta) == 2


@pytest.mark.parametrize("folder", ["with {braces}", "a star *", "with a space", "100%"])
def test_any_address_is_read(demo, tmp_path, folder):
    warehouse = Warehouse.at(str(tmp_path / folder))
    version = Catalog.of(demo.warehouse).current("demo.filtered")
    stored = DeltaTable(demo.warehouse.path("demo", "filtered"), version=version.version)
    path = warehouse.path("demo", "filtered")
    write_deltalake(path, stored.to_pyarrow_table(), partition_by=["_dropped"])
    assert same(demo, warehouse, replace(version, version=0))
