from hypothesis import given
from hypothesis import strategies as st

from winnow.sources.files import InputFile
from winnow.sources.partitions import LARGEST, OPENING, SMALLEST, partitions

MIB = 1 << 20


def file(name: str, size: int) -> InputFile:
    return InputFile(f"/data/{name}", name, size, 0.0, "jsonl")


SUFFIXES = st.sampled_from([".jsonl", ".jsonl.gz"])
FILES = st.lists(st.tuples(st.integers(0, 300 * MIB), SUFFIXES), max_size=30).map(
    lambda each: [file(f"{i:03}{suffix}", size) for i, (size, suffix) in enumerate(each)]
)


@given(FILES)
def test_every_byte_of_every_file_is_read_by_one_task_in_order(files):
    pieces = [piece for part in partitions(files) for piece in part]
    for each in files:
        own = [piece for piece in pieces if piece.file == each]
        assert own[0].start == 0
        assert own[-1].end is None
        assert [piece.end for piece in own[:-1]] == [piece.start for piece in own[1:]]
    assert [piece.file.name for piece in pieces] == sorted(piece.file.name for piece in pieces)


def test_a_plain_file_is_split_above_64_mib_and_not_at_it():
    assert len(partitions([file("a.jsonl", LARGEST)])) == 1
    [[first], [second]] = partitions([file("a.jsonl", LARGEST + 2)])
    assert (first.start, first.end, second.start) == (0, LARGEST // 2 + 1, LARGEST // 2 + 1)


def test_a_compressed_file_is_never_split():
    assert len(partitions([file("a.jsonl.gz", 10 * LARGEST)])) == 1


def test_large_compressed_files_are_a_task_each():
    assert len(partitions([file(f"{i}.jsonl.gz", LARGEST) for i in range(5)])) == 5


def test_small_files_share_tasks_of_about_the_same_size():
    parts = partitions([file(f"{i:06}.jsonl", 1000) for i in range(100_000)])
    costs = [sum(OPENING + piece.file.size for piece in part) for part in parts]
    assert len(parts) < 100
    assert min(costs[:-1]) > LARGEST - 2 * OPENING
    assert max(costs) <= LARGEST


def test_an_input_of_a_few_megabytes_is_one_task():
    assert len(partitions([file("a.jsonl", SMALLEST - OPENING)])) == 1


def test_no_files_are_no_tasks():
    assert partitions([]) == []
