"""What an address says by itself: host, registered domain, depth.

The public suffix list is the one that `tld` ships (its ICANN part), nothing is fetched. `tld` is
installed already, below trafilatura, and its list is a year younger than the one in tldextract
5.4, whose answers are the same (docs/url_signals.md).
"""

from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from winnow.udfs.buffers import texts
from winnow.udfs.registry import column_function

FIELDS = {
    "host": pa.string(),
    "registered_domain": pa.string(),
    "suffix": pa.string(),
    "port": pa.int32(),
    "path_depth": pa.int32(),
    "query_fields": pa.int32(),
    "chars": pa.int32(),
    "is_https": pa.bool_(),
    "is_ip": pa.bool_(),
}
_RETURNS = """STRUCT<
    host STRING, registered_domain STRING, suffix STRING, port INT, path_depth INT,
    query_fields INT, chars INT, is_https BOOLEAN, is_ip BOOLEAN>"""

_MOST_HOST_CHARS, _MOST_LABEL_CHARS = 253, 63  # RFC 1035


@column_function(returns=" ".join(_RETURNS.split()), version=1, libraries=("tld",))
def url_signals(url: pa.Array) -> pa.Array:
    """Return the host of each address, the domain somebody registered, and counts.

    Shape: STRING -> STRUCT<host STRING, ..., is_ip BOOLEAN>, the fields of FIELDS in order; null
        gives null. What is no URL with a host has a null host, domain and suffix, and is_https
        and is_ip false.
    Units: `host` in lower case, without user, port and the dot of the root, otherwise as written:
        `xn--` stays. `suffix`: the longest public suffix of the ICANN part of the list, null for
        an IP address or a top-level domain that does not exist. `registered_domain`: the suffix and
        one label before it, null if there is none. `port`: null unless given. `path_depth`: path
        segments that are not empty. `query_fields`: pieces between `&` that are not empty.
        `chars`: code points of the address.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: RFC 3986; publicsuffix.org as in tld 0.13. The registered domain is the first test of
        datatrove a649de7 url_filter.py (with tldextract). Differs: a suffix alone is no registered
        domain; datatrove tests the empty string and the suffix.
    """
    return pa.array(
        [None if row is None else _signals(row) for row in texts(url)], pa.struct(FIELDS)
    )


def _signals(url: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FIELDS)
    row |= {"path_depth": 0, "query_fields": 0, "chars": len(url)}
    row |= {"is_https": False, "is_ip": False}
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # brackets that do not close, or characters that hide a delimiter
        return row
    row["path_depth"] = sum(map(bool, parts.path.split("/")))
    row["query_fields"] = sum(map(bool, parts.query.split("&")))
    if not host:
        return row
    row |= {"host": host, "is_https": parts.scheme == "https", "is_ip": _is_ip(host)}
    try:
        row["port"] = parts.port
    except ValueError:  # no number, or over 65535
        row["port"] = None
    if not row["is_ip"]:
        labels = host.split(".")
        size = suffix_labels(host)
        row["suffix"] = ".".join(labels[-size:]) if size else None
        if 0 < size < len(labels) and labels[-size - 1]:
            row["registered_domain"] = ".".join(labels[-size - 1 :])
    return row


def suffix_labels(host: str) -> int:
    """Return how many labels at the end of a host are its public suffix, 0 if none."""
    return 0 if len(host) > _MOST_HOST_CHARS else _listed_labels(host)


@lru_cache(65_536)
def _listed_labels(host: str) -> int:
    from tld import parse_tld

    readable = ".".join(map(_decoded, host.split(".")))
    try:
        suffix, _, _ = parse_tld(f"http://{readable}", fail_silently=True, search_private=False)
    except ValueError:
        return 0
    return suffix.count(".") + 1 if suffix else 0


def _decoded(label: str) -> str:
    """Turn `xn--p1ai` into `рф`: the list has its rules in Unicode."""
    if not label.startswith("xn--") or len(label) > _MOST_LABEL_CHARS:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
