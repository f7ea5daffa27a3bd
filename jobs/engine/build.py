"""Builds a candidate: one pass writes a stage's rows with their verdicts.

The query's rows get `_failed_rules` (all rules that a row violates, in file order), `_dropped` and
`_batch`, and are written once, kept and dropped rows in partitions of their own. A dropped row does
not repeat the texts that it got unchanged from an input table.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)
from pyspark.sql.types import StructType

from winnow.engine.analysis import columns_of, declared_schema
from winnow.engine.failures import StageFailure, guarded
from winnow.engine.models import ModelError, ship_file, ship_table
from winnow.engine.plan import APPEND, StagePlan
from winnow.engine.registry import Version
from winnow.engine.relations import FLAG, Relations
from winnow.engine.results import RuleCount
from winnow.engine.store import Mark, Store
from winnow.engine.warehouse import Warehouse
from winnow.operators.registry import SO_FAR, VERSIONS
from winnow.pipeline.model import Action, Call, Pipeline, Place, Read, Rule, Stage
from winnow.schemas.documents import (
    BATCH,
    DROPPED,
    ENGINE_COLUMNS,
    FAILED_RULES,
    HEAVY_COLUMNS,
    READABLE,
)
from winnow.sources.accounts import Account
from winnow.sources.documents import documents
from winnow.sources.reader import Reading

# Earlier batches have none among themselves, so any that is found has to do with the new one.
REPEATED_IDS = """
    SELECT id FROM {rows} WHERE reject_reason IS NULL GROUP BY id HAVING count(*) > 1 LIMIT 1
"""

# A record is known by its place, so of one that comes twice no copy could be told from the other.
REPEATED_RECORDS = """
    SELECT file, position FROM {rows} WHERE _batch = :batch
    GROUP BY file, position HAVING count(*) > 1 LIMIT 1
"""

DUPLICATE_IDS = """
    SELECT file, position
    FROM (
        SELECT *, row_number() OVER (PARTITION BY id ORDER BY _batch, file, position) AS place
        FROM (
            SELECT id, file, position, _batch FROM {rows} WHERE reject_reason IS NULL
        ) LEFT SEMI JOIN (
            SELECT id FROM {rows} WHERE reject_reason IS NULL AND _batch = :batch
        ) USING (id)
    )
    WHERE place > 1 AND _batch = :batch
"""

# Rows of one verdict are counted first, so that rules are looked at once a verdict, not once a row.
# A row without a failed rule stands under the rule NULL, as its first.
COUNTS = """
    WITH verdicts AS (
        SELECT _dropped, _failed_rules, count(*) AS rows
        FROM {rows}
        GROUP BY _dropped, _failed_rules
    ), failures AS (
        SELECT _dropped, rows, position, rule, size(
            if(array_contains(:dropping, rule),
                array_intersect(_failed_rules, :dropping), _failed_rules)
        ) AS peers
        FROM verdicts LATERAL VIEW OUTER posexplode(_failed_rules) AS position, rule
    )
    SELECT
        _dropped,
        rule,
        sum(rows) AS failed,
        sum(if(peers = 1, rows, 0)) AS failed_alone,
        sum(if(coalesce(position, 0) = 0, rows, 0)) AS failed_first
    FROM failures
    GROUP BY _dropped, rule
