"""The main text of web pages, and what they say about themselves.

Extraction runs in a process beside the worker (see `sandbox`), so that a hostile page costs its
own text and no worker. It is the dearest step of most pipelines: 10 to 50 ms a page with
trafilatura, about a tenth of that with resiliparse.
"""

from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import Any

import pyarrow as pa

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
    waiting: deque[dict[str, Any]] = deque()  # rows whose pages wait for an answer

    def groups() -> Iterator[list[tuple[Any, ...]]]:
        group, size = [], 0
        for page, address, sent in zip(html, url, headers, strict=True):
            content = page.as_py()
            if content is None:
                rows.append(None)
                continue
            rows.append(row := dict.fromkeys(FIELDS))
            if len(content) > max_bytes:
                row["failure"] = "too_large"
                continue
            known = {name: value for name, value in sent.as_py() or () if value is not None}
            waiting.append(row)
            group.append((content, address.as_py() or "", known, method))
            size += len(content)
            if size > _GROUP:
                yield group
                group, size = [], 0
        yield group

    for answer in _sandbox().answers(groups(), max_seconds):
        found = {"failure": str(answer)} if isinstance(answer, SandboxError) else answer
        waiting.popleft().update(found)
    return pa.array(rows, pa.struct(FIELDS))


@cache
def _sandbox() -> Sandbox:
    # What is imported before the process is forked is there whenever it is forked again.

    import winnow.udfs.page  # noqa: F401

    return Sandbox(extracted)


def extracted(
    content: bytes | str, url: str, headers: dict[str, str], method: str
) -> dict[str, Any]:
    """Return the fields of one page; plain text is its own main text."""
    from resiliparse.parse.html import HTMLTree

    from winnow.udfs.page import decode_page, page_facts

    content_type = headers.get("content-type", "")
    if isinstance(content, str):
        decoded, charset, replaced = content, None, 0
    else:
        decoded, charset, replaced = decode_page(content, content_type)
    row: dict[str, Any] = {"charset": charset, "replaced": replaced}
    if content_type.lower().startswith("text/plain"):
        text = decoded
    else:
        tree = HTMLTree.parse(decoded)
        row |= vars(page_facts(tree, url, headers))
        text = _from_tree(tree) if method == "resiliparse" else _from_page(decoded)
    text = text.encode("utf-8", "replace").decode().strip()
    if not text:
        return row | {"failure": "no_text"}
    return row | {"text": text, "content_hash": blake2b_128(text.encode())}


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
