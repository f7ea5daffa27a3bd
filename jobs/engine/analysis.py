"""The second step of validation: types and columns of all stages, by Spark over empty tables."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pyspark.sql import DataFrame, SparkSession, types
from pyspark.sql.types import StructType

from winnow.engine.expectations import validate_checks
from winnow.engine.failures import first_line
from winnow.engine.models import MODEL
from winnow.engine.relations import NoModelError, Relations, StageProblem
from winnow.pipeline.model import Call, Pipeline, PipelineError, Problem, Read, Stage
from winnow.schemas.documents import ENGINE_COLUMNS

ORIGIN = ("id", "file", "position", "reject_reason")


@dataclass
class EmptyInputs:
    """Inputs of the right columns without a row."""

    session: SparkSession
    pipeline: Pipeline
    schemas: dict[str, StructType]
    published: Callable[[str], Mapping[str, str]]

    def table(self, read: Read) -> DataFrame:
        """Return an empty table; columns of other pipelines come from the registry."""
        if read.table in self.schemas:
            return self.session.createDataFrame([], self.schemas[read.table])
        columns = self.published(read.table).items()
        return self.session.createDataFrame(
            [], ", ".join(f"`{name}` {kind}" for name, kind in columns)
        )

    def model(self, read: Read) -> str:
        """Return no name, so that nothing is scored, if the table has the columns of a model."""
        if read.table in self.schemas:
            columns = columns_of(self.schemas[read.table])
        elif read.table:
            columns = dict(self.published(read.table))
        if read.table and not MODEL.items() <= columns.items():
            raise NoModelError(f"`{read.table}` is no table of a model: it has no column `content`")
        return ""

    def call(self, call: Call, tables: Mapping[str, DataFrame]) -> DataFrame:
        """Return an empty table with the columns that the function declares."""
        try:
            return self.session.createDataFrame([], declared_schema(call, tables, self.pipeline))
        except Exception as error:  # whatever a user's schema function raises is theirs to mend
            name = call.declaration.name
            message = f"the schema that `{name}` declares cannot be had: {first_line(error)}"
            remedy = "Columns are Spark DDL, e.g. `id STRING, words INT`"
            raise StageProblem(Problem(call.place, message, remedy, len(name))) from None


def declared_schema(call: Call, tables: Mapping[str, DataFrame], pipeline: Pipeline) -> StructType:
    """Return the columns that a source or an operator declares for a call."""
    declared = call.declaration.returns
    if callable(declared):
        given = {name: columns_of(table.schema) for name, table in tables.items()}
        declared = declared(given, pipeline.options(call))
    return cast(StructType, StructType.fromDDL(declared))


def analyse(
    session: SparkSession,
    pipeline: Pipeline,
    published: Callable[[str], Mapping[str, str]],
) -> dict[str, StructType]:
    """Return the columns of every stage, views included.

    Args:
        session: column functions of the pipeline are registered in it.
        pipeline: passed the first step.
        published: columns of another pipeline's published table, name -> DDL type.

    Raises:
        PipelineError: everything that is wrong, at once.
    """
    schemas: dict[str, StructType] = {}
    relations = Relations(session, pipeline, EmptyInputs(session, pipeline, schemas, published))
    problems: list[Problem] = []
    broken: set[str] = set()
    for stage in pipeline.stages:
        if broken.intersection(stage.inputs):
            broken.add(stage.name)  # its input's error is the one to mend first
            continue
        try:
            query = relations.query(stage)
        except StageProblem as error:
            problems.append(error.problem)
            broken.add(stage.name)
            continue
        schemas[stage.name] = query.schema
        found = [*_column_problems(stage, query.schema), *_rule_problems(relations, stage, query)]
        problems += found
        if found:
            broken.add(stage.name)
    columns = {
        name: columns_of(schema) | ENGINE_TYPES
        for name, schema in schemas.items()
        if name not in broken
    }
    problems += validate_checks(pipeline, columns)
    if problems:
        raise PipelineError(tuple(problems))
    return schemas


ENGINE_TYPES = dict(zip(ENGINE_COLUMNS, ("array<string>", "boolean", "bigint"), strict=True))


def columns_of(schema: StructType) -> dict[str, str]:
    """Return column name -> DDL type."""
    return {item.name: item.dataType.simpleString() for item in schema.fields}


INVALID = frozenset(" ,;{}()\n\t=")  # in the names of Delta's columns

# What both Spark and delta-rs write and read.
STORABLE = (
    *(types.StringType, types.BinaryType, types.BooleanType, types.DateType, types.TimestampType),
    *(types.IntegralType, types.FractionalType),
    *(types.StructType, types.ArrayType, types.MapType),
)


def _fields(name: str, kind: types.DataType) -> Iterator[tuple[str, types.DataType]]:
    """Yield name and type of a column and of everything inside it."""
    yield name, kind
    if isinstance(kind, types.StructType):
        for item in kind.fields:
            yield from _fields(item.name, item.dataType)
    elif isinstance(kind, types.ArrayType):
        yield from _fields(name, kind.elementType)
    elif isinstance(kind, types.MapType):
        yield from _fields(name, kind.keyType)
        yield from _fields(name, kind.valueType)


def _column_problems(stage: Stage, schema: StructType) -> list[Problem]:
    problems: list[Problem] = []

    def add(message: str, remedy: str) -> None:
        problems.append(Problem(stage.body_place, f"stage `{stage.name}` {message}", remedy, 0))

    names = [name.lower() for name in schema.names]
    for name in sorted({name for name in names if names.count(name) > 1}):
        add(
            f"returns two columns named `{name}`", "Rename one, or leave it out with * EXCEPT (...)"
        )
    for name in names:
        if name.startswith("_"):
            known = " (the engine writes it)" if name in ENGINE_COLUMNS else ""
            add(f"returns `{name}`{known}; names that begin with _ are reserved", "Rename it")
    for item in schema.fields if stage.kind.stored else ():
        inside = list(_fields(item.name, item.dataType))
        wrong = next((name for name, _ in inside if INVALID.intersection(name)), None)
        if isinstance(item.dataType, types.NullType):
            add(f"returns `{item.name}` without a type", "Write CAST(NULL AS STRING), or its type")
        elif wrong is not None:
            add(f"returns {wrong!r}: names hold no space and none of , ; {{ }} ( ) =", "Rename it")
        elif not all(isinstance(kind, STORABLE) for _, kind in inside):
            shown = item.dataType.simpleString()
            remedy = "Cast it to a type that every reader of Delta knows, e.g. STRING or BIGINT"
            add(f"returns `{item.name}` of type {shown}, which no table can hold", remedy)
    missing = [name for name in ORIGIN if name not in names] if stage.sources else []
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        remedy = "Rejects are told by them. Return them, or SELECT * from the source"
        add(f"reads a source but does not return {listed}", remedy)
    return problems


def _rule_problems(relations: Relations, stage: Stage, query: DataFrame) -> list[Problem]:
    problems: list[Problem] = []
    if not stage.rules or relations.are_rules(query, stage.rules):
        return problems
    for rule in stage.rules:
        try:
            relations.check_rule(query, rule)
        except StageProblem as error:
            problems.append(error.problem)
    return problems