"""


@dataclass(frozen=True)
class Candidate:
    """A written version that nobody has audited.

    Row counts and `rules` are those of this batch alone; `query_rows` is what the query returned
    as Spark counted it on the way.
    """

    version: int
    base: int  # the commit that it started from
    batch: int
    columns: StructType
    query_rows: int
    kept: int
    dropped: int
    rules: tuple[RuleCount, ...]
    accounts: Mapping[str, Account]  # of the files that were read, by name
    seconds: float


@dataclass
class PinnedInputs:
    """Inputs at the versions that the run pinned."""

    session: SparkSession
    warehouse: Warehouse
    pipeline: Pipeline
    versions: Mapping[str, Version]  # by the names that bodies use
    plan: StagePlan
    arrival: int
    limit: int | None = None
    readings: list[Reading] = field(default_factory=list)  # of the sources that were called

    def table(self, read: Read) -> DataFrame:
        """Return a table's kept rows without the engine's columns; of a STREAM, the new rows."""
        version = self.versions[read.table]
        rows = stored_rows(self.session, self.warehouse, version)
        if read.stream and self.plan.action == APPEND and self.plan.base is not None:
            seen = {item.table: item.batch or 0 for item in self.plan.base.inputs}
            rows = rows.where(F.col(BATCH) > seen.get(read.table, 0))
        return rows.where(~F.col(DROPPED)).drop(*ENGINE_COLUMNS)

    def call(self, call: Call, tables: Mapping[str, DataFrame]) -> DataFrame:
        """Read a source's files, or run an operator."""
        options = self.pipeline.options(call)
        if call.declaration.kind == "source":
            files = next(files for one, files in self.plan.readings if one == call)
            reading = documents(self.session, files, options, self.arrival, self.limit)
            self.readings.append(reading)
            return reading.rows
        with guarded(self.plan.name, call.declaration.name):
            schema = declared_schema(call, tables, self.pipeline)
            given: dict[str, object] = {}
            if call.declaration.append_only:
                given[SO_FAR] = self._so_far(schema)
            if call.declaration.reads_versions:
                given[VERSIONS] = {item.table: item.version for item in self.versions.values()}
            result = call.declaration.function(**tables, **given, **options)
            declared = columns_of(schema)
        found = columns_of(result.schema) if isinstance(result, DataFrame) else None
        if found is None or list(found.items()) != list(declared.items()):
            shown = type(result).__name__ if found is None else _ddl(found)
            raise StageFailure(
                f"stage `{self.plan.name}`: operator `{call.declaration.name}` returned {shown}, "
                f"but it declares {_ddl(declared)}"
            )
        rows: DataFrame = result
        return rows

    def model(self, read: Read) -> str:
        """Send a classifier to the workers, and return the name under which they find it."""
        try:
            if read.address:
                return ship_file(self.session, read.address)
            return ship_table(self.session, self.warehouse, self.versions[read.table])
        except ModelError as error:
            place = f"stage `{self.plan.name}`: function `{read.function}`"
            raise StageFailure(f"{place}: {error}") from None

    def _so_far(self, schema: StructType) -> DataFrame:
        """Return what the stage keeps already of an append-only operator's answer."""
        base = self.plan.base
        if self.plan.action != APPEND or base is None:
            return self.session.createDataFrame([], schema)
        kept = stored_rows(self.session, self.warehouse, base).where(~F.col(DROPPED))
        return kept.select(*schema.names)

    def find_document(self, content_hash: str) -> str | None:
        """Return the smallest id that carries this text in an input, and the input's name."""
        for name, version in self.versions.items():
            if {"id", "content_hash"} <= set(version.columns):
                rows = stored_rows(self.session, self.warehouse, version)
                same = rows.where(F.col("content_hash") == content_hash)
                found = same.select("id").orderBy("id").first()
                if found is not None:
                    return f"`{found.id}` of `{name}`"
        return None


def _ddl(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind.upper()}" for name, kind in columns.items())


def stored_rows(session: SparkSession, warehouse: Warehouse, version: Version) -> DataFrame:
    """Return all rows of a table version, the engine's columns included."""
    path = warehouse.path(version.pipeline, version.stage)
    return session.read.format("delta").option("versionAsOf", version.version).load(path)


def ledger_rules(stage: Stage) -> tuple[Rule, ...]:
    """Return a stage's rules with the built-in one of stages over a source in front."""
    if not stage.sources:
        return stage.rules
    name, condition = READABLE
    place = Place(stage.place.file)
    return (Rule(name, condition, Action.DROP, place, place), *stage.rules)


def build(relations: Relations, inputs: PinnedInputs, run: str) -> Candidate:
    """Write a stage's rows as a candidate.

    Raises:
        StageFailure: the query, a rule or a function raised while it ran.
        CommandError: something else wrote to the table meanwhile.
    """
    started = time.monotonic()
    plan = inputs.plan
    stage, session = plan.stage, inputs.session
    store = Store(inputs.warehouse.path(inputs.pipeline.name, stage.name))
    appends = plan.action == APPEND and plan.base is not None
    batch = plan.base.batch + 1 if appends and plan.base else 1
    rules = ledger_rules(stage)
    conditions = {rule.name: rule.condition for rule in stage.rules}
    with guarded(stage.name, find_document=inputs.find_document, conditions=conditions):
        query = relations.query(stage)
        counted = Observation(f"query-rows-{uuid4()}")
        observed = query.observe(counted, F.count(F.lit(1)).alias("rows"))
        rows = with_ledger(relations, observed, rules, batch)
        rows = _without_repeated_texts(rows, query, _input_paths(inputs))
        latest = store.latest()
        base = store.create(rows.schema.json(), run) if latest is None else latest
        mark = Mark(run, f"build {uuid4()}")
        _write(rows, store.path, mark, appends=appends)
        if appends and store.latest() == base:  # Delta commits no append without a row
            store.commit_nothing(mark)
    version = _own_commit(store, mark, base)
    with guarded(stage.name, find_document=inputs.find_document):
        mended = _reject_duplicate_ids(session, store, stage, batch, run, version)
        written = _at(session, store, mended).where(F.col(BATCH) == batch)
        kept, dropped, failures = _count(written, rules)
    return Candidate(
        version=mended,
        base=base,
        batch=batch,
        columns=query.schema,
        query_rows=int(counted.get["rows"]),
        kept=kept,
        dropped=dropped,
        rules=failures,
        accounts={
            name: account
            for reading in inputs.readings
            for name, account in reading.accounts().items()
        },
        seconds=time.monotonic() - started,
    )


