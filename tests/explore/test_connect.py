import pytest

import small_warehouse
import winnow
from winnow.engine.registry import Registry, published
from winnow.errors import CommandError
from winnow.explore.spark_views import substituted


@pytest.fixture(scope="module")
def connection(warehouse, spark):
    return winnow.connect(warehouse.address, spark)


def ids(frame):
    return sorted(row.id for row in frame.collect())


def test_a_table_is_the_kept_rows_of_its_published_version(connection):
    found = connection.sql("SELECT * FROM web.filtered")
    assert ids(found) == ["a1-kept", "a2-copy", "b1-hostile"]
    assert "_failed_rules" in found.columns
    assert not {"_dropped", "_batch"} & set(found.columns)


def test_dropped_rows_and_rejects_have_tables_of_their_own(connection):
    assert ids(connection.sql("FROM web.filtered_dropped")) == ["a3-short", "b2-huge", "b3-nul"]
    assert connection.table("web.documents_rejected").first().reason == "not_json"


def test_views_are_those_of_the_pipeline(connection):
    assert ids(connection.table("web.curated")) == ["a1-kept", "b1-hostile"]
    assert connection.table("web.shouted").count() == 6


def test_control_tables_are_there_even_before_their_first_row(connection):
    assert connection.table("winnow.runs").count() == 6
    assert connection.table("winnow.files").count() == 0


def test_any_version_can_be_read_by_its_number(connection):
    assert ids(connection.table("web.filtered", version=1)) == ["a1-kept", "a2-copy"]
    assert connection.table("web.filtered", version=3).count() == 4
    assert ids(connection.table("web.filtered_dropped", version=1)) == ["a3-short"]


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        ("web.filterd", None, "Did you mean `web.filtered`"),
        ("web.filterd", 1, "Did you mean `web.filtered`"),
        ("web.filtered", 9, "has no version 9; it has 1, 2, 3"),
        ("web.curated", 1, "is a view"),
    ],
)
def test_an_unknown_table_or_version_is_explained(connection, name, version, message):
    with pytest.raises(CommandError, match=message):
        connection.table(name, version=version)


def test_refresh_moves_to_what_is_published_now_and_drops_what_is_gone(tmp_path, spark):
    place = small_warehouse.build(tmp_path / "it's a `warehouse`")
    connection = winnow.connect(place.address, spark)
    registry = Registry(place)
    rows = registry.versions()
    first = next(item for item in rows if item.table == "web.filtered" and item.publication)
    kept = published(rows)
    registry.publish([first, kept["web.documents"]])
    assert connection.table("web.filtered").count() == 3
    connection.refresh()
    assert connection.table("web.filtered").count() == 2
    assert not spark.catalog.tableExists("web.curated")


def test_a_view_that_calls_python_can_be_read_and_so_can_a_view_of_it(tmp_path, spark):
    place = small_warehouse.build(tmp_path / "warehouse")
    registry = Registry(place)
    now = published(registry.versions())
    view = now["web.curated"].row()
    counted = {
        "stage": "counted",
        "sql": "SELECT id, text_signals(text).words AS words FROM web.documents",
    }
    long = {"stage": "long", "sql": "SELECT `counted`.id FROM `web`.`counted` WHERE words > 100"}
    views = [now["web.curated"].from_row(view | item) for item in (counted, long)]
    registry.publish([*now.values(), *views])
    connection = winnow.connect(place.address, spark)
    assert ids(connection.sql("SELECT long.id FROM web.long")) == ["b2-huge"]
    assert connection.table("web.counted").count() == 6


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM web.a", "SELECT * FROM `t` AS `a`"),
        ("SELECT * FROM `web`.`a` x JOIN web.b", "SELECT * FROM `t` x JOIN web.b"),
        ("SELECT web.a.id, c.web.a FROM web.b", "SELECT web.a.id, c.web.a FROM web.b"),
        ("SELECT 'web.a' -- web.a", "SELECT 'web.a' -- web.a"),
    ],
)
def test_only_tables_are_replaced_by_temporary_views(query, expected):
    assert substituted(query, {"web.a": "t"}) == expected


def test_importing_winnow_is_light_and_knows_no_other_name():
    assert callable(winnow.connect)
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        winnow.conect  # noqa: B018
