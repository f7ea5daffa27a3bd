"""The guarantees of a run: nothing unaudited is read, nothing is lost, what is held stays held."""

import os
import subprocess
import sys
import threading
import time

import psutil
import pytest
from deltalake import DeltaTable, write_deltalake

from winnow.engine.lease import Lease, holder_of
from winnow.engine.registry import published
from winnow.engine.rollback import rollback
from winnow.engine.run import plan_run
from winnow.engine.vacuum import vacuum
from winnow.errors import CommandError, HeldError

SECOND = ({"id": "f", "text": "one two three"}, {"id": "g", "text": "four five six seven"})
AT_LEAST_THREE = """
    kept:
      - type: expect_table_row_count_to_be_between
        kwargs: {min_value: 3}
        notes: Three documents are few enough.
      - type: expect_column_values_to_be_in_set
        kwargs: {column: id, value_set: [nowhere]}
        severity: warning
"""
SHORT = """
    all:
      - type: expect_column_values_to_be_between
        kwargs: {column: words, min_value: 2}
        severity: critical
"""


def test_a_failing_check_publishes_nothing_restores_the_table_and_names_numbers_and_ids(
    ran, stage_of
):
    ran.write("checks/filtered.yml", SHORT)
    ran.add("two.jsonl", (*SECOND, {"id": "z", "text": "short"}))
    result = ran.run()
    assert (result.exit_code, result.state, result.published) == (3, "rejected", False)
    assert ran.states(result) == {
        "documents": "BUILT",
        "filtered": "REJECTED",
        "unique": "SKIPPED",
        "curated": "SKIPPED",
    }
    check = next(c for c in stage_of(result, "filtered").checks if c.rejects)
    assert (check.type, check.unexpected_count) == ("expect_column_values_to_be_between", 3)
    assert check.examples == ("c", "e", "z")
    assert check.place.endswith("filtered.yml:2")
    assert {name: item.version for name, item in ran.published().items()} == {
        "documents": 1,
        "filtered": 1,
        "unique": 1,
        "curated": 1,
    }
    rejected = stage_of(result, "filtered").version
    assert "g" in ran.kept("filtered", rejected)
    newest = DeltaTable(ran.warehouse.path("small", "filtered")).version()
    assert ran.rows("filtered", newest) == ran.rows("filtered", 1)


def test_after_a_rejection_the_next_good_run_reuses_what_was_audited_and_publishes(project):
    project.write("checks/filtered.yml", AT_LEAST_THREE)
    assert project.run().exit_code == 3
    assert project.published() == {}
    project.edit("checks/filtered.yml", "min_value: 3", "min_value: 2")
    result = project.run()
    assert project.states(result) == {
        "documents": "REUSED",
        "filtered": "BUILT",
        "unique": "BUILT",
        "curated": "BUILT",
    }
    assert (result.exit_code, project.kept("filtered")) == (0, ["a", "b"])


def test_a_first_candidate_that_is_rejected_leaves_an_empty_table(project):
    project.write("checks/filtered.yml", AT_LEAST_THREE)
    project.run()
    newest = DeltaTable(project.warehouse.path("small", "filtered")).version()
    assert project.rows("filtered", newest) == []


def test_changed_checks_audit_the_same_version_again_without_building_it(ran, stage_of):
    ran.write("checks/filtered.yml", AT_LEAST_THREE.replace("3}", "2}"))
    assert [item.action for item in plan_run(ran.options())][:2] == ["REUSE", "REAUDIT"]
    result = ran.run()
    assert stage_of(result, "filtered").version == 1
    assert ran.published()["filtered"].version == 1
    assert {item.action for item in plan_run(ran.options())} == {"REUSE"}


def test_a_warning_is_told_and_publishes(project, stage_of):
    project.write("checks/filtered.yml", AT_LEAST_THREE.replace("3}", "2}"))
    result = project.run()
    failed = [check.severity for check in stage_of(result, "filtered").checks if not check.success]
    assert (failed, result.published) == (["warning"], True)


def test_a_row_that_breaks_a_fail_update_rule_rejects_the_version(project, stage_of):
    project.edit("20_filtered.sql", "IS NOT NULL)", "IS NOT NULL) ON VIOLATION FAIL UPDATE")
    result = project.run()
    assert (result.exit_code, project.published()) == (3, {})
    check = next(c for c in stage_of(result, "filtered").checks if c.rejects)
    assert (check.type, check.observed) == ("rule licence_known", {"failed": 3})
    last = project.registry.rows("runs")[-1]
    assert last["error"] == "filtered was rejected by rule licence_known"


