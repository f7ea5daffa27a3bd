import io
import threading
import time

from winnow.explore.live import INTERVAL, Live, Watch, Work, line
from winnow.explore.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_has_bar_share_time_rows_and_bytes_a_second():
    work = Work(done=5, tasks=20, rows=1_204_511, bytes=48_000_000)
    assert line("filtered", 12, work, Screen()) == (
        "filtered    █████░░░░░░░░░░░░░░░   25 %        12 s  1,204,511 rows read  4.0 MB/s stored"
    )


def test_without_work_the_line_has_the_time_alone():
    assert line("filtered", 3, None, Screen()).split() == ["filtered", "3.0", "s"]
    assert line("filtered", 3, Work(0, 0, 0, 0), Screen()).split() == ["filtered", "3.0", "s"]


def test_a_line_never_fills_the_screen_since_the_cursor_stands_after_it():
    assert len(line("x" * 100, 3, Work(1, 2, 3, 4), Screen(40))) < 40


def test_outside_a_terminal_nothing_is_written():
    stream = io.StringIO()
    with Live(stream) as live:
        live.begin("filtered")
        time.sleep(2 * INTERVAL)
    assert stream.getvalue() == ""


def test_on_a_terminal_the_line_is_taken_away_at_the_end():
    stream = Terminal()
    with Live(stream) as live:
        live.begin("documents")
        live.begin("filtered")
        time.sleep(2 * INTERVAL)
    assert "filtered" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()


def test_the_work_of_a_running_session_is_seen_from_another_thread(spark):
    tasks = spark.sparkContext.parallelize(range(4), 4)
    job = threading.Thread(target=lambda: tasks.foreach(lambda _: time.sleep(1)))
    job.start()
    seen, watch = [], Watch()
    while job.is_alive():
        seen.append(watch.look())
        time.sleep(0.1)
    assert max(work.tasks for work in seen if work) == 4


def test_all_that_a_stage_read_and_stored_counts_after_it_ended(spark, tmp_path):
    spark.range(1000).write.parquet(str(tmp_path / "numbers"))

    def slow(batches):
        for batch in batches:
            time.sleep(1)
            yield batch

    numbers = spark.read.parquet(str(tmp_path / "numbers")).mapInArrow(slow, "id BIGINT")
    job = threading.Thread(target=lambda: numbers.write.parquet(str(tmp_path / "copy")))
    watch = Watch()
    job.start()
    while job.is_alive():
        watch.look()
        time.sleep(0.1)
    work = watch.look()
    assert (work.tasks, work.rows) == (0, 1000)
    written = sum(file.stat().st_size for file in (tmp_path / "copy").glob("*.parquet"))
    assert work.bytes == written
