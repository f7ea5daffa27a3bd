import gzip
import hashlib
import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.udfs import extract_text as module
from winnow.udfs.extract_text import FIELDS, METHODS, extract_text
from winnow.udfs.page import decode_page

TEXT = (
    "The oak is a tree that grows slowly and lives for hundreds of years. In the spring it has "
    "small flowers, and in the autumn it drops acorns that the jays bury and forget."
)
PAGE = (
    "<html><head><title>T</title>{head}</head><body><nav>Home | Contact</nav>"
    "<article><h1>The oak</h1><p>{text}</p></article>{foot}</body></html>"
)


def facts(head="", foot="", url="https://a.org/b/c", headers=None, **options):
    page = PAGE.format(head=head, text=TEXT, foot=foot).encode()
    return extract(page, url, headers, **options)


def extract(page, url=None, headers=None, **options):
    pages = pa.array([page], pa.string() if isinstance(page, str) else pa.binary())
    sent = pa.array([headers and list(headers.items())], pa.map_(pa.string(), pa.string()))
    [row] = extract_text(pages, pa.array([url], pa.string()), sent, **options).to_pylist()
    return row


@pytest.mark.parametrize("method", METHODS)
def test_the_main_text_is_found_and_the_navigation_left_out(method):
    row = facts(method=method)
    assert TEXT in row["text"]
    assert "Contact" not in row["text"]
    assert row["failure"] is None
    assert row["content_hash"] == hashlib.blake2b(row["text"].encode(), digest_size=16).hexdigest()


def test_a_row_is_a_row_and_a_null_page_is_null():
    pages = pa.array([None, b"<p>" + TEXT.encode(), None], pa.binary())
    found = extract_text(pages, pa.nulls(3, pa.string()))
    assert [row is None for row in found.to_pylist()] == [True, False, True]
    assert found.type == pa.struct(FIELDS)


def test_a_page_that_is_text_already_needs_no_charset():
    row = extract(PAGE.format(head="", text=TEXT + " Ünïcode.", foot=""))
    assert "Ünïcode." in row["text"]
    assert (row["charset"], row["replaced"]) == (None, 0)


def test_plain_text_is_its_own_main_text():
    row = extract(b"a < b\n\nc", headers={"content-type": "text/plain; charset=utf-8"})
    assert row["text"] == "a < b\n\nc"


def test_another_method_is_an_error():
    with pytest.raises(ValueError, match="'best' is none of trafilatura, resiliparse"):
        facts(method="best")


def test_extraction_does_not_depend_on_the_pages_before():
    alone = facts()["text"]
    page = PAGE.format(head="", text=TEXT, foot="").encode()
    many = extract_text(pa.array([page] * 20), pa.nulls(20, pa.string()))
    assert {row["text"] for row in many.to_pylist()} == {alone}