def test_a_stage_without_a_row_is_rejected(project):
    project.edit("30_unique.sql", "FROM filtered", "FROM filtered WHERE id = 'none'")
    result = project.run()
    assert project.states(result)["unique"] == "REJECTED"


def test_a_stage_without_a_row_is_published_where_its_own_check_says_that_none_is_enough(project):
    project.edit("30_unique.sql", "FROM filtered", "FROM filtered WHERE id = 'none'")
    count = "expect_table_row_count_to_be_between"
    project.write("checks/unique.yml", f"all:\n  - {{type: {count}, kwargs: {{min_value: 0}}}}\n")
    assert project.states(project.run())["unique"] == "BUILT"


def test_a_failing_stage_skips_only_what_depends_on_it(project, stage_of):
    project.write(
        "25_lengths.sql",
        """
        CREATE OR REFRESH MATERIALIZED VIEW lengths AS
        SELECT id, 1 / (words - 1) AS share FROM documents JOIN (
          SELECT id, size(split(text, ' ')) AS words FROM documents
        ) USING (id)
        """,
    )
    result = project.run()
    assert (result.exit_code, project.published()) == (1, {})
    assert project.states(result) == {
        "documents": "BUILT",
        "filtered": "BUILT",
        "lengths": "FAILED",
        "unique": "BUILT",
        "curated": "BUILT",
    }
    error = stage_of(result, "lengths").error
    assert "stage `lengths`" in error
    assert "Division by zero" in error
    assert "\n" not in error


def test_a_reader_that_polls_through_a_run_sees_only_published_versions(ran):
    ran.add("two.jsonl", SECOND)
    seen, stop = set(), threading.Event()

    def poll() -> None:
        while not stop.is_set():
            found = published(ran.registry.versions())
            seen.add(tuple(sorted((name, item.version) for name, item in found.items())))

    reader = threading.Thread(target=poll)
    reader.start()
    ran.run()
    time.sleep(0.2)
    stop.set()
    reader.join()
    tables = ("curated", "documents", "filtered", "unique")
    assert seen == {tuple((f"small.{name}", number) for name in tables) for number in (1, 2)}


def test_a_rollback_moves_a_table_with_all_that_is_built_from_it_and_holds(ran):
    ran.add("two.jsonl", SECOND)
    ran.run()
    moved = rollback(ran.warehouse, "small.filtered", 1)
    assert [item.table for item in moved] == ["small.curated", "small.filtered", "small.unique"]
    versions = {name: item.version for name, item in ran.published().items()}
    assert versions == {"documents": 2, "filtered": 1, "unique": 1, "curated": 1}
    held = ran.run()
    assert not held.published
    assert "rolled back and stays so" in held.messages[-1]
    assert ran.published()["filtered"].version == 1
    assert ran.run(resume=True).published
    assert ran.published()["filtered"].version == 2


def test_a_change_after_a_rollback_is_published_again(ran):
    ran.add("two.jsonl", SECOND)
    ran.run()
    rollback(ran.warehouse, "small.filtered", 1)
    ran.edit("20_filtered.sql", "'%<%'", "'%<b>%'")
    assert ran.run().published
    assert ran.published()["filtered"].version == 3


def test_a_rollback_to_what_was_never_published_says_what_was(ran):
    with pytest.raises(CommandError, match=r"version 7 of `small\.filtered` was never published"):
        rollback(ran.warehouse, "small.filtered", 7)
    with pytest.raises(CommandError, match=r"no table `small\.filter` is published"):
        rollback(ran.warehouse, "small.filter", 1)


def test_a_second_run_is_told_who_holds_the_warehouse(ran):
    with Lease(ran.warehouse, "other", "small"), pytest.raises(HeldError) as held:
        ran.run()
    assert "held by run other of `small`" in str(held.value)
    assert f"Python process {os.getpid()}" in str(held.value)
    assert held.value.exit_code == 4
    assert holder_of(ran.warehouse) is None


