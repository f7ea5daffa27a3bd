"""The ledger of files: everything that was read is accounted for, and read once."""

import gzip
import hashlib
import os

import pytest

from winnow.engine.run import plan_run
from winnow.errors import CommandError


@pytest.fixture
def project(project):
    """The pipeline with its first stage alone, which runs in a third of the time."""
    for name in ("20_filtered.sql", "30_unique.sql", "40_curated.sql"):
        (project.pipeline / name).unlink()
    return project


@pytest.fixture
def ran(project):
    project.run()
    return project


RECORDS = tuple({"id": f"r{n}", "text": f"record number {n}"} for n in range(200))


def ledger(project) -> dict[str, dict]:
    """The last row of each file, without what differs from run to run."""
    return {row["file"]: row for row in project.registry.rows("files")}


def archive(*records: tuple[str, bytes]) -> bytes:
    """A WARC file of (type, block) records, each a gzip member."""
    members = []
    for number, (kind, block) in enumerate(records):
        http = "http; msgtype=response" if kind in ("response", "request") else "warc-fields"
        header = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{kind}-{number}>\r\n"
            f"Content-Type: application/{http}\r\nContent-Length: {len(block)}\r\n\r\n"
        )
        members.append(gzip.compress(header.encode() + block + b"\r\n\r\n", mtime=0))
    return b"".join(members)


PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>one two three four"
ARCHIVE = archive(
    ("warcinfo", b"software: a\r\n"),
    ("request", b"GET / HTTP/1.1\r\n\r\n"),
    ("response", PAGE),
    ("metadata", b"a: b\r\n"),
    ("response", PAGE),
)


class TestAccounts:
    def test_each_file_has_its_records_digest_and_state(self, project, stage_of):
        path = project.folder / "input" / "two.jsonl"
        project.add("two.jsonl", ({"text": "first of two"},))
        with path.open("ab") as file:
            file.write(b"no json\n\n")
        result = project.run()
        one, two = (ledger(project)[name] for name in ("one.jsonl", "two.jsonl"))
        assert (one["records"], one["documents"], one["rejects"]) == (5, 5, 0)
        assert (two["records"], two["documents"], two["rejects"]) == (2, 1, 1)
        assert two["digest"] == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        assert {one["state"], two["state"]} == {"read"}
        counts = stage_of(result, "documents").files
        assert (counts.records, counts.documents, counts.rejects, counts.left_out) == (7, 6, 1, 0)
        assert counts.json()["states"] == {"read": 2}

    def test_a_stage_that_returns_a_record_twice_fails_and_loses_none(self, project, stage_of):
        twice = "SELECT d.* FROM STREAM read_documents(:input, format => 'jsonl') AS d"
        twice += " LATERAL VIEW explode(array(1, 2)) AS copy"
        project.write("10_documents.sql", f"CREATE OR REFRESH STREAMING TABLE documents AS {twice}")
        error = stage_of(project.run(), "documents").error
        assert "`documents` returns the record of `one.jsonl` at 0 more than once" in error
        assert project.published() == {}

    def test_records_that_are_no_documents_are_skipped_and_counted(self, project, stage_of):
        project.edit("10_documents.sql", "format => 'jsonl', ", "")
        (project.folder / "input" / "a.warc.gz").write_bytes(ARCHIVE)
        counts = stage_of(project.run(), "documents").files
        assert counts.skipped == {"metadata": 1, "request": 1, "warcinfo": 1}
        assert (counts.records, counts.documents) == (5 + 5, 5 + 2)
        assert dict(ledger(project)["a.warc.gz"]["skipped"]) == counts.skipped

    def test_a_file_that_breaks_off_is_partial_and_the_run_says_where(self, project, stage_of):
        whole = "".join(f'{{"id": "{r["id"]}", "text": "{r["text"]}"}}\n' for r in RECORDS)
        packed = gzip.compress(whole.encode(), mtime=0)
        (project.folder / "input" / "cut.jsonl.gz").write_bytes(packed[:-40])
        (project.folder / "input" / "not.jsonl.gz").write_bytes(b"nothing of the kind")
        result = project.run()
        cut, other = (ledger(project)[name] for name in ("cut.jsonl.gz", "not.jsonl.gz"))
        assert (cut["state"], cut["error"]) == ("partial", "truncated")
        assert cut["documents"] > 100
        assert len(whole) - 1000 < cut["position"] < len(whole)
        assert (other["state"], other["error"], other["position"]) == ("unreadable", "corrupt", 0)
        [check] = [
            check
            for check in stage_of(result, "documents").checks
            if check.type == "files_read_to_their_end"
        ]
        assert not check.success
        assert check.severity == "warning"
        assert check.examples[0] == f"cut.jsonl.gz at {cut['position']}: truncated"
        assert result.published

    def test_duplicate_ids_are_rejects_of_the_file_in_which_they_come_later(self, project):
        project.add("two.jsonl", ({"id": "a", "text": "again"}, {"id": "z", "text": "new"}))
        project.run()
        two = ledger(project)["two.jsonl"]
        assert (two["records"], two["documents"], two["rejects"]) == (2, 1, 1)

    def test_broken_utf_8_is_repaired_and_counted(self, project, stage_of):
        (project.folder / "input" / "two.jsonl").write_bytes(b'{"text": "Caf\xe9"}\n')
        counts = stage_of(project.run(), "documents").files
        assert (counts.repaired, ledger(project)["two.jsonl"]["repaired"]) == (1, 1)

    def test_a_file_that_could_not_be_opened_is_new_to_the_next_run(self, ran):
        row = {**ledger(ran)["one.jsonl"], "state": "unreadable", "error": "no_permission"}
        ran.registry.append("files", [row])
        [plan] = plan_run(ran.options())
        assert (plan.action, plan.reason) == ("APPEND", "1 new file")

    def test_records_that_the_sql_leaves_out_are_told(self, project, stage_of):
        project.edit(
            "10_documents.sql", "max_rejects => 1.0)", "max_rejects => 1.0) WHERE id > 'b'"
        )
        result = project.run()
        documents = stage_of(result, "documents")
        assert documents.files.left_out == 2
        [check] = [c for c in documents.checks if c.type == "every_record_accounted_for"]
        assert (check.success, check.severity) == (False, "warning")
        assert result.published

    def test_sql_that_takes_no_record_leaves_a_ledger_without_accounts(self, project, stage_of):
        project.edit("10_documents.sql", "max_rejects => 1.0)", "max_rejects => 1.0) WHERE false")
        result = project.run()
        assert stage_of(result, "documents").state == "REJECTED"  # not a row, not a hanging run


