"""Runs a pipeline's example rows: each goes through its stage alone; its verdict is compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)
from pyspark.sql.types import BinaryType, DataType

from winnow.engine.analysis import EmptyInputs, analyse
from winnow.engine.build import ledger_rules, with_ledger
from winnow.engine.failures import cause
from winnow.engine.relations import Relations
from winnow.errors import CommandError
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import Call, Example, Read, Stage
from winnow.schemas.documents import DROPPED, FAILED_RULES
from winnow.session import build_session, register_functions


@dataclass(frozen=True)
class ExampleResult:
    """What became of one example row. `expected` and `actual` read `dropped by a, b` or `kept`."""

    stage: str
    name: str
    expected: str
    actual: str
    passed: bool
    detail: str = ""


@dataclass
class ExampleInputs(EmptyInputs):
    """Inputs that are empty but for the table with the example's row, and for lists.

    `lists` are stages that read no documents: their rows are the same in every run.
    """

    example: Example | None = None
    lists: Mapping[str, DataFrame] = field(default_factory=dict)

    def table(self, read: Read) -> DataFrame:
        """Return the example's row, or no row; of a list all."""
        if read.table in self.lists:
            return self.lists[read.table]
        return self._filled(read.table, super().table(read))

    def call(self, call: Call, tables: Mapping[str, DataFrame]) -> DataFrame:
        """Return the example's row for a source; an operator runs on what it is given."""
        if call.declaration.kind == "source":
            return self._filled(call.declaration.name, super().call(call, tables))
        options = self.pipeline.options(call)
        result: DataFrame = call.declaration.function(**tables, **options)
        return result

    def _filled(self, table: str, empty: DataFrame) -> DataFrame:
        if self.example is None or self.example.table != table:
            return empty
        given = self.example.row
        row = tuple(_value(given.get(field.name), field.dataType) for field in empty.schema)
        return self.session.createDataFrame([row], empty.schema)


def _value(value: Any, kind: DataType) -> Any:
    """Return a value of YAML as Spark wants it: a text in a BINARY column stands for its bytes."""
    return value.encode() if isinstance(value, str) and isinstance(kind, BinaryType) else value


def test_pipeline(pipeline: str, settings: Mapping[str, str]) -> list[ExampleResult]:
    """Run all example rows of a pipeline.

    Raises:
        CommandError: the pipeline is wrong, an example names an unknown column, or there are none.
    """
    loaded = load_pipeline(pipeline, settings)
    if not any(loaded.examples.values()):
        raise CommandError(f"the pipeline `{loaded.name}` has no examples: write tests/STAGE.yml")
    session = build_session()
    register_functions(session, loaded.functions.values())
    schemas = analyse(session, loaded, lambda table: {})
    empty = ExampleInputs(session, loaded, schemas, lambda table: {})
    lists = {
        stage.name: Relations(session, loaded, empty).query(stage).cache()
        for stage in loaded.stages
        if stage.kind.stored and not stage.inputs and not stage.sources
    }
    return [
        _result(replace(empty, lists=lists, example=example), loaded.stage(stage), example)
        for stage, examples in loaded.examples.items()
        for example in examples
    ]


def _result(inputs: ExampleInputs, stage: Stage, example: Example) -> ExampleResult:
    relations = Relations(inputs.session, inputs.pipeline, inputs)
    expected = _verdict(example.dropped, example.failed)
    try:
        query = relations.query(stage)
        rows = with_ledger(relations, query, ledger_rules(stage), 1)
        found = rows.select(FAILED_RULES, DROPPED).orderBy(F.col(DROPPED)).collect()
    except (PySparkException, TypeError, ValueError) as error:
        return ExampleResult(stage.name, example.name, expected, "error", False, cause(error))
    if not found:
        return ExampleResult(
            stage.name, example.name, expected, "no row", False, "the query gave none"
        )
    dropped, failed = bool(found[0][DROPPED]), tuple(found[0][FAILED_RULES])
    same = dropped == example.dropped
    if example.failed is not None:
        same = same and set(failed) == set(example.failed)
    actual = _verdict(dropped, failed)
    return ExampleResult(stage.name, example.name, expected, actual, same)


def _verdict(dropped: bool, failed: tuple[str, ...] | None) -> str:
    state = "dropped" if dropped else "kept"
    return f"{state}, failed {', '.join(sorted(failed))}" if failed else state
