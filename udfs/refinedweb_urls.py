"""DCLM's removal of addresses from a text, with the guard that most texts do not pass."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, strings, utf8
from winnow.udfs.dclm_quality import ALPHANUMERIC, CLASSES
from winnow.udfs.decoding import decode, space_size_before
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function

REMOVALS = ("urls", "ip_addresses", "newlines")
DDL = "STRUCT<text STRING, " + ", ".join(f"{name} INT" for name in REMOVALS) + ">"

MOST_SPACES = 10  # before an address, that go with it
MOST_HOST_CHARS = 256  # before the last dot that counts
MOST_NEWLINES = 2

_NEWLINE, _FULL_STOP, _UNDERSCORE, _TWO = (ord(character) for character in "\n._2")
_ALPHANUMERICS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SCHEMES = tuple(np.frombuffer(scheme, np.uint8) for scheme in (b"https://", b"http://", b"ftp://"))

_IS_DIGIT, _IS_HOST, _IS_TAIL = np.zeros((3, 256), np.bool_)
_IS_DIGIT[list(b"0123456789")] = True
_IS_HOST[list(_ALPHANUMERICS + b"-@:%._+~#=")] = True
_IS_TAIL[list(_ALPHANUMERICS + b"-()@:%_+.~#?&/=")] = True

_EDGES = types.Array(types.int64, 2, "C", readonly=True)
_FOLDS = types.Array(types.int32, 1, "C", readonly=True)
_STORE, _WIDE = types.Array(types.uint8, 1, "C"), types.Array(types.int64, 1, "C")
_REMOVED = types.Array(types.int32, 1, "A")


def _domain_tree() -> NDArray[np.int64]:
    """Return int64[edges, 2], sorted: node and next character as one number; the next node.

    The root is node 0. The node behind a whole domain is negative.
    """
    path = Path(__file__).with_name("top_level_domains.json")
    domains = set(json.loads(path.read_text("utf-8"))["domains"])
    beginnings = sorted({domain[:i] for domain in domains for i in range(len(domain) + 1)})
    nodes = {beginning: node for node, beginning in enumerate(beginnings)}
    edges = [
        (nodes[whole[:-1]] << 21 | ord(whole[-1]), -node if whole in domains else node)
        for whole, node in nodes.items()
        if whole
    ]
    tree = np.array(sorted(edges), np.int64)
    tree.flags.writeable = False
    return tree


def _folds() -> NDArray[np.int32]:
    """Return int32[0x10000]: the lower-case character that `re.IGNORECASE` takes each one for."""
    folded = [chr(point).casefold() for point in range(0x10000)]
    folds = np.array(
        [ord(to) if len(to) == 1 else point for point, to in enumerate(folded)], np.int32
    )
    folds[[ord("İ"), ord("ı")]] = ord("i")
    folds.flags.writeable = False
    return folds


_DOMAINS, _FOLD = _domain_tree(), _folds()


@kernel(types.int64(_EDGES, types.int64, types.int64), inlined=True)
def _next_node(edges: NDArray[np.int64], node: int, point: int) -> int:
    """Return the node that the character leads to, 0 where it leads nowhere."""
    wanted = abs(node) << 21 | point
    low, high = 0, len(edges)
    while low < high:
        middle = (low + high) >> 1
        if edges[middle, 0] < wanted:
            low = middle + 1
        else:
            high = middle
    return int(edges[low, 1]) if low < len(edges) and edges[low, 0] == wanted else 0


@kernel(types.boolean(BYTES, types.int64), inlined=True)
def is_word_character(classes: NDArray[np.uint8], point: int) -> bool:
    r"""Tell whether Python's `\w` matches the character."""
    return point == _UNDERSCORE or classes[point] & ALPHANUMERIC != 0


@kernel(types.boolean(BYTES, types.int64, types.int64, BYTES), inlined=True)
def _is_word_before(
    data: NDArray[np.uint8], start: int, at: int, classes: NDArray[np.uint8]
) -> bool:
    """Tell whether a word character ends at `at`."""
    if at == start:
        return False
    lead = at - 1
    while lead > start and data[lead] & 0xC0 == 0x80:
        lead -= 1
    return is_word_character(classes, decode(data, lead, at)[0])