def test_of_two_that_ask_at_once_one_gets_the_lease(project):
    """On a new warehouse, too, where both make the lease's table."""
    project.warehouse.create()
    code = (
        "import sys, time\n"
        "from winnow.engine.lease import Lease\n"
        "from winnow.engine.warehouse import Warehouse\n"
        "lease = Lease(Warehouse(sys.argv[1]), sys.argv[2], 'small')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    with lease:\n"
        "        time.sleep(3)\n"
        "except Exception as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", code, project.warehouse.address]
    both = [subprocess.Popen([*command, f"run-{i}"], **piped) for i in range(2)]
    assert [one.stdout.readline() for one in both] == ["ready\n"] * 2
    for one in both:
        one.stdin.write("\n")
        one.stdin.flush()
    for one in both:
        one.communicate()
    assert sorted(one.returncode for one in both) == [0, 4]


def test_the_lease_of_a_killed_run_is_free_when_its_jvm_is_gone(project):
    project.warehouse.create()
    jvm = subprocess.Popen(["sleep", "1.5"])
    code = (
        "import os, signal, sys\n"
        "from winnow.engine.lease import Lease\n"
        "from winnow.engine.warehouse import Warehouse\n"
        "Lease(Warehouse(sys.argv[1]), 'killed', 'small', int(sys.argv[2])).__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, project.warehouse.address, str(jvm.pid)])
    reaper = threading.Thread(target=jvm.wait)
    reaper.start()
    with Lease(project.warehouse, "next", "small"):
        assert not psutil.pid_exists(jvm.pid)
    reaper.join()


def test_a_commit_of_another_writer_stops_the_run_and_names_it(ran):
    path = ran.warehouse.path("small", "filtered")
    table = DeltaTable(path)
    write_deltalake(
        path, table.to_pyarrow_table().slice(0, 1), mode="append", partition_by=["_dropped"]
    )
    with pytest.raises(CommandError, match="something other than Winnow wrote version 2 of"):
        ran.run()
    ran.run(full_refresh=("filtered",))
    assert ran.kept("filtered") == ["a", "b"]
    assert {item.action for item in plan_run(ran.options())} == {"REUSE"}


def test_a_candidate_left_by_a_kill_is_undone_before_the_next_build(ran, monkeypatch):
    ran.add("two.jsonl", SECOND)
    from winnow.engine import stages

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages.StageRunner, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            ran.run()
    assert {item.version for item in ran.published().values()} == {1}
    ran.run()
    assert ran.kept("documents") == ["a", "b", "c", "d", "e", "f", "g"]
    states = [row["state"] for row in ran.registry.rows("runs")]
    assert states[-4:] == ["running", "failed", "running", "succeeded"]


def test_vacuum_removes_old_versions_and_keeps_what_published_ones_were_built_from(ran):
    for number in range(3):
        ran.edit("20_filtered.sql", "no_markup", f"no_markup{number}")
        ran.run()
        ran.edit("20_filtered.sql", f"no_markup{number}", "no_markup")
    before = ran.rows("documents")
    shown = vacuum(ran.warehouse, keep=1, dry_run=True)
    done = vacuum(ran.warehouse, keep=1, dry_run=False)
    assert shown == done
    removed = {table: versions for table, versions, _ in done.tables}
    assert removed == {"small.filtered": [1, 2, 3], "small.unique": [1, 2, 3]}
    assert all(size > 0 for _, _, size in done.tables)
    assert ran.rows("documents") == before
    assert ran.kept("filtered") == ["a", "b"]
    ran.edit("20_filtered.sql", "no_markup", "no_markup2")
    assert ran.states(ran.run())["filtered"] == "REUSED"


def test_a_warehouse_that_is_a_file_is_an_error(project):
    (project.folder / "warehouse").write_text("")
    with pytest.raises(CommandError, match="is a file; a warehouse is a folder"):
        project.run()


def test_a_warehouse_of_a_newer_format_is_an_error(project):
    project.warehouse.create()
    project.warehouse.write_json("_warehouse.json", {"format": 99})
    with pytest.raises(CommandError, match="has format 99; this Winnow reads up to 1"):
        project.run()


def test_a_wrong_pipeline_writes_nothing(project):
    project.edit("20_filtered.sql", "text NOT LIKE", "texts NOT LIKE")
    with pytest.raises(CommandError):
        project.run()
    assert not (project.folder / "warehouse").exists()


def test_an_input_that_does_not_exist_writes_nothing(project):
    with pytest.raises(CommandError, match="nowhere"):
        project.run(settings={"input": str(project.folder / "nowhere")})
    assert not (project.folder / "warehouse").exists()
