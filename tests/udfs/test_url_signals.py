from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.url_signals import FIELDS, url_signals


def signals(url):
    [row] = url_signals(pa.array([url], pa.string())).to_pylist()
    return row


def test_every_part_of_an_address():
    assert signals("HTTPS://me:pw@WWW.Example.CO.UK.:8443/a//b/c.html?x=1&&y#z") == {
        "host": "www.example.co.uk",
        "registered_domain": "example.co.uk",
        "suffix": "co.uk",
        "port": 8443,
        "path_depth": 3,
        "query_fields": 2,
        "chars": 58,
        "is_https": True,
        "is_ip": False,
    }


# From the list's own tests: https://github.com/publicsuffix/list, tests/test_psl.txt (CC0).
@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("com", None),
        ("example.com", "example.com"),
        ("b.example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("uk.com", "uk.com"),  # of the private part, which is not asked
        ("test.ac", "test.ac"),
        ("c.er", None),  # *.er
        ("a.b.c.er", "b.c.er"),
        ("jp", None),
        ("test.ac.jp", "test.ac.jp"),
        ("kyoto.jp", None),
        ("c.kobe.jp", None),  # *.kobe.jp
        ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("city.kobe.jp", "city.kobe.jp"),  # !city.kobe.jp
        ("www.city.kobe.jp", "city.kobe.jp"),
        ("ck", None),
        ("b.test.ck", "b.test.ck"),
        ("www.www.ck", "www.ck"),
        ("test.k12.ak.us", "test.k12.ak.us"),
        ("www.食狮.公司.cn", "食狮.公司.cn"),
        ("公司.cn", None),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("xn--55qx5d.cn", None),
        ("example.co.uk..", "example.co.uk"),
    ],
)
def test_the_registered_domain_is_the_suffix_and_one_label(host, domain):
    assert signals(f"http://{host}/")["registered_domain"] == domain


@pytest.mark.parametrize(
    ("url", "host", "is_ip"),
    [
        ("http://8.8.8.8:80/", "8.8.8.8", True),
        ("http://[2606:4700::1111]/", "2606:4700::1111", True),
        ("http://[fe80::1%25eth0]/", "fe80::1%25eth0", True),
        ("http://localhost/", "localhost", False),
        ("http://a.nosuchsuffix/", "a.nosuchsuffix", False),
        ("http://8.8.8/", "8.8.8", False),
        ("http://.com/", ".com", False),
        (f"http://{'a.' * 200}com/", "a." * 200 + "com", False),
        (f"http://xn--{'a' * 90}/", "xn--" + "a" * 90, False),
        ("http://xn--\u0660.com./", "xn--\u0660.com", False),
    ],
)
def test_a_host_that_nobody_registered_has_no_domain(url, host, is_ip):
    row = signals(url)
    if "\u0660" not in url:
        assert row["registered_domain"] is None
    assert (row["host"], row["is_ip"]) == (host, is_ip)


@pytest.mark.parametrize(
    "url", ["", "x", "/a/b", "mailto:a@example.com", "http://", "http:///a", "http://[", "//["]
)
def test_what_has_no_host_is_no_error(url):
    row = signals(url)
    assert (row["host"], row["registered_domain"], row["is_https"]) == (None, None, False)
    assert row["chars"] == len(url)


@pytest.mark.parametrize(("port", "expected"), [("", None), ("0", 0), ("65535", 65535)])
def test_a_port_that_can_exist(port, expected):
    assert signals(f"http://a.org:{port}/")["port"] == expected


@pytest.mark.parametrize("port", ["65536", "-1", "x", "99999999999", "٣"])
def test_a_port_that_cannot_exist_is_null(port):
    row = signals(f"http://a.org:{port}/")
    assert (row["port"], row["host"]) == (None, "a.org")


def test_null_gives_null_and_a_slice_stays_a_slice():
    urls = pa.array(["http://a.org", None, "http://b.org"], pa.large_string()).slice(1)
    found = url_signals(urls)
    assert [row and row["host"] for row in found.to_pylist()] == [None, "b.org"]
    assert found.type == pa.struct(FIELDS)
    assert url_signals(pa.array([], pa.string())).type == pa.struct(FIELDS)
    with pytest.raises(TypeError, match="expected a STRING column"):
        url_signals(pa.array([1]))


@given(st.text(max_size=60) | st.text("ahtps:/.[]@?#%&x-n0\u0660。", max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_an_address_or_none(url):
    url = url.encode("utf-8", "replace").decode()
    for text in (url, "http://" + url):
        row = signals(text)
        if row["registered_domain"] is not None:
            assert row["registered_domain"].endswith("." + row["suffix"])
            assert row["host"].endswith(row["registered_domain"])
        assert row["host"] or not (row["is_ip"] or row["is_https"])


def _rules():
    import tld

    path = Path(tld.__file__).parent / "res" / "effective_tld_names.dat.txt"
    icann = path.read_text(encoding="utf-8").split("===BEGIN PRIVATE DOMAINS===")[0]
    return [line for line in icann.splitlines() if line and not line.startswith("//")]


RULES = _rules()
LABELS = st.sampled_from(["a", "www", "city", "example"])


@given(st.sampled_from(RULES), st.lists(LABELS, max_size=3))
@settings(max_examples=400, deadline=None)
def test_suffixes_are_those_of_the_lists_algorithm(rule, labels):
    """The algorithm in https://github.com/publicsuffix/list/wiki/Format, over all rules."""
    labels = [*labels, *rule.lstrip("!").replace("*", "star").split(".")]
    rules, longest = set(RULES), 0
    for at in range(len(labels)):
        tail = ".".join(labels[at:])
        if "!" + tail in rules:
            longest = len(labels) - at - 1
            break
        if tail in rules or ".".join(["*", *labels[at + 1 :]]) in rules:
            longest = max(longest, len(labels) - at)
    expected = ".".join(labels[-longest:])
    assert signals("http://" + ".".join(labels))["suffix"] == (expected or None)


@pytest.mark.parametrize("unit", ["a", ".", "/", "@", "[", "xn--", "é.", "%", "?&", ":1"])
def test_an_address_of_a_megabyte_is_no_error(unit):
    assert signals("http://" + unit * (1_000_000 // len(unit)))["chars"] > 900_000
