import importlib.util
import random
import string
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.personal_data import (
    _FINDERS,
    _IBAN_LENGTHS,
    KINDS,
    luhn,
    mod_97,
    personal_data,
    redact,
)

LETTERS = string.ascii_letters + string.digits


def found(text):
    [spans] = personal_data(pa.array([text], pa.string())).to_pylist()
    return [(span["kind"], text[span["start"] : span["end"]]) for span in spans]


def of(kind, text):
    return [value for each, value in found(text) if each == kind]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Mail a.b+c_d@mail.example.com.", ["a.b+c_d@mail.example.com"]),
        ("'o'neil@example.org'", ["o'neil@example.org"]),
        ("<jürgen@example.de>,x@y.co.uk", ["jürgen@example.de", "x@y.co.uk"]),
        ("请写信给a@example.cn谢谢", ["a@example.cn"]),
        ("a" * 64 + "@example.com", ["a" * 64 + "@example.com"]),
        ("a" * 65 + "@example.com", []),
        ("x@xn--p1ai.xn--p1ai", ["x@xn--p1ai.xn--p1ai"]),
        ("icon@2x.png @user a@b a@-b.com a..b@c.com .@c.com a@b.nosuch", []),
        ("a@b@example.com", ["b@example.com"]),
        ("git@github.com:winnow/winnow.git", ["git@github.com"]),
    ],
)
def test_an_email_address_has_a_domain_that_can_exist(text, values):
    assert of("email", text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("from 8.8.8.88, 1.1.1.21:53 and [9.9.9.99]", ["8.8.8.88", "1.1.1.21", "9.9.9.99"]),
        ("10.0.0.1 127.0.0.1 192.168.1.1 169.254.0.1 224.0.0.1", []),
        ("256.8.8.8 8.8.8 8.8.8.88.8 v8.8.8.88 8.8.8.88a 08.8.8.88", []),
        ("version 8.8.8.88, Release: 8.8.4.44", []),
        ("19.19.19.19 19.19.19.20", ["19.19.19.20"]),
        ('version = "4.11.0.86" x>=4.11.0.86 x-4.11.0.86-py3 §4.11.0.86-a', []),
        ("2606:4700:4700::1111", ["2606:4700:4700::1111"]),
        ("2606:4700:4700:0:0:0:0:1111.", ["2606:4700:4700:0:0:0:0:1111"]),
        ("fe80::1 ::1 2001:db8::1 12:34:56 00:1a:2b:3c:4d:5e", []),
        ("a::b dead::beef 2006:: 2606::1 std::add", []),
    ],
)
def test_an_ip_address_is_public_and_no_version(text, values):
    assert of("ip_address", text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("4111111111111111", ["4111111111111111"]),
        ("card 4111 1111 1111 1111 12/29", ["4111 1111 1111 1111"]),
        ("4111-1111-1111-1111", ["4111-1111-1111-1111"]),
        ("3782 822463 10005", ["3782 822463 10005"]),
        ("4111111111111112 4111 1111-1111 1111 x4111111111111111", []),
        ("1234567890123452", []),  # Luhn is right, but nobody issues 1234
        ("9999 4111 1111 1111 1111", []),
        ("0.4111111111111111", []),
        ("4111111111111111 5500000000000004", ["4111111111111111", "5500000000000004"]),
        (
            "4111 1111 1111 1111 5500-0000-0000-0004",
            ["4111 1111 1111 1111", "5500-0000-0000-0004"],
        ),
        ("3782 822463 10005 3782 822463 10005", ["3782 822463 10005"] * 2),
        (
            "4111 1111 1111 1111 123 4111111111111111 1229",
            ["4111 1111 1111 1111", "4111111111111111"],
        ),
        ("6011 0000 0000 0000 001", ["6011 0000 0000 0000 001"]),
        ("4111 1111 1111 1111 5500 4111 1111 1111 1111 1", []),
        ("123-45-6789 122020 4111-1111-1111-1111", ["4111-1111-1111-1111"]),
    ],
)
def test_a_card_is_issued_and_its_check_digit_right(text, values):
    assert of("card", text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("GB82WEST12345698765432", ["GB82WEST12345698765432"]),
        ("de89370400440532013000", ["de89370400440532013000"]),
        ("IBAN GB82 WEST 1234 5698 7654 32 please", ["GB82 WEST 1234 5698 7654 32"]),
        ("GB82WEST12345698765433 GB82WEST1234569876543 XX82WEST12345698765432", []),
        ("GB82WEST123456987654321", []),
        (
            "GB82WEST12345698765432 DE89370400440532013000",
            ["GB82WEST12345698765432", "DE89370400440532013000"],
        ),
        ("Room AB12 DE89 3704 0044 0532 0130 00", ["DE89 3704 0044 0532 0130 00"]),
    ],
)
def test_an_iban_has_its_countrys_length_and_the_right_check_digits(text, values):
    assert of("iban", text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("123-45-6789", ["123-45-6789"]),
        ("123 45 6789", ["123 45 6789"]),
        ("899-45-6789", ["899-45-6789"]),
        ("000-45-6789 666-45-6789 900-45-6789 123-00-6789 123-45-0000", []),
        ("1123-45-6789 123-45-67890 123-45 6789 123456789 123-45-6789-1", []),
    ],
)
def test_a_social_security_number_is_in_an_area_that_is_issued(text, values):
    assert of("us_ssn", text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("(212) 555-0123 or 212-555-0123", ["(212) 555-0123", "212-555-0123"]),
        ("+44 20 7946 0958", ["+44 20 7946 0958"]),
        ("+41 (0)44 668 18 00", ["+41 (0)44 668 18 00"]),
        ("030 901820 11", ["030 901820 11"]),
        ("Tel: 467 3395", ["467 3395"]),
        ("467 3395 mobile", ["467 3395"]),
        ("467 3395 people", []),
        ("call 2024-05-17, since 1999-2003", []),
        ("call 12.05.2024", []),
        ("$212-555-0123 212-555-01234 ISBN 978-3-16-148410-0 10,000,000", []),
        ("2^64 + 545140134 +000000120", []),
        ("Tel: 123456", []),
        ("212-555-0123 212-555-0124", ["212-555-0123", "212-555-0124"]),
        ("1 (212) 555-0123 (212) 555-0124", ["1 (212) 555-0123", "(212) 555-0124"]),
        ("+44 20 7946 0958 +44 20 7946 0959", ["+44 20 7946 0958", "+44 20 7946 0959"]),
        ("212-555-0123 212-555-0124 5", []),
        ("300 250 1000 400 350 2000", []),
        ("+49 30 1234567, +49 (0) 30 123456", ["+49 30 1234567", "+49 (0) 30 123456"]),
        ("+353-1-7161987, +49 30/123456", ["+353-1-7161987", "+49 30/123456"]),
        ("030/1234567 or 030 / 123 45 67", ["030/1234567", "030 / 123 45 67"]),
        ("call 12/05/2024, 2024/05/12 or 01/2020-2021", []),
    ],
)
def test_a_telephone_number_looks_like_one_or_is_called_one(text, values):
    assert of("phone", text) == values


