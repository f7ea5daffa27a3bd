import io
import threading
import time

from winnow.explore.live import INTERVAL, Live, Work, current_work, line
from winnow.explore.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_has_bar_share_time_rows_and_bytes_a_second():
    assert line(
        "filtered", 12, Work(done=5, tasks=20, rows=1_204_511, bytes=48_000_000), Screen()
    ) == ("filtered    █████░░░░░░░░░░░░░░░   25 %        12 s  1,204,511 rows read  4.0 MB/s")


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
    seen = []
    while job.is_alive():
        seen.append(current_work({}))
        time.sleep(0.1)
    assert {work.tasks for work in seen if work} == {4}


def test_what_a_stage_that_ended_has_read_still_counts(spark):
    earlier = {-1: (3, 1_000_000)}
    work = current_work(earlier)
    assert (work.rows, work.bytes) == (3, 1_000_000)
    assert line("filtered", 2, work, Screen()).split() == ["filtered", "2.0", "s", "3", "rows",
                                                           "read", "500.0", "kB/s"]  # fmt: skip