class TestLimitOfRejects:
    @pytest.fixture
    def ran(self, project):
        project.edit("10_documents.sql", "1.0", "0.5")
        project.run()
        return project

    def test_a_batch_with_more_rejects_than_allowed_is_not_published(self, ran, stage_of):
        before = ran.published()
        ran.add("two.jsonl", ({"text": "fine"}, {"nothing": 1}, {"nothing": 2}))
        result = ran.run()
        documents = stage_of(result, "documents")
        assert (documents.state, result.exit_code, result.published) == ("REJECTED", 3, False)
        [check] = [check for check in documents.checks if not check.success]
        assert check.type == "share_of_rejects"
        assert check.observed == {"rejects": 2, "of": 3, "max_rejects": 0.5, "no_text": 2}
        assert ran.published() == before

    def test_the_share_that_is_allowed_is_published_and_changing_it_reads_nothing_again(
        self, ran, stage_of
    ):
        ran.add("two.jsonl", ({"text": "fine"}, {"nothing": 1}))
        assert ran.run().published
        ran.edit(
            "pipeline.yml", "parameters:", "parameters:\n  limit: {default: 0.5, description: x}"
        )
        ran.edit("10_documents.sql", "0.5", ":limit")
        ran.run()  # the SQL changed, so it reads everything
        result = ran.run(settings={"limit": "0.9"})
        assert stage_of(result, "documents").state == "REUSED"


class TestFilesThatChange:
    def grow(self, project):
        path = project.folder / "input" / "one.jsonl"
        with path.open("a") as file:
            file.write('{"id": "late", "text": "more text in one"}\n')

    def test_a_changed_file_stops_the_run_and_names_both_ways_on(self, ran):
        self.grow(ran)
        with pytest.raises(CommandError, match=r"`one\.jsonl` changed since `documents`") as error:
            ran.run()
        assert "--full-refresh documents" in str(error.value)
        assert "changed_files => 'ignore'" in str(error.value)

    def test_a_changed_file_of_the_same_size_and_time_of_a_touched_one_is_found(self, ran):
        path = ran.folder / "input" / "one.jsonl"
        content = path.read_bytes()
        path.write_bytes(content.replace(b"one two three", b"one two theer"))
        os.utime(path, (1, 1))
        with pytest.raises(CommandError, match="changed since"):
            ran.run()

    def test_a_changed_file_can_be_ignored_and_new_ones_are_read(self, ran, stage_of):
        ran.edit("pipeline.yml", "parameters:", "parameters:\n  c: {default: stop, description: x}")
        ran.edit("10_documents.sql", "max_rejects", "changed_files => :c, max_rejects")
        ran.run()
        self.grow(ran)
        ran.add("two.jsonl", ({"id": "f", "text": "one two three"},))
        result = ran.run(settings={"c": "ignore"})
        assert result.published
        assert stage_of(result, "documents").new_rows == 1
        assert "late" not in ran.kept("documents")
        with pytest.raises(CommandError, match="changed since"):
            ran.run()

    def test_a_full_refresh_reads_a_changed_file_again(self, ran):
        self.grow(ran)
        assert ran.run(full_refresh=("documents",)).published
        assert "late" in ran.kept("documents")

    def test_a_touched_file_is_not_read_again_and_its_new_time_is_noted(self, ran):
        path = ran.folder / "input" / "one.jsonl"
        os.utime(path, (1_000_000_000, 1_000_000_000))
        result = ran.run()
        assert set(ran.states(result).values()) == {"REUSED"}
        assert ledger(ran)["one.jsonl"]["modified"].timestamp() == 1_000_000_000
        [plan] = [plan for plan in plan_run(ran.options()) if plan.name == "documents"]
        assert plan.touched == ()  # known by its time again: it need not be read for that