def with_ledger(
    relations: Relations, query: DataFrame, rules: tuple[Rule, ...], batch: int
) -> DataFrame:
    flags = [F.col(f"{FLAG}{i}") for i in range(len(rules))]  # a condition of NULL is violated
    failed = [
        F.when(flag, F.lit(None)).otherwise(F.lit(rule.name))
        for rule, flag in zip(rules, flags, strict=True)
    ]
    drops = [~flag for rule, flag in zip(rules, flags, strict=True) if rule.action is Action.DROP]
    dropped = F.lit(False)
    for drop in drops:
        dropped = dropped | drop
    names = F.array_compact(F.array(*failed)) if failed else F.array()
    return (
        relations.flags(query, rules)
        .withColumn(FAILED_RULES, names.cast("array<string>"))
        .withColumn(DROPPED, dropped)
        .withColumn(BATCH, F.lit(batch).cast("bigint"))
        .drop(*flags)
    )


def _input_paths(inputs: PinnedInputs) -> frozenset[str]:
    return frozenset(
        inputs.warehouse.path(version.pipeline, version.stage)
        for version in inputs.versions.values()
        if not version.is_view
    )


def _without_repeated_texts(rows: DataFrame, query: DataFrame, paths: frozenset[str]) -> DataFrame:
    """Null a dropped row's heavy columns where an input table has the same text under its id."""
    repeated = passed_unchanged(query, paths)
    columns = {name: F.when(~F.col(DROPPED), F.col(name)).alias(name) for name in repeated}
    return rows.withColumns(columns) if repeated else rows


def passed_unchanged(query: DataFrame, paths: frozenset[str]) -> frozenset[str]:
    """Return the heavy columns that come, with `id`, as they are from one stored input.

    Spark keeps a column's expression id while nothing computes on it, so a column of the result
    that has the id of a column of a scan is that column. Spark Connect does not show its plans:
    there nothing is taken for repeated.
    """
    execution = getattr(getattr(query, "_jdf", None), "queryExecution", lambda: None)()
    if execution is None:
        return frozenset()
    plan = execution.optimizedPlan()
    leaves = plan.collectLeaves()
    output = _ids(plan.output())
    heavy = {name: output[name] for name in HEAVY_COLUMNS & set(output)}
    found: set[str] = set()
    for i in range(leaves.size()):
        scanned = set(_ids(leaves.apply(i).output()).values())
        if output.get("id") in scanned and _is_stored(leaves.apply(i), paths):
            found |= {name for name, number in heavy.items() if number in scanned}
    return frozenset(found)


def _is_stored(leaf: Any, paths: frozenset[str]) -> bool:
    """Whether a plan's leaf scans one of these tables."""
    if not leaf.getClass().getName().endswith(".LogicalRelation"):
        return False
    relation = leaf.relation()
    if not hasattr(relation, "location"):  # a relation that is no set of files
        return False
    roots = relation.location().rootPaths()
    found = {roots.apply(i).toString().removeprefix("file:") for i in range(roots.size())}
    return not found.isdisjoint(paths)


def _ids(attributes: Any) -> dict[str, int]:
    listed = (attributes.apply(i) for i in range(attributes.size()))
    return {item.name(): item.exprId().id() for item in listed}


def _write(rows: DataFrame, path: str, mark: Mark, *, appends: bool) -> None:
    writer = rows.write.format("delta").option("userMetadata", str(mark)).partitionBy(DROPPED)
    if appends:
        writer.mode("append").save(path)
    else:
        writer.mode("overwrite").option("overwriteSchema", "true").save(path)