def keys():
    """One key of each issuer's form, out of a fixed random source: none of them was ever issued."""
    rng = random.Random(7)

    def letters(n, of=LETTERS):
        return "".join(rng.choices(of, k=n))

    capitals = string.ascii_uppercase + "234567"
    begin, end = (f"-----{word} RSA PRIVATE {'KEY'}-----" for word in ("BEGIN", "END"))
    return [
        "AKIA" + letters(16, capitals),
        "ghp_" + letters(36),
        "github_pat_" + letters(82),
        "glpat-" + letters(20),
        "xoxb-" + letters(24),
        "AIza" + letters(35),
        "sk_live_" + letters(24),
        "sk-" + letters(48),
        "hf_" + letters(34, string.ascii_letters),
        "npm_" + letters(36),
        "SG." + letters(22) + "." + letters(43),
        "eyJ" + letters(20) + ".eyJ" + letters(40) + "." + letters(43),
        f"{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\n{letters(64)}\n{end}",
    ]


@pytest.mark.parametrize("key", keys(), ids=lambda key: key[:8])
def test_a_secret_key_has_its_issuers_mark_and_length(key):
    assert found(f"key={key}, next") == [("secret_key", key)]
    assert of("secret_key", "x" + key) == ([key] if key.startswith("-") else [])


def test_a_private_key_that_is_cut_off_counts_as_far_as_it_goes():
    block = keys()[-1]
    assert found(block[:-40]) == [("secret_key", block[:-40])]


def test_places_are_code_points_in_order_and_never_overlap():
    text = "🌾 é 212-555-0123 a@example.com 8.8.8.88"
    [spans] = personal_data(pa.array([text])).to_pylist()
    assert [(span["kind"], span["start"], span["end"]) for span in spans] == [
        ("phone", 4, 16),
        ("email", 17, 30),
        ("ip_address", 31, 39),
    ]
    assert found("2125550123@example.com") == [("email", "2125550123@example.com")]


def test_null_gives_null_and_no_personal_data_an_empty_array():
    column = pa.array(["a@b.com", None, "", "plain 12"], pa.large_string())
    assert personal_data(column.slice(1)).to_pylist() == [None, [], []]
    assert personal_data(pa.array([], pa.string())).to_pylist() == []
    with pytest.raises(TypeError, match="expected a STRING column"):
        personal_data(pa.array([1]))


