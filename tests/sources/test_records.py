"""Records gathered into Arrow batches."""

from hypothesis import given
from hypothesis import strategies as st

from winnow.sources.records import BATCH_BYTES, Record, batches


def test_what_is_long_beside_the_text_fills_a_batch_too():
    record = Record(0, "x", metadata={"html": "a" * (BATCH_BYTES // 2)})
    found = batches([("a.jsonl", record)] * 6, arrival=1, id_prefix="")
    assert [batch.num_rows for batch in found] == [2, 2, 2]


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.binary())))
def test_a_batch_holds_the_texts_and_contents_of_its_records(values):
    records = (("a.jsonl", Record(i, *value)) for i, value in enumerate(values))
    found = []
    for batch in batches(records, arrival=1, id_prefix=""):
        batch.validate(full=True)
        found += [(row["text"], row["content"]) for row in batch.to_pylist()]
    assert found == values
