import json
from dataclasses import replace

import pytest

from winnow.sources.accounts import ACCOUNT, Account, accounts_by_file, joined_digest
from winnow.sources.records import REPAIRED
from winnow.udfs.hashing import blake2b_128


def rows(*accounts, file="a.jsonl"):
    """The rows in which accounts travel, as they come out of them."""
    return [f"{account.row().reject_snippet}\n{file}" for account in accounts]


FIRST = Account(
    start=0, digest="d1", records=6, documents=3, rejects=1, skipped={"request": 2}, seconds=0.25
)
SECOND = Account(
    start=100, digest="d2", records=4, documents=1, rejects=0,
    skipped={"metadata": 2, "request": 1}, seconds=0.5,
)  # fmt: skip
JOINED = Account(
    start=0, digest=blake2b_128(b"d1d2"), records=10, documents=4, rejects=1,
    skipped={"metadata": 2, "request": 3}, seconds=0.75,
)  # fmt: skip


class TestState:
    @pytest.mark.parametrize(
        ("records", "error", "state"),
        [
            (0, "", "read"),
            (1, "", "read"),
            (0, "corrupt", "unreadable"),
            (1, "corrupt", "partial"),
            (0, "no_permission", "unreadable"),
        ],
    )
    def test_a_file_is_read_or_in_part_or_not_at_all(self, records, error, state):
        assert Account(start=0, records=records, error=error).state == state

    def test_what_was_skipped_or_rejected_before_the_break_is_a_part_too(self, accounts, write):
        path = write(b"{", name="a.jsonl.gz")
        path.write_bytes(path.read_bytes() + b"junk")
        [account] = accounts(path).values()
        assert (account.state, account.documents, account.rejects) == ("partial", 0, 1)


class TestJoining:
    def test_an_account_comes_back_from_its_row_as_it_was(self):
        account = replace(FIRST, error="truncated", position=7)
        assert accounts_by_file(rows(account)) == {"a.jsonl": account}
        assert (account.row().reject_reason, account.row().position) == (ACCOUNT, 0)

    def test_those_of_pieces_add_up_in_whatever_order_they_come(self):
        assert accounts_by_file(rows(FIRST, SECOND)) == {"a.jsonl": JOINED}
        assert accounts_by_file(rows(SECOND, FIRST)) == {"a.jsonl": JOINED}

    def test_a_piece_that_was_tried_again_counts_once(self):
        again = replace(FIRST, seconds=0.25)
        assert accounts_by_file(rows(FIRST, SECOND, again)) == {"a.jsonl": JOINED}

    def test_a_file_may_have_a_line_break_in_its_name(self):
        assert accounts_by_file(rows(FIRST, file="a\nb.jsonl")) == {"a\nb.jsonl": FIRST}

    def test_files_are_told_apart(self):
        found = accounts_by_file(rows(FIRST) + rows(SECOND, file="b.jsonl"))
        assert found == {"a.jsonl": FIRST, "b.jsonl": SECOND}

    def test_the_first_break_is_the_one_that_is_told(self):
        third = Account(start=200, digest="d3", error="corrupt", position=250)
        broken = replace(SECOND, error="truncated", position=140)
        [account] = accounts_by_file(rows(third, broken, FIRST)).values()
        assert (account.error, account.position, account.state) == ("truncated", 140, "partial")
        [account] = accounts_by_file(rows(FIRST, SECOND, third)).values()
        assert (account.error, account.position) == ("corrupt", 250)

    def test_a_break_at_0_has_a_position(self):
        broken = Account(start=0, error="corrupt", position=0)
        [account] = accounts_by_file(rows(broken, SECOND)).values()
        assert (account.error, account.position, account.state) == ("corrupt", 0, "partial")

    def test_a_digest_of_one_piece_is_its_own_and_of_several_depends_on_their_order(self):
        assert joined_digest(["d1"]) == "d1"
        assert joined_digest(["d1", "d2"]) != joined_digest(["d2", "d1"])

    def test_there_are_no_accounts_without_rows(self):
        assert accounts_by_file([]) == {}