@kernel(types.int64(BYTES, types.int64, types.int64, BYTES, _EDGES), inlined=True)
def _domain_size(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    classes: NDArray[np.uint8],
    edges: NDArray[np.int64],
) -> int:
    r"""Return the bytes of the top-level domain before a `\b` that begins here, 0 for none."""
    start, size, node, is_word = at, 0, 0, False
    while True:
        point, length = decode(data, at, end) if at < end else (0, 0)
        if node < 0 and is_word != (length > 0 and is_word_character(classes, point)):
            size = at - start
        if not length:
            return size
        node = _next_node(edges, node, point)
        if not node:
            return size
        is_word = is_word_character(classes, point)
        at += length


@kernel(types.boolean(BYTES, types.int64, types.int64, _EDGES, _FOLDS), inlined=True)
def _begins_with_domain(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    edges: NDArray[np.int64],
    fold: NDArray[np.int32],
) -> bool:
    """Tell whether a top-level domain stands here in any case."""
    node = 0
    while at < end:
        point, size = decode(data, at, end)
        node = _next_node(edges, node, fold[point] if point < fold.size else point)
        if node <= 0:
            return node < 0
        at += size
    return False


@kernel(types.int64(BYTES, types.int64, types.int64), inlined=True)
def _scheme_size(data: NDArray[np.uint8], start: int, at: int) -> int:
    """Return the bytes of the scheme that ends at `at`, 0 where there is none."""
    for scheme in _SCHEMES:
        size = scheme.size
        if at - size >= start:
            i = 0
            while i < size and data[at - size + i] == scheme[i]:
                i += 1
            if i == size:
                return int(size)
    return 0


