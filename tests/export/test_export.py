"""`winnow export`: every kept document once, in a place that follows from its id and is told."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.life import explain
from winnow.explore.life_shown import show_life
from winnow.explore.query import Query
from winnow.explore.screen import Screen
from winnow.export.destination import MANIFEST, Asked, Destination, Manifest
from winnow.export.export import Request, _write, export, show_export
from winnow.export.shards import Shards


def exported(demo, folder, table="curated", format="jsonl", **options):
    return export(Catalog.of(demo.warehouse), Request(table, format, **options), str(folder))


def rows_of(folder: Path, facts) -> dict[str, list[dict]]:
    return {
        shard["file"]: [json.loads(line) for line in (folder / shard["file"]).open()]
        for shard in facts["shards"]
    }


def kept(demo, table="curated"):
    found = Query(Catalog.of(demo.warehouse), f"SELECT * FROM demo.{table} ORDER BY id")
    return [row for batch in found.batches() for row in batch.to_pylist()]


@pytest.fixture(scope="module")
def three(demo, tmp_path_factory):
    # Other files' tests may have left versions that they did not publish; a run builds over those.
    assert demo.run().exit_code == 0
    folder = tmp_path_factory.mktemp("shards")
    return folder, exported(demo, folder, shards=3)


def test_every_kept_document_is_there_once_with_what_its_table_holds(demo, three):
    folder, facts = three
    rows = [row for shard in rows_of(folder, facts).values() for row in shard]
    expected = kept(demo)
    assert facts["documents"] == len(rows) == len(expected)
    assert sorted(row["id"] for row in rows) == [row["id"] for row in expected]
    texts = {row["id"]: row["text"] for row in expected}
    assert all(texts[row["id"]] == row["text"] for row in rows)
    assert not any(name.startswith("_") for row in rows for name in row)


def test_the_ledger_and_explain_say_where_each_document_went(demo, three):
    folder, facts = three
    places = {
        row["id"]: (file, number)
        for file, rows in rows_of(folder, facts).items()
        for number, row in enumerate(rows)
    }
    query = f"SELECT id, file, row FROM winnow.exported WHERE export = '{facts['export']}'"
    told = [r for b in Query(Catalog.of(demo.warehouse), query).batches() for r in b.to_pylist()]
    assert {row["id"]: (row["file"], row["row"]) for row in told} == places
    id, (file, number) = max(places.items())
    catalog = Catalog.of(demo.warehouse)
    mine = [one for one in explain(catalog, id)["exports"] if one["export"] == facts["export"]]
    assert [(one["file"], one["row"], one["address"]) for one in mine] == [
        (file, number, str(folder))
    ]
    assert f"{folder}/{file} at row {number}" in show_life(explain(catalog, id), Screen(200))


def test_a_dropped_document_was_not_exported(demo, three):
    dropped = Query(Catalog.of(demo.warehouse), "SELECT min(id) AS id FROM demo.filtered_dropped")
    facts = explain(Catalog.of(demo.warehouse), next(dropped.batches())["id"][0].as_py())
    assert facts["exports"] == []
    assert "exported" not in show_life(facts, Screen(100))


def test_the_manifest_names_versions_and_files(demo, three):
    folder, facts = three
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["state"] == "done"
    versions = {name: demo.published(name) for name in manifest["asked"]["versions"]}
    assert manifest["asked"]["versions"] == {
        name: f"{version.version} of run {version.run}" for name, version in versions.items()
    }
    assert {"demo.curated", "demo.unique"} <= set(versions)
    assert [shard["file"] for shard in manifest["shards"]] == [
        f"curated-0000{number}-of-00003.jsonl" for number in range(3)
    ]
    for shard in manifest["shards"]:
        assert (folder / shard["file"]).stat().st_size == shard["bytes"]
    assert show_export(facts, Screen(100)).startswith(
        f"demo.curated  {facts['documents']} documents in 3 shards, "
    )


def test_the_files_do_not_depend_on_how_the_table_is_read(demo, three, tmp_path):
    _, facts = three
    before = demo.spark.conf.get("spark.sql.files.maxPartitionBytes")
    demo.spark.conf.set("spark.sql.files.maxPartitionBytes", "4k")
    try:
        again = exported(demo, tmp_path / "again", shards=3)
    finally:
        demo.spark.conf.set("spark.sql.files.maxPartitionBytes", before)
    assert again["shards"] == facts["shards"]


def test_shards_are_shuffled_and_about_as_large(three):
    folder, facts = three
    for rows in rows_of(folder, facts).values():
        ids = [row["id"] for row in rows]
        assert ids != sorted(ids)
        assert 0.5 < len(ids) * 3 / facts["documents"] < 1.5


def test_a_shard_may_have_no_document(demo, tmp_path):
    facts = exported(demo, tmp_path / "many", shards=40, columns=["id"])
    assert len(facts["shards"]) == 40
    assert {shard["documents"] for shard in facts["shards"]} >= {0, 1}
    assert len(list((tmp_path / "many").glob("curated-*-of-00040.jsonl"))) == 40


def test_parquet_has_the_tables_own_columns(demo, tmp_path):
    facts = exported(demo, tmp_path / "columns", "filtered", "parquet")
    [shard] = facts["shards"]
    read = pq.read_table(tmp_path / "columns" / shard["file"])
    rows = {row["id"]: row for row in read.to_pylist()}
    assert rows == {
        row["id"]: {name: row[name] for name in read.schema.names} for row in kept(demo, "filtered")
    }


@pytest.mark.parametrize("columns", [("text", "id"), ("text",)])
def test_columns_come_as_they_are_named(demo, tmp_path, columns):
    facts = exported(demo, tmp_path / "named", columns=columns)
    [rows] = rows_of(tmp_path / "named", facts).values()
    assert {tuple(row) for row in rows} == {columns}


def test_the_same_export_is_done_once(demo, three):
    folder, facts = three
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    again = exported(demo, folder, shards=3)
    assert (again["state"], again["export"]) == ("THERE", facts["export"])
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert "was there already" in show_export(again, Screen(100))


def test_an_unchanged_run_leaves_an_export_what_it_is(demo, three):
    folder, facts = three
    assert demo.run().exit_code == 0
    assert exported(demo, folder, shards=3)["export"] == facts["export"]


def broken_off(folder, facts):
    change(folder, state="writing")


def lost_from_the_ledger(folder, facts):
    change(folder, export="of another warehouse")


def without_a_shard(folder, facts):
    (folder / facts["shards"][1]["file"]).unlink()


def change(folder, **values):
    known = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(known | values))


@pytest.mark.parametrize("damage", [broken_off, lost_from_the_ledger, without_a_shard])
def test_an_export_that_is_not_whole_is_done_again(demo, tmp_path, damage):
    first = exported(demo, tmp_path / "broken", shards=2)
    damage(tmp_path / "broken", first)
    again = exported(demo, tmp_path / "broken", shards=2)
    assert again["state"] == "DONE"
    assert again["shards"] == first["shards"]
    id = kept(demo)[0]["id"]
    places = explain(Catalog.of(demo.warehouse), id)["exports"]
    mine = [one["export"] for one in places if one["address"] == str(tmp_path / "broken")]
    assert mine == [again["export"]]
    assert {file.name for file in (tmp_path / "broken").iterdir()} == {
        MANIFEST, *(shard["file"] for shard in first["shards"])
    }  # fmt: skip


def test_an_export_of_another_build_of_the_table_is_another(demo, three):
    folder, facts = three
    before = (folder / MANIFEST).read_text()
    asked = facts["asked"]
    other = asked["versions"] | {"demo.unique": "1 of run another"}
    change(folder, asked=asked | {"versions": other})
    try:
        with pytest.raises(CommandError, match=r"holds another export \(versions .*run another"):
            exported(demo, folder, shards=3)
    finally:
        (folder / MANIFEST).write_text(before)


def test_a_table_without_a_row_is_a_shard_without_a_row(demo, tmp_path):
    nothing = demo.spark.createDataFrame([], "id STRING, text STRING")
    shards = Shards(str(tmp_path), "none", 2, "jsonl")
    files = _write(nothing, ["text"], shards, "of nothing", demo.warehouse)
    assert [(one.file, one.documents, one.bytes) for one in files] == [
        ("none-00000-of-00002.jsonl", 0, 0),
        ("none-00001-of-00002.jsonl", 0, 0),
    ]
    assert all((tmp_path / one.file).stat().st_size == 0 for one in files)


def test_a_folder_that_another_run_has_taken_is_not_ended(demo, tmp_path):
    asked = Asked(table="t", versions={}, format="jsonl", columns=["id"], shards=1)
    mine, other = (
        Manifest(state="writing", export=name, winnow="0", asked=asked) for name in ("a", "b")
    )
    destination = Destination(str(tmp_path / "taken"), demo.warehouse)
    destination.begin(mine)
    destination.begin(other)
    with pytest.raises(CommandError, match=r"another run \(b\) took .* meanwhile"):
        destination.end(mine)


def test_rows_of_an_export_without_an_end_are_not_told(demo, three):
    folder, facts = three
    id = rows_of(folder, facts)[facts["shards"][0]["file"]][0]["id"]
    ended = explain(Catalog.of(demo.warehouse), id)["exports"]
    path = demo.warehouse.path("winnow", "exported")
    rows = demo.spark.read.format("delta").load(path).where(f"export = '{facts['export']}'")
    rows = rows.withColumn("export", F.lit("broken off"))
    rows.write.format("delta").mode("append").save(path)
    assert explain(Catalog.of(demo.warehouse), id)["exports"] == ended


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "csv"}, "--format csv: it is one of jsonl, jsonl.gz, jsonl.zst, parquet"),
        ({"shards": 0}, "--shards 0: it is from 1 to 100,000"),
        ({"columns": ["id", "txet"]}, r"`demo.curated` has no column `txet`; it has text"),
        ({"table": "demo.curatd"}, r"no table `demo.curatd`. Did you mean `demo.curated`\?"),
        ({"table": "filtered", "version": 99}, r"`demo.filtered` has no version 99; it has"),
        ({"version": 1}, r"`demo.curated` is a view, which is exported as it is published"),
        ({"columns": ["id", ""]}, r"--columns has an empty name; write --columns id,text"),
        ({"table": "demo.filtered_dropped"}, r"`demo.filtered_dropped` holds no kept documents"),
        ({"table": "winnow.runs"}, r"`winnow.runs` holds no kept documents"),
    ],
    ids=["format", "shards", "column", "table", "version", "view", "blank", "dropped", "control"],
)  # fmt: skip
def test_what_is_not_there_is_told_before_anything_is_written(demo, tmp_path, options, said):
    with pytest.raises(CommandError, match=said):
        exported(demo, tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_taken_is_told(demo, three, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="is not empty and holds no export; name a new folder"):
        exported(demo, tmp_path / "notes")
    with pytest.raises(CommandError, match="is a file; name a folder"):
        exported(demo, tmp_path / "notes" / "mine.txt")
    (tmp_path / "link").symlink_to(demo.warehouse.address)
    inside = f"{demo.warehouse.address}/demo/shards"
    for one in (
        inside,
        f"{demo.warehouse.address}/demo/../new",
        tmp_path / "link",
        f"file://{inside}",
    ):
        with pytest.raises(CommandError, match="is in the warehouse; name a folder of its own"):
            exported(demo, one)
    for one, said in (("s3://", "names no folder"), ("", "names no folder"),
                      ("~nosuchuser/x", "home directory")):  # fmt: skip
        with pytest.raises(CommandError, match=said):
            exported(demo, one)
    with pytest.raises(CommandError, match=r"holds another export \(format jsonl\)"):
        exported(demo, three[0], format="parquet", shards=3)
    (tmp_path / "notes" / MANIFEST).write_text("{")
    with pytest.raises(CommandError, match=f"{MANIFEST} is damaged; name a new folder"):
        exported(demo, tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told(demo, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match=r"cannot (write to|look into)"):
        exported(demo, tmp_path / "file" / "below")
