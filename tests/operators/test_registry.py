"""Operators are declared by their parameters."""

import pytest
from pyspark.sql import DataFrame

from winnow.operators.registry import operator
from winnow.udfs.registry import declaration_of


def test_sql_gives_an_append_only_operator_all_tables_but_what_the_stage_holds_already():
    @operator(schema="id STRING", version=1, append_only=True)
    def joined(new: DataFrame, old: DataFrame, so_far: DataFrame, limit: int = 3) -> DataFrame:
        """Join."""
        return new

    declaration = declaration_of(joined)
    assert (declaration.tables, [option.name for option in declaration.options]) == (
        ("new", "old"),
        ["limit"],
    )


@pytest.mark.parametrize("append_only", [True, False])
def test_the_tables_of_an_operator_tell_whether_it_is_append_only(append_only):
    last = "old" if append_only else "so_far"
    source = f'def joined(new: "DataFrame", {last}: "DataFrame"):\n    "Join."\n'
    scope: dict = {}
    exec(source, scope)
    with pytest.raises(ValueError, match="append-only operators end with `so_far`"):
        operator(schema="id STRING", version=1, append_only=append_only)(scope["joined"])