@kernel(types.int64(BYTES, types.int64, types.int64), inlined=True)
def _address_size(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return the bytes of the four numbers with dots that begin here, 0 where there are none."""
    start = at
    for _ in range(3):
        first = at
        while at < end and _IS_DIGIT[data[at]]:
            at += 1
        digits = at - first
        if not 1 <= digits <= 3 or (digits == 3 and data[first] > _TWO):
            return 0
        if at == end or data[at] != _FULL_STOP:
            return 0
        at += 1
    return at + 1 - start if at < end and _IS_DIGIT[data[at]] else 0


@kernel(types.int64(BYTES, types.int64, types.int64), inlined=True)
def _without_spaces(data: NDArray[np.uint8], start: int, at: int) -> int:
    """Return where the white space before `at` begins that goes with an address."""
    for _ in range(MOST_SPACES):
        at -= space_size_before(data, start, at)
    return at


_REMOVE_URLS = types.void(BYTES, OFFSETS, BYTES, _EDGES, _FOLDS, _STORE, _WIDE, _REMOVED)


@kernel(_REMOVE_URLS)
def _remove_urls(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    edges: NDArray[np.int64],
    fold: NDArray[np.int32],
    left: NDArray[np.uint8],
    left_offsets: NDArray[np.int64],
    removed: NDArray[np.int32],
) -> None:
    written = 0
    for row in range(offsets.size - 1):
        left_offsets[row] = written
        after, end = offsets[row], offsets[row + 1]  # after the last address
        dot = after if _begins_with_domain(data, after, end, edges, fold) else end
        while dot < end:
            if data[dot] != _FULL_STOP or dot == after or not _IS_HOST[data[dot - 1]]:
                dot += 1
                continue
            size = _domain_size(data, dot + 1, end, classes, edges)
            if not size:
                dot += 1
                continue
            host = dot
            while host > after and dot - host < MOST_HOST_CHARS and _IS_HOST[data[host - 1]]:
                host -= 1
            last = dot
            at = dot + 1
            while at < end and at - host <= MOST_HOST_CHARS and _IS_HOST[data[at]]:
                if data[at] == _FULL_STOP:
                    longer = _domain_size(data, at + 1, end, classes, edges)
                    if longer:
                        last, size = at, longer
                at += 1
            at = last + 1 + size
            while at < end and _IS_TAIL[data[at]]:
                at += 1
            start = _without_spaces(data, after, host - _scheme_size(data, after, host))
            for i in range(after, start):
                left[written + i - after] = data[i]
            written += start - after
            removed[row] += 1
            after = dot = at
        for i in range(after, end):
            left[written + i - after] = data[i]
        written += end - after
    left_offsets[offsets.size - 1] = written


@kernel(types.void(BYTES, OFFSETS, BYTES, _STORE, _WIDE, _REMOVED))
def _remove_ip_addresses(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    left: NDArray[np.uint8],
    left_offsets: NDArray[np.int64],
    removed: NDArray[np.int32],
) -> None:
    written = 0
    for row in range(offsets.size - 1):
        left_offsets[row] = written
        text, end = offsets[row], offsets[row + 1]
        at = after = text
        while at < end:
            if not _IS_DIGIT[data[at]]:
                at += 1
                continue
            size = 0
            if not _is_word_before(data, text, at, classes):
                size = _address_size(data, at, end)
            if not size:
                while at < end and _IS_DIGIT[data[at]]:
                    at += 1
                continue
            scheme = _scheme_size(data, after, at)
            if _is_word_before(data, text, at - scheme, classes):
                scheme = 0
            start = _without_spaces(data, after, at - scheme)
            at += size
            while at < end and _IS_TAIL[data[at]]:
                at += 1
            for i in range(after, start):
                left[written + i - after] = data[i]
            written += start - after
            removed[row] += 1
            after = at
        for i in range(after, end):
            left[written + i - after] = data[i]
        written += end - after
    left_offsets[offsets.size - 1] = written


@kernel(types.void(BYTES, OFFSETS, _STORE, _WIDE, _REMOVED))
def _remove_newlines(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    left: NDArray[np.uint8],
    left_offsets: NDArray[np.int64],
    removed: NDArray[np.int32],
) -> None:
    written = 0
    for row in range(offsets.size - 1):
        left_offsets[row] = written
        run = 0
        for i in range(offsets[row], offsets[row + 1]):
            run = run + 1 if data[i] == _NEWLINE else 0
            if run > MOST_NEWLINES:
                removed[row] += 1
            else:
                left[written] = data[i]
                written += 1
    left_offsets[offsets.size - 1] = written


def without(text: pa.Array, removals: tuple[str, ...]) -> pa.Array:
    """Make some of REMOVALS, in the order that they have there; as `refinedweb_urls`."""
    data, offsets = utf8(text)
    counts = np.zeros((len(REMOVALS), len(text)), np.int32)
    for removal, removed in zip(REMOVALS, counts, strict=True):
        if removal not in removals:
            continue
        left, left_offsets = np.empty(len(data) + 1, np.uint8), np.empty(len(offsets), np.int64)
        if removal == "urls":
            _remove_urls(data, offsets, CLASSES, _DOMAINS, _FOLD, left, left_offsets, removed)
        elif removal == "ip_addresses":
            _remove_ip_addresses(data, offsets, CLASSES, left, left_offsets, removed)
        else:
            _remove_newlines(data, offsets, left, left_offsets, removed)
        data, offsets = left, left_offsets
    columns = [strings(data, offsets, text.type), *map(pa.array, counts)]
    return pa.StructArray.from_arrays(columns, ("text", *REMOVALS), mask=text.is_null())


@column_function(returns=DDL, version=1, assets=("top_level_domains.json",))
def refinedweb_urls(text: pa.Array) -> pa.Array:
    r"""Take addresses out of a text as DCLM does, and newlines where more than two stand.

        Shape: STRING -> STRUCT<text STRING, urls INT, ip_addresses INT, newlines INT>; null gives
        null.
    Units: how many were removed. Addresses go with up to ten white spaces before them.
        urls: a host, a dot, one of 1,591 top-level domains in lower case, and what follows of an
            address; e-mail addresses and "readme.md" are among them. They are looked for only
            where the text itself begins with a top-level domain in any case: "The", "In", "It"
            do, "Zebra" does not. That is a slip of DCLM's.
        ip_addresses: four numbers with dots between them; always looked for.
        newlines: those after the second in a row of "\n".
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: RefinedWeb (Penedo et al. 2023, arXiv:2306.01116, G.2), as in mlfoundations/dclm
        361714b modifiers.py, url_removal_modifier and newline_removal_modifier.
    """
    return without(text, REMOVALS)
