"""The main text of web pages, and what they say about themselves.

Extraction runs in a process beside the worker (see `sandbox`), so that a hostile page costs its
own text and no worker. It is the dearest step of most pipelines: 10 to 50 ms a page with
trafilatura, about a tenth of that with resiliparse.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from winnow.udfs.buffers import STRINGS, contents
from winnow.udfs.hashing import blake2b_128
from winnow.udfs.registry import column_function
from winnow.udfs.sandbox import Sandbox, SandboxError

METHODS = ("trafilatura", "resiliparse")
_GROUP = 4 << 20  # bytes of pages that go to the process beside the worker at once

FIELDS = {
    "text": pa.string(),
    "content_hash": pa.string(),
    "title": pa.string(),
    "language": pa.string(),
    "canonical_url": pa.string(),
    "licence_url": pa.string(),
    "robots": pa.string(),
    "is_index_refused": pa.bool_(),
    "is_ai_refused": pa.bool_(),
    "is_image_ai_refused": pa.bool_(),
    "is_tdm_reserved": pa.bool_(),
    "tdm_policy": pa.string(),
    "charset": pa.string(),
    "replaced": pa.int32(),
    "failure": pa.string(),
}
_DDL = {pa.string(): "STRING", pa.bool_(): "BOOLEAN", pa.int32(): "INT"}
_RETURNS = f"STRUCT<{', '.join(f'{name} {_DDL[kind]}' for name, kind in FIELDS.items())}>"


@column_function(
    returns=_RETURNS,
    version=1,
    libraries=("trafilatura", "resiliparse", "lxml"),
)
def extract_text(
    html: pa.Array,
    url: pa.Array,
    headers: pa.Array = None,
    method: str = "trafilatura",
    max_seconds: float = 30.0,
    max_bytes: int = 10_000_000,
) -> pa.Array:
    """Return the main text of web pages, and what they declare: title, language, licence, opt-outs.

    Shape: BINARY or STRING, STRING, MAP<STRING, STRING> -> STRUCT; a null page gives null. `url`
        may be null; `headers` (of HTTP, names in lower case) may be null or left out.
    Fields: `text`, null where `failure` says why: `too_large` (over `max_bytes`), `timeout` (over
        `max_seconds`), `crashed`, `out_of_memory`, `failed`, or `no_text` (the page has none).
        `content_hash`: BLAKE2b-128 of the text. `language`: as declared, not detected. `robots`:
        the directives of X-Robots-Tag and of the robots meta element that bind everyone.
        `is_index_refused`: noindex or none; `is_ai_refused`: noai; `is_image_ai_refused`: noai or
        noimageai (DeviantArt, 2022). `is_tdm_reserved`, `tdm_policy`: TDM Reservation Protocol
        (W3C community group, 2024). `licence_url`: rel=license, else a link to Creative Commons.
        `charset`: see `page.decode_page`, null for a STRING; `replaced`: pieces that were not in
        it, now U+FFFD.
    Errors: ValueError if `method` is neither `trafilatura` nor `resiliparse`.
    Source: trafilatura with favor_precision and without comments, as FineWeb uses it (Penedo et al.
        2024, arXiv:2406.17557, section 3.2; datatrove a649de7 trafilatura.py). Differs: repeated
        segments are looked for within a page only, since its cache over pages would make a text
        depend on those before it. resiliparse with main_content, as DCLM (Li et al. 2024,
        arXiv:2406.11794, section 4.2).
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(METHODS)}")
    headers = pa.nulls(len(html)) if headers is None else headers
    rows: list[dict[str, Any] | None] = []
    waiting: list[tuple[dict[str, Any], tuple[Any, ...]]] = []  # rows to fill, and their pages
    size = 0
    is_text = html.type in STRINGS
    for page, address, sent in zip(contents(html), url, headers, strict=True):
        if page is None:
            rows.append(None)
            continue
        rows.append(row := dict.fromkeys(FIELDS))
        if page.size > max_bytes:
            row["failure"] = "too_large"
            continue
        known = {name: value for name, value in sent.as_py() or () if value is not None}
        waiting.append((row, (page, is_text, address.as_py() or "", known, method)))
        size += page.size
        if size > _GROUP:
            _fill(waiting, max_seconds)
            waiting, size = [], 0
    _fill(waiting, max_seconds)
    return pa.array(rows, pa.struct(FIELDS))


def _fill(waiting: Sequence[tuple[dict[str, Any], tuple[Any, ...]]], seconds: float) -> None:
    """Extract from pages and write what is found into their rows."""
    answers = _sandbox().answers([arguments for _, arguments in waiting], seconds)
    for (row, _), answer in zip(waiting, answers, strict=True):
        row.update({"failure": str(answer)} if isinstance(answer, SandboxError) else answer)


@cache
def _sandbox() -> Sandbox:
    # What is imported before the process is forked is there whenever it is forked again.

    import winnow.udfs.page  # noqa: F401

    return Sandbox(_extracted)


def _extracted(
    page: pa.Buffer, is_text: bool, url: str, headers: dict[str, str], method: str
) -> dict[str, Any]:
    """Return the fields of one page; plain text is its own main text."""
    from resiliparse.parse.html import HTMLTree

    from winnow.udfs.page import decode_page, page_facts

    content_type = headers.get("content-type", "")
    content = page.to_pybytes()
    row: dict[str, Any] = {"charset": None, "replaced": 0}
    if is_text:
        decoded = content.decode("utf-8", "replace")
    else:
        decoded, row["charset"], row["replaced"] = decode_page(content, content_type)
    if content_type.lower().startswith("text/plain"):
        text = decoded
    else:
        tree = HTMLTree.parse(decoded)
        row |= vars(page_facts(tree, url, headers))
        text = _from_tree(tree) if method == "resiliparse" else _from_page(decoded)
    encoded = text.strip().encode("utf-8", "replace")
    if not encoded:
        return row | {"failure": "no_text"}
    return row | {"text": encoded, "content_hash": blake2b_128(encoded)}


def _from_tree(tree: Any) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(tree, main_content=True, alt_texts=False)


def _from_page(page: str) -> str:
    from trafilatura import extract
    from trafilatura.deduplication import LRUCache

    found = extract(
        page, favor_precision=True, include_comments=False, deduplicate=LRUCache(maxsize=4096)
    )
    return found or ""