def test_broken_utf8_is_no_error():
    raw = pa.array([b"\xff\xc3 a@example.com \xe2\x82"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 1, raw.buffers())
    spans = personal_data(broken)
    assert [span["kind"] for span in spans.to_pylist()[0]] == ["email"]
    assert redact(broken, spans).to_pylist() == ["\ufffd\ufffd <EMAIL> \ufffd"]


PIECES = st.sampled_from(
    [
        "a@example.com", "@", ".", "8.8.8.88", "2606:4700::1", ":", "4111111111111111",
        "4111 1111 ",
        "GB82WEST12345698765432", "GB82 ", "123-45-6789", "123-45-", "+44 20 7946 0958", "tel ",
        "0", " ", "-", "(", "\n", "🌾", "-----BEGIN PRIVATE " + "KEY-----", "ghp_", "x" * 36,
        "\u0660",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=15).map(
    lambda pieces: "".join(pieces).encode("utf-8", "replace").decode()
)


@given(st.lists(st.none() | TEXTS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_redacting_replaces_the_spans_and_nothing_else(texts):
    column = pa.array(texts, pa.string())
    spans = personal_data(column)
    redacted = redact(column, spans, placeholder="\x00").to_pylist()
    for text, places, after in zip(texts, spans.to_pylist(), redacted, strict=True):
        if text is None:
            assert places is after is None
            continue
        done, kept = 0, []
        for place in places:
            assert place["kind"] in KINDS
            assert done <= place["start"] < place["end"] <= len(text)
            kept.append(text[done : place["start"]])
            done = place["end"]
        assert after == "\x00".join([*kept, text[done:]])


def test_a_span_with_a_null_in_it_is_left_out():
    spans = [
        None,
        {"kind": None, "start": 0, "end": 1},
        {"kind": "email", "start": None, "end": 1},
        {"kind": "email", "start": 1, "end": 2},
    ]
    column = pa.array([spans], personal_data(pa.array(["x"])).type)
    assert redact(pa.array(["abc"]), column).to_pylist() == ["a<EMAIL>c"]


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_a_row_does_not_depend_on_its_neighbours(text):
    column = pa.array(["x@example.com", text, None], pa.string())
    assert personal_data(column)[1].as_py() == personal_data(column.slice(1, 1))[0].as_py()


@given(st.integers(0, 10**18 - 1))
@settings(deadline=None)
def test_checks_find_every_wrong_digit_and_every_swap(number):
    digits = str(number)
    [check] = [d for d in string.digits if luhn(digits + d)]
    for other in set(string.digits) - {check}:
        assert not luhn(digits + other)
    account = digits.rjust(18, "0")
    right = f"{98 - int(account + '131400') % 97:02}"  # DE00 at the end
    assert mod_97(f"DE{right}{account}")
    if account[0] != account[1]:
        assert not mod_97(f"DE{right}{account[1]}{account[0]}{account[2:]}")


def test_lengths_of_ibans_are_known_for_89_countries():
    assert len(_IBAN_LENGTHS) == 89
    assert (_IBAN_LENGTHS["DE"], _IBAN_LENGTHS["NO"], _IBAN_LENGTHS["RU"]) == (22, 15, 33)


@pytest.mark.parametrize(
    "unit",
    [
        "a", "0", "12345 ", "@", "a@", "a.", "a@a.", "1.1.1.", "1:", "::", "4111 ", "4111-",
        "GB12 ", "GB1", "-", "-----BEGIN PRIVATE " + "KEY-----", "-----BEGIN ", "eyJ",
        "eyJaaaaaaaaaa.", "ghp_", "sk-", "xoxb-1-", "+1 ", "(0) ", "tel ", "tel +1 (", "1 ext. ",
        "123-45-", " ", "\n", "a@xn--", "'", "é",
    ],
)  # fmt: skip
def test_a_hostile_megabyte_takes_seconds_at_most(unit):
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    begin = time.process_time()
    personal_data(pa.array([text]))
    assert time.process_time() - begin < 8  # under 2 on a free core; quadratic would take hours


class TestRedact:
    def test_a_span_becomes_its_kind(self):
        text = pa.array(["write to a@example.com or 8.8.8.88.", None, "é"])
        assert redact(text, personal_data(text)).to_pylist() == [
            "write to <EMAIL> or <IP_ADDRESS>.",
            None,
            "é",
        ]
        once = redact(text, personal_data(text), placeholder="[{kind}]").to_pylist()[0]
        assert once == "write to [EMAIL] or [IP_ADDRESS]."

    def test_spans_of_any_order_or_size_are_cut_to_what_is_left(self):
        spans = [(4, 99), (0, 2), (1, 3), (50, 60), (2, 2)]
        column = pa.array([[{"kind": "x", "start": a, "end": b} for a, b in spans]])
        assert redact(pa.array(["abcdef"]), column).to_pylist() == ["<X><X>d<X>"]

    def test_null_spans_leave_the_text(self):
        column = pa.nulls(1, personal_data(pa.array([""])).type)
        assert redact(pa.array(["a@example.com"]), column).to_pylist() == ["a@example.com"]


def test_what_the_documentation_says_of_precision_and_recall_holds(shared_data):
    from pathlib import Path

    path = Path(__file__).parents[2] / "benchmarks" / "personal_data.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_personal_data", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    counts = benchmark.scored()
    for kind in ("email", "ip_address", "iban", "us_ssn", "card", "phone"):
        right, ours, labels = (counts[kind, name] for name in ("found exact", "found", "label"))
        assert right / ours >= 0.95, kind
        assert right / labels >= 0.95, kind
    assert set(_FINDERS) == set(KINDS)