class TestWhatAPageSaysAboutItself:
    def test_title_language_and_canonical_address(self):
        row = facts('<link rel="canonical" href="/d">')
        assert (row["title"], row["canonical_url"]) == ("T", "https://a.org/d")
        assert row["language"] is None
        html = f'<html lang="pt-BR"><head><title> a \n b </title></head><body>{TEXT}'.encode()
        row = extract(html)
        assert (row["title"], row["language"]) == ("a b", "pt-BR")

    @pytest.mark.parametrize(
        ("head", "headers", "language"),
        [
            ('<meta http-equiv="Content-Language" content="de, en">', {}, "de"),
            ("", {"content-language": "fr"}, "fr"),
            ('<meta http-equiv="content-language" content="de">', {"content-language": "fr"}, "de"),
        ],
    )
    def test_a_language_may_stand_in_a_meta_element_or_in_a_header(self, head, headers, language):
        assert facts(head, headers=headers)["language"] == language

    @pytest.mark.parametrize(
        ("foot", "licence"),
        [
            ('<a rel="license" href="/terms">t</a>', "https://a.org/terms"),
            ('<a rel="nofollow license" href="https://l.org/">t</a>', "https://l.org/"),
            (
                '<a href="https://creativecommons.org/licenses/by/4.0/">CC</a>',
                "https://creativecommons.org/licenses/by/4.0/",
            ),
            (
                '<a href="http://www.creativecommons.org/publicdomain/zero/1.0/">0</a>',
                "http://www.creativecommons.org/publicdomain/zero/1.0/",
            ),
            ('<a href="https://creativecommons.org/about/">CC</a>', None),
            ('<a href="https://evil.org/?creativecommons.org/licenses/by/">x</a>', None),
            ("", None),
        ],
    )
    def test_a_licence_is_declared_or_a_link_to_creative_commons(self, foot, licence):
        assert facts(foot=foot)["licence_url"] == licence

    @pytest.mark.parametrize(
        ("head", "headers", "refused"),
        [
            ("", {}, ()),
            ('<meta name="ROBOTS" content="NOINDEX, follow">', {}, ("index",)),
            ('<meta name="robots" content="none">', {}, ("index",)),
            ('<meta name="robots" content="noai">', {}, ("ai", "image_ai")),
            ('<meta name="robots" content="noimageai">', {}, ("image_ai",)),
            ("", {"x-robots-tag": "noai, noimageai"}, ("ai", "image_ai")),
            ("", {"x-robots-tag": "noindex"}, ("index",)),
            ("", {"x-robots-tag": "googlebot: noindex"}, ()),
            ("", {"x-robots-tag": "googlebot: nofollow, noai"}, ()),
            ("", {"x-robots-tag": "noai, googlebot: noindex"}, ("ai", "image_ai")),
            ("", {"x-robots-tag": "max-snippet: 20, noai"}, ("ai", "image_ai")),
            ("", {"x-robots-tag": "unavailable_after: 25 Jun 2030 15:00:00 PST"}, ()),
            ('<meta name="googlebot" content="noindex">', {}, ()),
        ],
    )
    def test_robots_directives_that_bind_everyone(self, head, headers, refused):
        row = facts(head, headers=headers)
        for name in ("index", "ai", "image_ai"):
            assert row[f"is_{name}_refused"] == (name in refused), name

    @pytest.mark.parametrize(
        ("head", "headers", "reserved", "policy"),
        [
            ("", {}, False, None),
            ('<meta name="tdm-reservation" content="1">', {}, True, None),
            ('<meta name="tdm-reservation" content="0">', {}, False, None),
            ("", {"tdm-reservation": "1", "tdm-policy": "/p.json"}, True, "https://a.org/p.json"),
        ],
    )
    def test_a_reservation_of_text_and_data_mining(self, head, headers, reserved, policy):
        row = facts(head, headers=headers)
        assert (row["is_tdm_reserved"], row["tdm_policy"]) == (reserved, policy)


class TestCharset:
    @pytest.mark.parametrize(
        ("content", "content_type", "expected"),
        [
            ("é".encode(), "text/html; charset=utf-8", ("é", "utf-8", 0)),
            ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", ("é", "cp1252", 0)),
            ("“".encode("cp1252"), 'text/html; charset="latin1"', ("“", "cp1252", 0)),
            (b"\xef\xbb\xbf\xc3\xa9", "text/html; charset=koi8-r", ("é", "utf-8", 0)),
            ("é".encode("utf-16"), "", ("é", "utf-16-le", 0)),
            ("語" * 9, "charset=shift_jis", ("語" * 9, "shift_jis", 0)),
        ],
    )
    def test_a_mark_or_the_header_names_it(self, content, content_type, expected):
        if isinstance(content, str):
            content = content.encode("shift_jis")
        assert decode_page(content, content_type) == expected

    def test_a_meta_element_names_it_where_the_header_does_not(self):
        page = '<meta charset="windows-1251"><p>Привет'.encode("cp1251")
        assert decode_page(page, "text/html")[:2] == (page.decode("cp1251"), "cp1251")

    def test_a_header_that_lies_is_passed_over(self):
        page = '<meta charset="windows-1251"><p>Привет'.encode("cp1251")
        assert "Привет" in decode_page(page, "text/html; charset=utf-8")[0]

    def test_it_is_detected_where_nothing_names_it(self):
        text = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 20
        assert decode_page(text.encode("koi8-r"), "")[0] == text

    @pytest.mark.parametrize("content_type", ["charset=", "charset=nonsense", "charset=utf-7", "é"])
    def test_one_that_nobody_knows_is_no_error(self, content_type):
        assert "plain" in decode_page(b"plain text", content_type)[0]

    @given(st.binary(max_size=300), st.text(max_size=40))
    def test_any_bytes_under_any_header_are_some_text(self, content, content_type):
        text, charset, replaced = decode_page(content, content_type)
        assert text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") is not None
        assert charset
        assert replaced >= 0


