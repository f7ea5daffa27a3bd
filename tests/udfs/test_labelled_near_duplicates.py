"""Bands and verification on labelled near-duplicates.

Words are lower-case runs of `\\w` there, so the texts are given to the functions as such words.
"""

import gzip
import itertools
import json
import re
from collections import defaultdict

import pyarrow as pa
import pytest

from winnow.udfs.minhash_bands import minhash_bands
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity


def rows(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def found_pairs(documents):
    """Return the similarity of every pair of ids that shares a band."""
    texts = pa.array([" ".join(re.findall(r"\w+", row["text"].lower())) for row in documents])
    groups = defaultdict(set)
    for place, bands in enumerate(minhash_bands(texts).to_pylist()):
        for band in bands:
            groups[band].add(place)
    pairs = sorted(
        {p for group in groups.values() for p in itertools.combinations(sorted(group), 2)}
    )
    sets = shingle_hashes(texts)
    left, right = (sets.take(pa.array(side)) for side in zip(*pairs, strict=True))
    return {
        frozenset((documents[a]["id"], documents[b]["id"])): alike["similarity"]
        for (a, b), alike in zip(pairs, similarity(left, right).to_pylist(), strict=True)
    }


@pytest.mark.parametrize("name", ["plagiarism_articles_100", "plagiarism_articles_1000"])
def test_all_plagiarised_articles_are_found_and_nothing_else(shared_data, name):
    folder = shared_data / "labelled" / "neardup"
    found = found_pairs(rows(folder / f"{name}.docs.jsonl.gz"))
    expected = {frozenset((p["a"], p["b"])) for p in rows(folder / f"{name}.pairs.jsonl.gz")}
    assert {pair for pair, alike in found.items() if alike >= 0.5} == expected


def test_revisions_are_found_as_often_as_the_formula_foretells_and_none_by_mistake(shared_data):
    folder = shared_data / "labelled" / "neardup"
    found = found_pairs(rows(folder / "revisions_eips.docs.jsonl.gz"))
    labels = {
        frozenset((p["a"], p["b"])): p["jaccard5"]
        for p in rows(folder / "revisions_eips.pairs.jsonl.gz")
    }
    for least in (0.5, 0.6, 0.7, 0.8, 0.9):
        alike = [pair for pair, label in labels.items() if label >= least]
        expected = sum(1 - (1 - labels[pair] ** 8) ** 14 for pair in alike) / len(alike)
        assert sum(pair in found for pair in alike) / len(alike) == pytest.approx(
            expected, abs=0.02
        )
    for pair in found.keys() & labels.keys():
        assert found[pair] == pytest.approx(labels[pair], abs=0.00005001)