class TestOfFiles:
    LINES = tuple(b'{"text": "%d"}' % number for number in range(500))

    @pytest.mark.parametrize("largest", [1, 97, 1000, 10**9])
    def test_pieces_of_a_file_add_up_to_it(self, accounts, write, monkeypatch, largest):
        path = write(*self.LINES[:250], b"{", b"", *self.LINES[250:])
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", largest)
        [account] = accounts(path).values()
        assert (account.records, account.documents, account.rejects) == (501, 500, 1)
        assert (account.state, account.start, account.skipped) == ("read", 0, {})

    def test_seconds_are_those_of_reading(self, accounts, write):
        [account] = accounts(write(*self.LINES)).values()
        assert 0 < account.seconds < 10

    def test_the_same_bytes_have_the_same_digest_and_others_another(self, accounts, write):
        for name in ("a.jsonl", "b.jsonl"):
            write(*self.LINES, name=name)
        path = write(*self.LINES[1:], name="c.jsonl")
        digests = [accounts(path.parent)[name].digest for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
        assert digests[0] == digests[1] != digests[2]

    def test_an_empty_file_has_an_account(self, accounts, write):
        [account] = accounts(write()).values()
        assert (account.state, account.records, account.digest) == ("read", 0, blake2b_128(b""))


class TestHardLines:
    """JSON lines that are hard on a reader are documents or rejects, and always counted."""

    @pytest.mark.parametrize("length", [99, 100, 101, 50_000])
    def test_one_over_the_largest_length_is_a_reject(
        self, read, accounts, write, monkeypatch, length
    ):
        monkeypatch.setattr("winnow.sources.jsonl.LARGEST_RECORD", 100)
        line = b'{"text": "%s"}' % (b"x" * (length - 12))
        path = write(b'{"text": "before"}', line, b'{"text": "after"}')
        before, row, after = read(path)
        assert (before["text"], after["text"]) == ("before", "after")
        assert row["reject_reason"] == (None if length <= 100 else "too_long")
        assert row["position"] == 19
        [account] = accounts(path).values()
        assert (account.records, account.rejects) == (3, 0 if length <= 100 else 1)

    def test_one_that_is_longer_than_a_chunk_keeps_its_beginning(self, read, write, monkeypatch):
        monkeypatch.setattr("winnow.sources.jsonl.LARGEST_RECORD", 1000)
        row, after = read(write(b"x" * (3 << 20), b'{"text": "after"}'))
        assert (row["reject_reason"], row["reject_snippet"]) == ("too_long", "x" * 500)
        assert (after["text"], after["position"]) == ("after", (3 << 20) + 1)

    @pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
    def test_values_300_deep_are_metadata_and_those_2000_deep_a_reject(
        self, read, write, begin, end
    ):
        def line(depth):
            return b'{"text":"x","deep":' + begin * depth + b"1" + end * depth + b"}"

        deep, deeper = read(write(line(300), line(2000)))
        expected = begin * 300 + b"1" + end * 300
        assert deep["metadata"] == {"deep": expected.decode()}
        assert deeper["reject_reason"] == "too_deep"

    @pytest.mark.parametrize("depth", [254, 255, 500, 990, 1000, 1023, 1024, 1025, 5000])
    def test_however_deep_they_are_the_next_line_is_read(self, read, write, depth):
        deep = b"[" * depth + b"]" * depth
        found = read(
            write(
                b'{"text":"x","deep":%s}' % deep,
                b'{"deep":%s}' % deep,
                rb'{"text":"x","lone":"\ud800","deep":%s}' % deep,
                b'{"text": "after"}',
            )
        )
        assert len(found) == 4
        assert found[-1]["text"] == "after"
        assert found[1]["reject_reason"] in ("no_text", "too_deep")

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (b"9223372036854775807", 2**63 - 1),
            (b"18446744073709551615", 2**64 - 1),
            (b"-9223372036854775808", -(2**63)),
            (b"18446744073709551617", 2**64 + 1),
            (b"1" + b"0" * 300, 10**300),
            (b"[-1%s]" % (b"0" * 30), [-(10**30)]),
            (b'{"a": [1, {"b": 1%s}]}' % (b"0" * 30), {"a": [1, {"b": 10**30}]}),
        ],
    )
    def test_integers_beyond_64_bits_are_exact_wherever_they_stand(
        self, read, write, number, expected
    ):
        [row] = read(write(b'{"text": "x", "n": %s}' % number))
        assert json.loads(row["metadata"]["n"]) == expected

    def test_integers_of_more_digits_than_python_reads_end_no_run(self, read, write):
        rows = read(write(b'{"text": "x", "n": %s}' % (b"9" * 10_000), b'{"text": "after"}'))
        assert [row["text"] for row in rows] == ["x", "after"]
        assert rows[0]["metadata"] == {"n": f'"{"9" * 10_000}"'}

    def test_lone_surrogates_are_mended_wherever_they_stand(self, read, write):
        line = rb'{"text": "a\udfff", "id": "\ud800", "\ud801": {"\ud802": ["\ud803"]}, "n": 1%s}'
        [row] = read(write(line % (b"0" * 30)))
        assert (row["text"], row["id"]) == ("a\ufffd", "\ufffd")
        n = "1" + "0" * 30
        assert row["metadata"] == {"\ufffd": '{"\ufffd":["\ufffd"]}', "n": n, REPAIRED: "5"}
