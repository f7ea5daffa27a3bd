import os
import time

import pyarrow as pa
import pytest

from winnow.udfs.sandbox import MEMORY, SHARED, Sandbox, SandboxError


def work(what: str) -> object:
    if what == "hang":
        time.sleep(60)
    if what == "hang in C":
        return 3 ** (10**9)
    if what == "die":
        os._exit(139)
    if what == "memory":
        return len(bytearray(2 * MEMORY))
    if what == "raise":
        raise ValueError(what)
    return os.getpid()


def first_and_size(page: pa.Buffer) -> tuple[bytes, int]:
    if page.size == 7:
        os._exit(1)
    return page.to_pybytes()[:1], page.size


def call(sandbox, what, seconds=10.0):
    [answer] = sandbox.answers([(what,)], seconds)
    return answer


@pytest.fixture
def sandbox():
    sandbox = Sandbox(work)
    yield sandbox
    sandbox.close()


def test_calls_share_one_process_that_is_not_this_one(sandbox):
    first = call(sandbox, "")
    assert first == call(sandbox, "")
    assert first != os.getpid()


@pytest.mark.parametrize("what", ["hang", "hang in C"])
def test_a_call_that_takes_too_long_is_ended_and_the_next_one_answered(sandbox, what):
    before = call(sandbox, "")
    began = time.monotonic()
    assert str(call(sandbox, what, seconds=0.2)) == "timeout"
    assert time.monotonic() - began < 5
    assert call(sandbox, "") != before


@pytest.mark.parametrize(
    ("what", "why"), [("die", "crashed"), ("raise", "failed"), ("memory", "out_of_memory")]
)
def test_a_call_that_fails_says_why_and_the_next_one_is_answered(sandbox, what, why):
    assert str(call(sandbox, what)) == why
    assert call(sandbox, "")


def test_the_process_ends_with_its_owner(sandbox):
    child = os.fork()
    if child == 0:  # an owner of its own, which ends without a word
        inner = Sandbox(work)
        with open(f"/tmp/winnow-sandbox-{os.getpid()}", "w") as file:
            file.write(str(call(inner, "")))
        os._exit(0)
    os.waitpid(child, 0)
    name = f"/tmp/winnow-sandbox-{child}"
    with open(name) as file:
        process = int(file.read())
    os.remove(name)
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":  # nobody has asked for its end yet
                return
        time.sleep(0.05)
    raise AssertionError("the process is still there")


def test_of_calls_sent_together_each_gets_its_own_answer_whatever_ends_the_process(sandbox):
    calls = [(what,) for what in ("", "raise", "", "die", "", "hang", "memory", "", "die")]
    answers = list(sandbox.answers(calls, 0.5))
    first, second, third, fourth = (answers[place] for place in (0, 2, 4, 7))
    assert first == second != third != fourth  # one process up to the call that ends it
    errors = [str(answer) for answer in answers if isinstance(answer, SandboxError)]
    assert errors == ["failed", "crashed", "timeout", "out_of_memory", "crashed"]


def test_calls_that_this_process_breaks_off_leave_no_answer_for_the_next(sandbox):
    with pytest.raises(ValueError, match="NaN"):
        call(sandbox, "raise", seconds=float("nan"))
    first = call(sandbox, "pid")
    answers = sandbox.answers([("pid",), ("raise",), ("raise",)], 10)
    assert next(answers) == first
    answers.close()
    assert call(sandbox, "pid") != first  # neither it nor the error of a call before


@pytest.mark.parametrize(
    "sizes", [[0, 1, 1000], [SHARED], [SHARED - 1, 1, 0], [SHARED, 1], [3, 7, 5]]
)
def test_buffers_are_handed_over_whole_however_large_and_again_to_a_new_process(sizes):
    sandbox = Sandbox(first_and_size)
    for first in (b"a", b"b"):  # the second time over those of the first
        calls = [(pa.py_buffer(first * size),) for size in sizes]
        answers = list(sandbox.answers(calls, 30))
        expected = [(first * (size > 0), size) for size in sizes]
        for size, answer, whole in zip(sizes, answers, expected, strict=True):
            assert answer == whole if size != 7 else str(answer) == "crashed"
    sandbox.close()
