"""Column functions as Spark calls them: what the call around them refuses and says."""

import pyarrow as pa
import pytest
from pyspark.errors import PythonException

from winnow.extensions import built_in
from winnow.session import register_functions
from winnow.udfs.registry import column_function, declaration_of


@column_function(returns="STRING", version=1)
def quotes(text: pa.Array, other: pa.Array) -> pa.Array:
    """Raise an error that quotes what it was given."""
    raise ValueError(f"{other[0].as_py()} is bad")


@column_function(returns="STRUCT<a INT, b INT>", version=1)
def misnames(text: pa.Array) -> pa.Array:
    """Return a field that is not declared."""
    return pa.array([{"a": 1, "c": 2}] * len(text))


@column_function(returns="INT", version=1)
def in_pieces(number: pa.Array) -> pa.Array:
    """Return its array in pieces, as Arrow's functions on tables do."""
    half = len(number) // 2
    return pa.chunked_array([number.slice(0, half), number.slice(half)])


@pytest.fixture(scope="module")
def answer(spark):
    own = map(declaration_of, (quotes, misnames, in_pieces))
    register_functions(spark, [built_in()["redact"], *own])
    return lambda sql: spark.sql(sql).collect()


SPANS = "array(named_struct('kind', 'email', 'start', 0, 'end', 1))"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (f"redact('abc', {SPANS}, string(id))", "takes one value of `placeholder` for all rows"),
        (f"redact('abc', {SPANS}, 'x', 'y')", "takes 3 arguments at most"),
        ("misnames('x')", "returned the fields a, c, which are not those that it declares"),
    ],
)
def test_a_call_that_would_be_answered_wrongly_is_refused(answer, call, message):
    with pytest.raises(PythonException, match=message):
        answer(f"SELECT {call} AS found FROM range(0, 4, 1, 1)")  # in one batch


def test_an_array_in_pieces_is_as_good_as_one(answer):
    rows = answer("SELECT in_pieces(int(id)) AS number FROM range(0, 5, 1, 1)")
    assert [row.number for row in rows] == list(range(5))


def test_null_as_it_is_written_is_a_text_that_is_null(answer):
    [row] = answer("SELECT redact(NULL, NULL) AS nothing, redact('a', NULL) AS same")
    assert (row.nothing, row.same) == (None, "a")


def test_an_error_quotes_no_column_of_a_document(answer):
    with pytest.raises(
        PythonException, match=r"quotes` failed on a value .*: \.\.\. is bad"
    ) as raised:
        answer("SELECT quotes(id, other) FROM VALUES ('a', 'a long secret') AS t(id, other)")
    assert "secret" not in str(raised.value).replace("'a long secret'", "")
