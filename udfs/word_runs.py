"""Runs of words of a text: where they are, and a digest of what they say."""

from typing import Any

import numpy as np
import pyarrow as pa

from winnow.udfs.buffers import utf8
from winnow.udfs.hashing import blake2b_128
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import find_chunks

RUN = pa.struct(
    {
        "start": pa.int32(),
        "words": pa.int32(),
        "start_char": pa.int32(),
        "end_char": pa.int32(),
        "digest": pa.string(),
    }
)
_DDL = "STRUCT<start INT, words INT, start_char INT, end_char INT, digest STRING>"


@column_function(returns=f"ARRAY<{_DDL}>", version=1)
def word_runs(text: pa.Array, runs: pa.Array) -> pa.Array:
    """Return where runs of words stand in a text, each with a digest of its words.

    Shape: STRING, ARRAY<STRUCT<start INT, words INT>> -> ARRAY<STRUCT<start INT, words INT,
        start_char INT, end_char INT, digest STRING>>, one each in the same order; null gives null.
    Units: start and words count words, which stand between white space; start_char is a code point
        from 0, end_char is exclusive. The digest is BLAKE2b with 128 bits, as 32 hex characters, of
        the words joined by one space.
    Errors: TypeError if the text is not STRING. A run that the text does not have is left out.
    """
    data, offsets = utf8(text)
    starts, ends, _, first = find_chunks(data, offsets)
    found: list[list[dict[str, Any]] | None] = []
    for row, wanted in enumerate(runs.to_pylist()):
        if wanted is None or not text[row].is_valid:
            found.append(None)
            continue
        begin = offsets[row]
        content = data[begin : offsets[row + 1]]
        points = np.concatenate(([0], np.cumsum(content & 0xC0 != 0x80, dtype=np.int32)))
        encoded = content.tobytes()
        places = []
        for run in wanted:
            last = first[row] + run["start"] + run["words"] - 1
            if last >= first[row + 1]:
                continue
            start, end = starts[first[row] + run["start"]] - begin, ends[last] - begin
            said = encoded[start:end].decode("utf-8", "surrogateescape").split()
            digest = blake2b_128(" ".join(said).encode("utf-8", "surrogateescape"))
            places.append((run["start"], run["words"], points[start], points[end], digest))
        found.append([dict(zip(RUN.names, place, strict=True)) for place in places])
    return pa.array(found, pa.list_(RUN))
