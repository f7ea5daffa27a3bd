"""Items are found whole, changed and in any place; parts and chance are not."""

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.decon import MOST_ITEMS, decon, indexes, least_score
from winnow.udfs.target_index import read_targets, scanned


def found(texts, items):
    """Return (row, item) -> (start, end, target_start, target_end, score), items by their row."""
    targets, item_of = read_targets(pa.array(items, pa.string()), 8, 4)
    rows = {}
    for evidence in scanned(decon, pa.array(texts, pa.string()), targets, indexes(targets)):
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


def changed(text, *places):
    words = text.split()
    for place in places:
        words[place] = "other"
    return " ".join(words)


@settings(deadline=None)
@given(st.integers(8, 60), st.integers(0, 20), st.integers(0, 20))
def test_an_item_as_it_is_is_found_wherever_it_stands(words, before, after):
    item = numbered(0, words)
    text = " ".join(["x"] * before + [item] + ["y"] * after)
    start = text.index(item)
    assert found([text], [item]) == {(0, 0): (start, start + len(item), 0, len(item), 1.0)}


@settings(deadline=None)
@given(st.integers(1, 6), st.data())
def test_one_word_in_20_may_be_changed_wherever_it_stands(blocks, data):
    item = numbered(0, 20 * blocks)
    places = [20 * block + data.draw(st.integers(0, 19)) for block in range(blocks)]
    [row] = found([f"x {changed(item, *places)} y"], [item]).values()
    assert row[-1] == pytest.approx(0.95, abs=0.03)  # words near the ends weigh as the others do


def test_a_word_may_be_missing_or_inserted():
    words = numbered(0, 30).split()
    assert found([" ".join(words[:12] + words[13:])], [numbered(0, 30)])[0, 0][-1] > 0.9
    [row] = found([" ".join([*words[:12], "new", *words[12:]])], [numbered(0, 30)]).values()
    assert row[-1] == 1


@pytest.mark.parametrize(("words", "least"), [(8, 1), (10, 1), (15, 0.9), (20, 0.8), (500, 0.8)])
def test_short_items_must_be_there_in_full(words, least):
    assert least_score(words) == pytest.approx(least)


def test_of_10_words_none_may_be_changed():
    item = numbered(0, 10)
    assert len(found([item, changed(item, 9), changed(item, 4)], [item])) == 1


@pytest.mark.parametrize(("words", "is_found"), [(24, True), (23, False)])
def test_four_fifths_of_an_item_are_enough(words, is_found):
    assert (found([f"x {numbered(0, words)} y"], [numbered(0, 30)]) != {}) == is_found


def test_a_template_is_not_the_item():
    template = numbered(0, 15)
    items = [f"{template} {numbered(100 * i, 100 * i + 15)}" for i in range(1, MOST_ITEMS + 20)]
    texts = [template, *items, *(item.removeprefix(template) for item in items)]
    rows = found(texts, items)
    assert {row for row in rows if row[0] == 0} == set()
    assert {(1 + item, item) for item in range(len(items))} <= set(rows)
    assert all(row[0] in (1 + row[1], 1 + len(items) + row[1]) for row in rows)


def test_items_that_all_share_everything_are_found():
    items = [numbered(0, 12) + "." * i for i in range(MOST_ITEMS + 20)]
    assert len(found([f"x {numbered(0, 12)} y"], items)) == len(items)


def test_the_words_of_its_own_are_found_before_a_template():
    template = numbered(100, 120)
    items = [f"{numbered(10 * i, 10 * i + 6)} z{i} {template}" for i in range(MOST_ITEMS + 20)]
    for shift in range(8):
        text = "x " * shift + items[3]
        assert (0, 3) in found([text], items)


def test_the_better_of_two_places_is_told():
    item = numbered(0, 30)
    poor = changed(item, 5, 15, 25)
    text = f"{poor} {'x ' * 40}{item}"
    assert found([text], [item])[0, 0][:2] == (len(text) - len(item), len(text))


def test_below_8_words_or_4_different_ones_an_item_is_found_nowhere():
    assert found([f"{numbered(0, 9)} {'a b c ' * 9}"], [numbered(0, 7), "a b c " * 9, None]) == {}


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_is_an_error(text, item):
    hostile = ["\x00" * 50, "\ufeff\u202e" * 9, "a\u0301" * 30, "🙂" * 30, item * 20]
    rows = found([text, item, None, "", *hostile], [item, *hostile, numbered(0, 9)])
    assert all(0 < row[-1] <= 1 for row in rows.values())


def test_long_and_repetitive_texts_take_linear_time():
    numbers = random.Random(0)
    items = [" ".join(numbers.choices("abcdefgh", k=40)) for _ in range(200)]
    texts = ["a " * 2_000_000, (items[0] + " ") * 20_000, "x" * 5_000_000, "漢" * 500_000]
    rows = found(texts, items)
    assert set(rows) == {(1, 0)}
