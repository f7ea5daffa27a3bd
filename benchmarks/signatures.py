"""How many MinHash signatures a core makes a second, beside datasketch and rensa.

    python benchmarks/signatures.py [--documents 4000] [--bytes 2600]

Prints one row for each tool and shape of bands: the same texts (novels, cut at so many bytes), the
same shingles of five words, as many permutations. Every tool starts from the text: shingles are
part of the work. Time is that of the processor, the best of three, one thread. rensa has its own
signatures, which no other tool reads; it is left out where it is not installed. Winnow's and
datasketch's are compared and must be the same.
"""

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasketch import MinHash

from winnow.udfs.minhash import minhash, signatures_of
from winnow.udfs.minhash_bands import minhash_bands
from winnow.udfs.shingle_hashes import shingle_hashes

SHAPES = ((14, 8), (20, 5), (26, 11))


def main() -> None:
    """Print the table."""
    os.environ["RAYON_NUM_THREADS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--bytes", type=int, default=2600, help="of a document")
    options = parser.parse_args()
    documents = texts(options.documents, options.bytes)
    column = pa.array(documents)
    size = sum(len(text.encode()) for text in documents)
    assert minhash(column[:100]).to_pylist() == with_datasketch(documents[:100], 112).tolist()
    print(f"{len(documents):,} documents of {size / len(documents):,.0f} bytes")
    print("| signatures | tool | documents/s | MB/s |")
    print("|---|---|--:|--:|")
    for bands, rows in SHAPES:
        values = bands * rows
        tools: dict[str, Callable[[], Any]] = {
            "winnow, bands": lambda b=bands, r=rows: minhash_bands(column, b, r),
            "winnow, signatures": lambda v=values: signatures_of(column, v, "word", 5, 1),
            "datasketch": lambda v=values: with_datasketch(documents, v),
        }
        if find_spec("rensa"):
            tools["rensa R"] = lambda v=values: with_rensa(documents, v)
        for tool, run in tools.items():
            report(f"{bands} x {rows}", tool, run, len(documents), size)
    report("-", "winnow, shingle_hashes", lambda: shingle_hashes(column), len(documents), size)


def report(shape: str, tool: str, run: Callable[[], Any], documents: int, size: int) -> None:
    """Print one row."""
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    best = min(seconds)
    print(f"| {shape} | {tool} | {documents / best:,.0f} | {size / best / 1e6:.1f} |", flush=True)


def shingles(text: str) -> list[str]:
    """The shingles of `winnow.udfs.shingles`, for the tools that take them ready-made."""
    words = text.split()
    return [" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))]


def with_datasketch(documents: list[str], values: int) -> np.ndarray:
    """One signature a row, by datasketch's fastest way for many texts."""
    encoded = ([shingle.encode() for shingle in shingles(text)] for text in documents)
    return np.array([each.hashvalues for each in MinHash.bulk(encoded, num_perm=values)])


def with_rensa(documents: list[str], values: int) -> Any:
    """One signature a row, by rensa's fastest way for many texts."""
    from rensa import RMinHash

    sets = [shingles(text) for text in documents]
    return RMinHash.digest_matrix_from_token_sets(sets, values, 42)


def texts(count: int, size: int) -> list[str]:
    """Return English texts of about so many bytes."""
    return [text for text, _ in zip(cuts(size), range(count), strict=False)]


def cuts(size: int) -> Iterator[str]:
    """Yield pieces of novels in the public domain."""
    shared = Path(os.environ.get("WINNOW_SHARED", "../shared"))
    with gzip.open(shared / "data" / "corpus" / "novels_en.jsonl.gz") as file:
        for text in (json.loads(line)["text"] for line in file):
            yield from (text[i : i + size] for i in range(0, len(text) - size, size))


if __name__ == "__main__":
    main()
