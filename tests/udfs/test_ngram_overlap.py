"""Items that share 13 words in a row with a document, against a plain reference."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.ngram_overlap import MOST_ITEMS, indexes, ngram_overlap
from winnow.udfs.target_index import read_targets, scanned


def found(texts, items, least_words=8, least_distinct=4):
    """Return (row, item) -> (start, end, target_start, target_end, score), items by their row."""
    targets, item_of = read_targets(pa.array(items, pa.string()), least_words, least_distinct)
    rows = {}
    for evidence in scanned(ngram_overlap, pa.array(texts, pa.string()), targets, indexes(targets)):
        for (row, item, *places), score in zip(
            evidence.found.tolist(), evidence.scores.tolist(), strict=True
        ):
            for target, of in enumerate(item_of):
                if of == item:
                    assert (row, target) not in rows
                    rows[row, target] = (*places, score)
    return rows


def numbered(first, after):
    return " ".join(f"w{i}" for i in range(first, after))


@pytest.mark.parametrize(("shared", "is_found"), [(12, False), (13, True)])
def test_13_shared_words_in_a_row_are_enough_and_12_are_not(shared, is_found):
    text = f"before {numbered(5, 5 + shared)} after"
    assert ((0, 0) in found([text], [numbered(0, 40)])) == is_found


def test_the_score_is_the_share_of_the_item_s_n_grams():
    item = numbered(0, 32)  # 20 n-grams
    [row] = found([f"x {numbered(3, 18)} y {numbered(10, 23)} z"], [item]).values()
    start, end, target_start, target_end, score = row
    assert item[target_start:target_end] == numbered(3, 18)  # the longest run
    assert (start, end) == (2, 2 + len(numbered(3, 18)))
    assert score == 4 / 20  # n-grams 3, 4, 5 and 10


@pytest.mark.parametrize("words", [8, 12])
def test_a_shorter_item_is_looked_for_as_a_whole(words):
    item = numbered(0, words)
    assert found([f"x {item} y"], [item])[0, 0][-1] == 1
    assert found([f"x {numbered(1, words)} y", f"x {numbered(0, words - 1)}"], [item]) == {}


def test_an_item_below_8_words_or_of_3_different_ones_is_looked_for_nowhere():
    items = [numbered(0, 7), "a b c " * 9, None, ""]
    assert found([f"{numbered(0, 9)} {'a b c ' * 20}"], items) == {}


def test_what_more_than_10_items_share_finds_none_of_them():
    template = numbered(0, 13)
    items = [f"{template} {numbered(100 * i, 100 * i + 20)}" for i in range(1, MOST_ITEMS + 2)]
    assert found([f"x {template} y"], items) == {}
    assert len(found([f"x {template} y"], items[:-1])) == MOST_ITEMS
    assert len(found([f"{item} x" for item in items], items)) == len(items)


def test_an_item_with_nothing_of_its_own_is_found_all_the_same():
    items = [numbered(0, 13) + "." * i for i in range(MOST_ITEMS + 1)]
    assert len(found([numbered(0, 13)], items)) == MOST_ITEMS + 1


WORDS = st.lists(st.sampled_from("abcdef"), min_size=8, max_size=30)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4), st.data())
def test_items_are_those_of_a_search_in_plain_python(documents, items, data):
    if items:  # an item inside a document
        documents = [*documents, [*data.draw(WORDS), *data.draw(st.sampled_from(items)), "z"]]
    expected = set()
    for row, document in enumerate(documents):
        grams = [document[i : i + 13] for i in range(len(document))]
        for number, item in enumerate(items):
            size = min(len(item), 13)
            starts = range(len(item) - size + 1)
            if len(set(item)) >= 4 and any(
                item[i : i + size] == gram[:size] for i in starts for gram in grams
            ):
                expected.add((row, number))
    texts = [" ".join(words) for words in documents]
    assert set(found(texts, [" ".join(words) for words in items])) == expected
