import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.render import replace


def test_a_position_after_a_replacement_is_found_in_the_original():
    text = "SELECT *\nFROM documents d\nWHERE nothing"
    rendered = replace(text, [(14, 23, "a_much_longer_name_of_a_view")])
    line, column = 3, rendered.text.splitlines()[2].index("nothing")
    assert rendered.original_offset(line, column) == text.index("nothing")


def test_a_position_inside_a_replacement_is_the_start_of_what_was_replaced():
    rendered = replace("FROM f(TABLE(t)) x", [(5, 16, "call_1")])
    assert rendered.text == "FROM call_1 x"
    assert rendered.original_offset(1, 8) == 5


def test_replacements_may_add_lines():
    text = "FROM a JOIN b ON missing"
    rendered = replace(text, [(5, 6, "(SELECT\n*\nFROM v)")])
    assert rendered.original_offset(3, len("FROM v) JOIN b ON ")) == text.index("missing")


def test_overlapping_replacements_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="overlap"):
        replace("abcdef", [(0, 3, "x"), (2, 4, "y")])


@given(st.data())
def test_every_character_that_stays_is_found_again(data: st.DataObject):
    text = data.draw(st.text(alphabet="ab\n é", min_size=1, max_size=30))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    changes = [(start, end, data.draw(st.text(alphabet="x\n", max_size=4))) for start, end in spans]
    rendered = replace(text, changes)
    gone = {i for start, end in spans for i in range(start, end)}
    found = []
    for start, _, length, is_copy in rendered.pieces:
        for offset in range(start, start + length) if is_copy else ():
            before = rendered.text[:offset]
            line, column = before.count("\n") + 1, offset - (before.rfind("\n") + 1)
            found.append(rendered.original_offset(line, column))
    assert found == [i for i in range(len(text)) if i not in gone]