class TestOtherInputs:
    def test_another_input_adds_its_files_and_the_plan_names_those_that_are_gone(self, ran):
        elsewhere = ran.folder / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "new.jsonl").write_text('{"id": "n", "text": "one two three four"}\n')
        options = ran.options(settings={"input": str(elsewhere)})
        [plan] = [plan for plan in plan_run(options) if plan.name == "documents"]
        assert (plan.action, plan.reason, plan.gone) == ("APPEND", "1 new file", ("one.jsonl",))
        result = ran.run(settings={"input": str(elsewhere)})
        assert any(
            "no longer in the input of `documents`: `one.jsonl`" in m for m in result.messages
        )
        assert ran.kept("documents") == ["a", "b", "c", "d", "e", "n"]

    def test_another_format_reads_everything_again(self, ran, stage_of):
        (ran.folder / "input" / "notes.txt").write_text("plain text of a note")
        ran.edit("10_documents.sql", "'jsonl'", "'auto'")
        documents = stage_of(ran.run(), "documents")
        assert documents.state == "BUILT"
        assert documents.rows_kept == 6

    def test_two_inputs_of_one_stage_read_each_its_own_files(self, project, stage_of):
        other = project.folder / "other"
        other.mkdir()
        (other / "two.jsonl").write_text('{"id": "a", "text": "of the other input"}\n')
        project.write(
            "10_documents.sql",
            f"""
            CREATE OR REFRESH STREAMING TABLE documents AS
            SELECT * FROM STREAM read_documents(:input, constant_source => 'one')
            UNION ALL
            SELECT * FROM STREAM read_documents('{other}', id_prefix => 'o/')
            """,
        )
        result = project.run()
        assert stage_of(result, "documents").files.records == 6
        assert project.kept("documents") == ["a", "b", "c", "d", "e", "o/a"]
        assert set(ledger(project)) == {"one.jsonl", "two.jsonl"}

    def test_two_inputs_with_a_file_of_one_name_are_refused(self, project):
        other = project.folder / "other"
        other.mkdir()
        (other / "one.jsonl").write_text('{"text": "x"}\n')
        project.write(
            "10_documents.sql",
            f"""
            CREATE OR REFRESH STREAMING TABLE documents AS
            SELECT * FROM STREAM read_documents(:input)
            UNION ALL
            SELECT * FROM STREAM read_documents('{other}')
            """,
        )
        with pytest.raises(CommandError, match="two inputs of `documents` hold a file called `one"):
            project.run()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("changed_files => 'maybe'", "changed_files: 'maybe' is neither 'stop' nor 'ignore'"),
        ("max_rejects => 2.0", "max_rejects: 2.0 is no share"),
        ("format => 'pdf'", "format: 'pdf' is none of"),
    ],
)
def test_an_option_of_another_value_is_refused_before_anything_starts(project, option, message):
    project.write(
        "10_documents.sql",
        f"""
        CREATE OR REFRESH STREAMING TABLE documents AS
        SELECT * FROM STREAM read_documents(:input, {option})
        """,
    )
    with pytest.raises(CommandError, match=message):
        project.run()
    assert not (project.folder / "warehouse").exists()


def test_a_file_that_grows_after_it_was_listed_is_known_by_what_was_read(project, monkeypatch):
    path = project.folder / "input" / "one.jsonl"
    before = path.stat()
    listed = plan_run(project.options())[0].files
    with path.open("a") as file:
        file.write('{"id": "late", "text": "written between plan and read"}\n')
    monkeypatch.setattr("winnow.engine.plan.list_files", lambda _: list(listed))
    project.run()
    monkeypatch.undo()
    assert "late" in project.kept("documents")
    row = ledger(project)["one.jsonl"]
    assert (row["size"], row["documents"]) == (path.stat().st_size, 6)
    assert row["size"] > before.st_size
    assert set(project.states(project.run()).values()) == {"REUSED"}
