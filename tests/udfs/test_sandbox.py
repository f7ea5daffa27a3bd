import os
import time

import pytest

from winnow.udfs.sandbox import MEMORY, Sandbox, SandboxError


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


@pytest.fixture
def sandbox():
    sandbox = Sandbox(work)
    yield sandbox
    sandbox.close()


def test_calls_share_one_process_that_is_not_this_one(sandbox):
    first = sandbox.call("", seconds=10)
    assert first == sandbox.call("", seconds=10)
    assert first != os.getpid()


@pytest.mark.parametrize("what", ["hang", "hang in C"])
def test_a_call_that_takes_too_long_is_ended_and_the_next_one_answered(sandbox, what):
    before = sandbox.call("", seconds=10)
    began = time.monotonic()
    with pytest.raises(SandboxError, match="timeout"):
        sandbox.call(what, seconds=0.2)
    assert time.monotonic() - began < 5
    assert sandbox.call("", seconds=10) != before


@pytest.mark.parametrize(
    ("what", "why"), [("die", "crashed"), ("raise", "failed"), ("memory", "out_of_memory")]
)
def test_a_call_that_fails_says_why_and_the_next_one_is_answered(sandbox, what, why):
    with pytest.raises(SandboxError, match=why):
        sandbox.call(what, seconds=10)
    assert sandbox.call("", seconds=10)


def test_the_process_ends_with_its_owner(sandbox):
    child = os.fork()
    if child == 0:  # an owner of its own, which ends without a word
        inner = Sandbox(work)
        with open(f"/tmp/winnow-sandbox-{os.getpid()}", "w") as file:
            file.write(str(inner.call("", seconds=10)))
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


def test_a_call_that_this_process_breaks_off_leaves_no_answer_for_the_next(sandbox):
    first = sandbox.call("pid", seconds=10)
    with pytest.raises(ValueError, match="NaN"):
        sandbox.call("raise", seconds=float("nan"))
    assert sandbox.call("pid", seconds=10) != first  # not the error of the call before