def _own_commit(store: Store, mark: Mark, base: int) -> int:
    """Return the number of this build's commit, which must follow the one it started from.

    Raises:
        CommandError: another writer came in between; the candidate is undone.
    """
    marks = store.marks(base)
    own = [version for version, found in marks.items() if found == mark]
    if own == [base + 1]:
        return own[0]
    raise StageFailure(
        f"another writer changed {store.path} while the stage was built (versions "
        f"{sorted(marks)} after {base}). Nothing was published; find the other writer first"
    )


def _at(session: SparkSession, store: Store, version: int) -> DataFrame:
    return session.read.format("delta").option("versionAsOf", version).load(store.path)


def _reject_duplicate_ids(
    session: SparkSession, store: Store, stage: Stage, batch: int, run: str, version: int
) -> int:
    """Turn later records of an id that exists into rejects; return the version that says so.

    Ids alone are read and shuffled. Only the files that hold such a record are written again.
    """
    if not stage.sources:
        return version
    rows = _at(session, store, version)
    repeated = session.sql(REPEATED_IDS, rows=rows)
    if repeated.isEmpty():
        return version
    again = session.sql(REPEATED_RECORDS, args={"batch": batch}, rows=rows).first()
    if again is not None:
        raise StageFailure(
            f"stage `{stage.name}` returns the record of `{again.file}` at {again.position} more "
            "than once. Over a source each record is one row; make more of it in a stage after this"
        )
    duplicates = session.sql(DUPLICATE_IDS, args={"batch": batch}, rows=rows).cache()
    try:
        mark = Mark(run, f"mend {uuid4()}")
        session.conf.set("spark.databricks.delta.commitInfo.userMetadata", str(mark))
        _merge_rejects(session, store, duplicates, rows.columns, batch)
        return _own_commit(store, mark, version)
    finally:
        session.conf.unset("spark.databricks.delta.commitInfo.userMetadata")
        duplicates.unpersist()


def _merge_rejects(
    session: SparkSession, store: Store, duplicates: DataFrame, columns: list[str], batch: int
) -> None:
    from delta.tables import DeltaTable

    changes: dict[str, str | Column] = {
        "reject_reason": F.lit("duplicate_id"),
        DROPPED: F.lit(True),
        FAILED_RULES: F.array_union(F.array(F.lit(READABLE[0])), F.col(f"t.{FAILED_RULES}")),
    }
    changes |= {name: F.lit(None) for name in HEAVY_COLUMNS & set(columns)}
    (
        DeltaTable.forPath(session, store.path)
        .alias("t")
        .merge(
            duplicates.alias("d"),
            f"t.{BATCH} = {batch} AND t.file = d.file AND t.position = d.position",
        )
        .whenMatchedUpdate(condition="t.reject_reason IS NULL", set=changes)
        .execute()
    )


def _count(rows: DataFrame, rules: tuple[Rule, ...]) -> tuple[int, int, tuple[RuleCount, ...]]:
    """Return how many rows are kept and dropped, and how many failed each rule.

    One pass over the verdicts; at most two rows a rule come back, and two more.
    """
    dropping = [rule.name for rule in rules if rule.action is Action.DROP]
    found = rows.sparkSession.sql(COUNTS, args={"dropping": dropping}, rows=rows).collect()
    sums: dict[str | None, Counter[str]] = {rule.name: Counter() for rule in rules}
    for row in found:
        counts = {name: row[name] for name in ("failed", "failed_alone", "failed_first")}
        sums.setdefault(row["rule"], Counter()).update(counts)
    return (
        sum(row["failed_first"] for row in found if not row[DROPPED]),
        sum(row["failed_first"] for row in found if row[DROPPED]),
        tuple(
            RuleCount(rule.name, rule.condition, rule.action.value, **sums[rule.name])
            for rule in rules
        ),
    )


def added(before: tuple[RuleCount, ...], now: tuple[RuleCount, ...]) -> tuple[RuleCount, ...]:
    """Return the counts of a version that grew: those before it and those of its new batch."""
    known = {item.rule: item for item in before}
    return tuple(
        replace(
            item,
            failed=item.failed + known[item.rule].failed,
            failed_alone=item.failed_alone + known[item.rule].failed_alone,
            failed_first=item.failed_first + known[item.rule].failed_first,
        )
        if item.rule in known
        else item
        for item in now
    )