class TestHostilePages:
    def test_a_page_over_the_limit_is_not_looked_at(self):
        assert facts(max_bytes=100)["failure"] == "too_large"
        size = len(PAGE.format(head="", text=TEXT, foot=""))
        assert facts(max_bytes=size)["failure"] is None
        assert facts(max_bytes=size - 1)["failure"] == "too_large"

    def test_a_page_that_takes_too_long_costs_itself_only(self):
        deep = b"<div>" * 300_000
        pages = pa.array([deep, PAGE.format(head="", text=TEXT, foot="").encode()])
        slow, after = extract_text(pages, pa.nulls(2, pa.string()), max_seconds=0.001).to_pylist()
        assert slow["failure"] in ("timeout", "no_text", "failed", "crashed")
        again = facts(max_seconds=30.0)
        assert again["failure"] is None
        assert after is not None

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(
        "page",
        [
            b"",
            b"\0" * 1000,
            b"<" * 50_000,
            b"<a " + b"x=y " * 50_000,
            b"<p>" * 50_000,
            b"<div>" * 20_000 + b"text",
            b"<!--" + b"-" * 50_000,
            b"&" + b"a" * 50_000 + b";",
            b"<html><body><script>" + b"document.write(1);" * 1000,
            b"%PDF-1.4 \xff\xfe binary",
            b"<svg><math><table><select>" * 500,
            "<p>\U0010ffff\u202e\u0000\ud83d".encode("utf-8", "surrogatepass") * 100,
        ],
        ids=lambda page: page[:12].decode("ascii", "backslashreplace"),
    )
    def test_hostile_markup_is_a_text_or_a_failure(self, page, method):
        row = extract(page, method=method, max_seconds=20.0)
        assert (row["text"] is None) == (row["failure"] is not None)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=400), st.text(max_size=30), st.sampled_from(METHODS))
    def test_any_bytes_are_a_text_or_a_failure(self, page, url, method):
        row = extract(page, url.encode("utf-8", "replace").decode(), method=method)
        assert (row["text"] is None) == (row["failure"] is not None)
        assert row["failure"] in (None, "no_text")


def test_real_pages_are_read_as_well_as_their_extractors_say(shared_data):
    """The score of the Article Extraction Benchmark has trafilatura 2.0.0 at 0.958."""
    path = shared_data / "labelled" / "extraction" / "scrapinghub_aeb.jsonl.gz"
    with gzip.open(path) as file:
        rows = [json.loads(line) for _, line in zip(range(40), file, strict=False)]
    pages = pa.array([row["html"].encode() for row in rows])
    found = extract_text(pages, pa.array([row["url"] for row in rows], pa.string())).to_pylist()
    overlaps = []
    for row, page in zip(rows, found, strict=True):
        gold, words = set(row["gold_text"].split()), set((page["text"] or "").split())
        overlaps.append(2 * len(gold & words) / max(1, len(gold) + len(words)))
    assert sum(overlaps) / len(overlaps) > 0.9
    assert module.METHODS[0] == "trafilatura"  # what the pipelines use by default


def test_a_header_without_a_value_is_no_header():
    sent = {"content-type": None, "x-robots-tag": None}
    assert extract(b"<p>Hello</p>", headers=sent, method="resiliparse")["failure"] is None
