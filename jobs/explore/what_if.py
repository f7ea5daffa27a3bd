"""Who would come and go if rules changed: `winnow what-if`, from what a stage stored.

Spark evaluates the new conditions on the stored rows, kept and dropped; of rules that stay as they
are the stored verdicts count. Nothing is built or written. Cost: one pass over the columns that the
conditions name, another over the rows that change. Texts are read only for the examples, and where
a condition names a text itself: dropped rows do not repeat theirs, so the input is joined by id.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.engine.failures import cause
from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog, inputs_of
from winnow.explore.conditions import Path, columns_of, value_at
from winnow.explore.history import parameters_of
from winnow.explore.life import rules_of
from winnow.explore.lineage import descendants, nearest
from winnow.explore.previews import EXAMPLES, GROUPS, texts_of
from winnow.explore.rule_changes import Change, Sweep, change, names_in
from winnow.explore.stored_in_spark import stored_rows
from winnow.pipeline.model import Action
from winnow.schemas.documents import DROPPED, FAILED_RULES, HEAVY_COLUMNS

_VIEW = "__winnow_rows"
_GROUPED, _BYTES = ("source", "language"), "text_bytes"
_MEASURES = (*_GROUPED, _BYTES)
_HOLDS, _ROWS = "_holds_", "_rows"  # a condition's verdict; for how many rows one stands
_DECISIONS = ("_was", "_is", "_mended", "_others")

# A dropped row's text, where it stands in the input alone.
WITH_TEXT = """
    SELECT rows.* EXCEPT ({name}), coalesce(rows.{name}, input.{name}) AS {name}
    FROM {{rows}} AS rows
    LEFT JOIN {{input}} AS input ON rows._dropped AND rows.{name} IS NULL AND input.id = rows.id
"""

# What a stage does not store of a document: its input's columns. Ids repeat in no join.
OF_THESE = """
    SELECT input.id, {columns} FROM {{input}} AS input
    LEFT SEMI JOIN {{rows}} AS rows ON rows.id = input.id
    WHERE NOT input._dropped
    GROUP BY input.id
"""
WITH_COLUMNS = """
    SELECT rows.*, {names} FROM {{rows}} AS rows LEFT JOIN {{input}} AS input ON input.id = rows.id
"""

# Of all rows, and of those groups of each column that change most.
LARGEST = """
    SELECT * FROM {{counted}}
    QUALIFY row_number() OVER (
        PARTITION BY grouped ORDER BY back_0 + go_0 DESC, was DESC, name
    ) <= {groups}
    ORDER BY grouped, back_0 + go_0 DESC, was DESC, name
"""

CHOSEN = """
    SELECT * FROM {{rows}}
    WHERE _was <> _is_0
    QUALIFY row_number() OVER (PARTITION BY _was ORDER BY xxhash64(id), id) <= {examples}
    ORDER BY xxhash64(id), id
"""

DOWNSTREAM = """
    SELECT count(*) AS documents, {stands} AS stand_for_others
    FROM {{stage}} AS stage
    LEFT SEMI JOIN {{gone}} AS gone ON gone.id = stage.id
    WHERE NOT stage._dropped
"""
_STANDS = "count_if(stage.kept_id = stage.id AND stage.copies > 1)"


@dataclass(frozen=True)
class Stage:
    """A published stage whose rules are asked about."""

    catalog: Catalog
    version: Version
    rules: list[dict[str, Any]]
    parameters: dict[str, Any]  # of the run that built it, as conditions name them

    @classmethod
    def of(cls, catalog: Catalog, version: Version) -> "Stage":
        """Return the stage of a published version.

        Raises:
            CommandError: it stores no rows.
        """
        if version.is_view:
            reads = ", ".join(f"`{name}`" for name in inputs_of(version))
            raise CommandError(
                f"`{version.table}` is a view: it has no rules. Ask about what it reads: {reads}"
            )
        return cls(catalog, version, rules_of(catalog, version), parameters_of(catalog, version))

    def changed(self, rules: Sequence[tuple[str, str]]) -> list[Change]:
        """Return the changes of named rules.

        Raises:
            CommandError: a name or a condition is wrong, or a rule is named twice.
        """
        known = {row["rule"] for row in self.rules}
        for name, _ in rules:
            if name in self.parameters and name not in known:
                raise CommandError(
                    f"`{name}` is a parameter, and what-if changes rules "
                    f"({', '.join(sorted(known)) or 'here there are none'}). Another value: "
                    f"winnow run {self.version.pipeline} --set {name}=... --limit 1000"
                )
        found = [change(name, condition, self.rules) for name, condition in rules]
        names = [one.rule for one in found]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise CommandError(f"rule `{twice}` is changed twice; a sweep takes --sweep")
        return found


def what_if(spark: SparkSession, stage: Stage, changes: Sequence[Change]) -> dict[str, Any]:
    """Return who would come back and who would go, and what is known of what follows.

    Raises:
        CommandError: Spark cannot evaluate a condition on the stage's columns.
    """
    verdicts = held(spark, stage, [changes])
    rows = decided(stage, verdicts, [changes])
    with explained(stage, changes):
        values = _values(stage, changes)
        wanted = {"id", *_MEASURES, *(path[0] for path in values)}
        moved = _slim(rows, "_was <> _is_0 OR _mended_0", wanted)
        elsewhere = _elsewhere(stage, rows, _MEASURES)
        further = descendants(stage.catalog, stage.version)
        joined = bool(elsewhere) or any(not version.is_view for version in further)
        alike = decided(stage, _alike(verdicts), [changes])
        with _in_memory(alike), _in_memory(moved) if joined else nullcontext():
            if joined:
                moved.count()  # what is in memory has a known size: joins send it around
            unchanged = _unchanged(stage, changes)
            counted, measured = _counted(spark, alike, [changes], unchanged), []
            if elsewhere:
                measured = _counted(spark, _measured(spark, stage, moved, elsewhere), [[]])
            return {
                **_asked(stage, changes),
                **_totals(counted, [changes])[0],
                **_sizes(measured or counted, 1)[0],
                "still_dropped": _still_dropped(counted, unchanged),
                "by": by_group(counted, measured),
                "examples": _examples(spark, stage, moved, values),
                "downstream": _downstream(spark, stage, further, moved),
            }


def sweep(
    spark: SparkSession, stage: Stage, changes: Sequence[Change], swept: Sweep
) -> dict[str, Any]:
    """Return for each value of a sweep who would come back and who would go.

    Args:
        spark: the session.
        stage: the stage.
        changes: of other rules, that hold for all values.
        swept: the rule whose condition varies.

    Raises:
        CommandError: a name or a condition is wrong.
    """
    plain = [(one.rule, one.condition) for one in changes]
    alternatives = [
        stage.changed([*plain, (swept.rule, swept.condition(value))]) for value in swept.values
    ]
    verdicts = held(spark, stage, alternatives)
    rows = decided(stage, verdicts, alternatives)
    with explained(stage, [one for alternative in alternatives for one in alternative]):
        counted = _counted(spark, decided(stage, _alike(verdicts), alternatives), alternatives)
        totals = _totals(counted, alternatives)
        elsewhere = _elsewhere(stage, rows, [_BYTES])
        if elsewhere:
            anybody = " OR ".join(f"_was <> _is_{i}" for i in range(len(alternatives)))
            moved = _slim(rows, anybody, {"id"})
            with _in_memory(moved):
                moved.count()  # as in what_if
                measured = _measured(spark, stage, moved, elsewhere)
                counted = _counted(spark, measured, [[] for _ in alternatives])
        sizes = _sizes(counted, len(alternatives))
    now = alternatives[0][-1].before
    return {
        **_asked(stage, changes),
        "rule": swept.rule,
        "condition": swept.template,
        "now": now,
        "values": [
            {
                "value": value,
                "condition": alternative[-1].condition,
                "is_now": alternative[-1].condition.split() == (now or "").split(),
                **total,
                **size,
            }
            for value, alternative, total, size in zip(
                swept.values, alternatives, totals, sizes, strict=True
            )
        ],
    }


def held(spark: SparkSession, stage: Stage, alternatives: Sequence[Sequence[Change]]) -> DataFrame:
    """Return the stage's rows, each with which changed conditions it holds.

    Args:
        spark: the session.
        stage: the stage.
        alternatives: lists of changes of the same rules.

    Returns:
        The stored columns and `_holds_i_j` for the change j of alternative i.

    Raises:
        CommandError: a condition cannot be analysed, or is no Boolean.
    """
    every = [one for alternative in alternatives for one in alternative]
    rows = _with_texts(
        spark, stage, stored_rows(spark, stage.catalog.warehouse, stage.version), every
    )
    rows.createOrReplaceTempView(_VIEW)
    flags = []
    for i, alternative in enumerate(alternatives):
        for j, one in enumerate(alternative):
            _check(spark, stage, one)
            flags.append(f"coalesce(({one.condition}\n), false) AS {_HOLDS}{i}_{j}")
    return spark.sql(f"SELECT {', '.join(['*', *flags])} FROM {_VIEW}", args=stage.parameters)


def decided(stage: Stage, rows: DataFrame, alternatives: Sequence[Sequence[Change]]) -> DataFrame:
    """Add to rows of `held` what follows from the stored verdicts and the changed conditions.

    Returns:
        Also `_was` (kept now), `_others` (unchanged rules that drop the row) and for each
        alternative i `_is_i` (kept then) and `_mended_i` (a changed rule dropped it and would not
        any more).
    """
    changed = {one.rule for one in alternatives[0] if one.action == Action.DROP.value}
    rest = F.array(*map(F.lit, _unchanged(stage, alternatives[0])))
    ours = F.array(*map(F.lit, sorted(changed)))
    failed = F.col(FAILED_RULES)
    decisions: dict[str, Column] = {
        "_was": ~F.col(DROPPED),
        "_others": F.array_intersect(failed, rest.cast("array<string>")),
    }
    found = rows.withColumns(decisions)
    for i, alternative in enumerate(alternatives):
        holds = F.lit(True)
        for j, one in enumerate(alternative):
            if one.action == Action.DROP.value:
                holds = holds & F.col(f"{_HOLDS}{i}_{j}")
        was_ours = F.arrays_overlap(failed, ours.cast("array<string>"))
        found = found.withColumns(
            {f"_is_{i}": (F.size("_others") == 0) & holds, f"_mended_{i}": was_ours & holds}
        )
    return found


def _unchanged(stage: Stage, changes: Sequence[Change]) -> list[str]:
    """Return the rules that drop and stay as they are, in file order."""
    changed = {one.rule for one in changes}
    dropping = [row["rule"] for row in stage.rules if row["action"] == Action.DROP.value]
    return [name for name in dropping if name not in changed]


def _check(spark: SparkSession, stage: Stage, one: Change) -> None:
    """Make sure that a condition is a Boolean over the stage's columns."""
    text = f"SELECT ({one.condition}\n) AS holds FROM {_VIEW}"
    with explained(stage, [one]):
        kind = spark.sql(text, args=stage.parameters).schema["holds"].dataType
    if kind.typeName() not in ("boolean", "void"):
        raise CommandError(
            f"rule `{one.rule}` has a condition of type {kind.simpleString().upper()}: "
            f"{one.condition}. A condition is a Boolean, e.g. `words >= 50`"
        )


@contextmanager
def explained(stage: Stage, changes: Sequence[Change]) -> Iterator[None]:
    """Raise what Spark says of conditions as one message that lists the stage's columns."""
    try:
        yield
    except PySparkException as error:
        rules = ", ".join(dict.fromkeys(f"`{one.rule}`" for one in changes))
        message = f"rule {rules}: {cause(error)}"
        if isinstance(error, ParseException):  # what follows the condition may be what it names
            said = "; ".join(dict.fromkeys(one.condition for one in changes))
            message = f"rule {rules} has a condition that does not parse: {said}\n{cause(error)}"
        if isinstance(error, AnalysisException):  # ParseException is one, too
            message += (
                f"\n`{stage.version.table}` has the columns {', '.join(stage.version.columns)}"
            )
            if stage.parameters:
                message += f"\nand the parameters :{', :'.join(stage.parameters)}"
        raise CommandError(message) from None


def _with_texts(
    spark: SparkSession, stage: Stage, rows: DataFrame, changes: Sequence[Change]
) -> DataFrame:
    """Give dropped rows the texts that conditions name, where only an input has them."""
    named = names_in(one.condition for one in changes) & HEAVY_COLUMNS & set(rows.columns)
    for name in sorted(named):
        stored = rows.where(F.col(DROPPED) & F.col(name).isNotNull())
        source = _holder(stage, name)
        if source is not None and stored.isEmpty():
            texts = stored_rows(spark, stage.catalog.warehouse, source)
            found = spark.sql(
                OF_THESE.format(columns=f"max(input.{name}) AS {name}"),
                input=texts,
                rows=rows.where(DROPPED),
            )
            rows = spark.sql(WITH_TEXT.format(name=name), rows=rows, input=found)
    return rows


def _holder(stage: Stage, column: str) -> Version | None:
    """Return the nearest input with this column of documents."""
    if "id" not in stage.version.columns:
        return None
    return nearest(stage.catalog, stage.version, column)


def _slim(rows: DataFrame, condition: str, columns: Set[str]) -> DataFrame:
    """Return the rows that hold a condition with these columns and the decisions alone."""
    kept = [one for one in rows.columns if one in columns or one.startswith(_DECISIONS)]
    return rows.where(condition).select(*kept)


def _elsewhere(stage: Stage, rows: DataFrame, columns: Sequence[str]) -> dict[str, Version]:
    """Return for columns that the rows lack the nearest input that has each."""
    found = {name: _holder(stage, name) for name in columns if name not in rows.columns}
    return {name: version for name, version in found.items() if version is not None}


def _measured(
    spark: SparkSession, stage: Stage, rows: DataFrame, elsewhere: Mapping[str, Version]
) -> DataFrame:
    """Return rows with columns of inputs, each row for itself."""
    for version in {version.table: version for version in elsewhere.values()}.values():
        names = [name for name, one in elsewhere.items() if one.table == version.table]
        columns = ", ".join(f"max(input.{name}) AS {name}" for name in names)
        stored = stored_rows(spark, stage.catalog.warehouse, version)
        found = spark.sql(OF_THESE.format(columns=columns), input=stored, rows=rows)
        listed = ", ".join(f"input.{name}" for name in names)
        rows = spark.sql(WITH_COLUMNS.format(names=listed), rows=rows, input=found)
    return rows.withColumn(_ROWS, F.lit(1))


@contextmanager
def _in_memory(rows: DataFrame) -> Iterator[None]:
    """Keep rows for several queries."""
    rows.cache()
    try:
        yield
    finally:
        rows.unpersist()


def _asked(stage: Stage, changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "table": stage.version.table,
        "version": stage.version.version,
        "unit": "documents" if "id" in stage.version.columns else "rows",
        "changes": [asdict(one) for one in changes],
    }


def _alike(rows: DataFrame) -> DataFrame:
    """Return one row for all those with the same verdicts and group: how many, and their bytes.

    All that is counted follows from it, so that rows are read once.
    """
    same = [FAILED_RULES, DROPPED, *_GROUPED]
    names = [name for name in rows.columns if name in same or name.startswith(_HOLDS)]
    totals = [F.count(F.lit(1)).alias(_ROWS)]
    if _BYTES in rows.columns:
        totals.append(F.sum(_BYTES).alias(_BYTES))
    return rows.groupBy(*names).agg(*totals)


def _counted(
    spark: SparkSession,
    rows: DataFrame,
    alternatives: Sequence[Sequence[Change]],
    unchanged: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Count who is kept, comes back and goes, in all and by group: one pass.

    Args:
        spark: the session.
        rows: of `decided`.
        alternatives: lists of changes of the same rules.
        unchanged: rules of which is counted, too, whom they still drop under alternative 0.

    Returns:
        A row for all (`grouped` is None), and one for each source and language, where rows have
        them, among those that change most.
    """
    groups = [name for name in _GROUPED if name in rows.columns]
    grouped = [F.when(F.grouping(name) == 0, F.lit(name)) for name in groups]
    names = [F.col(name).cast("string") for name in groups]
    counts = [_sum(F.lit(True)).alias("rows"), _sum(F.col("_was")).alias("was")]
    for i, alternative in enumerate(alternatives):
        was, then = F.col("_was"), F.col(f"_is_{i}")
        for name, those in (("back", then & ~was), ("go", was & ~then)):
            counts.append(_sum(those).alias(f"{name}_{i}"))
            if _BYTES in rows.columns:
                counts.append(_sum(those, _BYTES).alias(f"{name}_bytes_{i}"))
        for j in range(len(alternative)):
            counts.append(_sum(~F.col(f"{_HOLDS}{i}_{j}")).alias(f"failed_{i}_{j}"))
    for k, rule in enumerate(unchanged):
        still = F.col("_mended_0") & F.array_contains("_others", rule)
        counts.append(_sum(still).alias(f"still_{k}"))
        counts.append(_sum(still & (F.size("_others") == 1)).alias(f"alone_{k}"))
    counted = rows.groupingSets([[], *([name] for name in groups)], *groups).agg(
        F.coalesce(*grouped, F.lit(None)).alias("grouped"),
        F.coalesce(*names, F.lit(None)).alias("name"),
        *counts,
    )
    found = _records(spark.sql(LARGEST.format(groups=GROUPS), counted=counted))
    if not found:
        found = [dict.fromkeys(counted.columns, 0) | {"grouped": None, "name": None}]
    return found


def _sum(those: Column, column: str = _ROWS) -> Column:
    return F.coalesce(F.sum(F.when(those, F.col(column))), F.lit(0))


def _in_all(counted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return next(row for row in counted if row["grouped"] is None)


def _totals(
    counted: Sequence[dict[str, Any]], alternatives: Sequence[Sequence[Change]]
) -> list[dict[str, Any]]:
    """Return what is counted in all for each alternative."""
    found = _in_all(counted)
    return [
        {
            "rows": found["rows"],
            "kept_now": found["was"],
            "kept": found["was"] + found[f"back_{i}"] - found[f"go_{i}"],
            "come_back": found[f"back_{i}"],
            "go": found[f"go_{i}"],
            "failed": {one.rule: found[f"failed_{i}_{j}"] for j, one in enumerate(alternative)},
        }
        for i, alternative in enumerate(alternatives)
    ]


def _still_dropped(
    counted: Sequence[dict[str, Any]], unchanged: Sequence[str]
) -> list[dict[str, Any]]:
    """Return which rules drop how many that a changed rule would not any more."""
    found = _in_all(counted)
    rows = [
        {"rule": rule, "documents": found[f"still_{k}"], "alone": found[f"alone_{k}"]}
        for k, rule in enumerate(unchanged)
    ]
    return sorted((row for row in rows if row["documents"]),
                  key=lambda row: (-row["documents"], row["rule"]))  # fmt: skip


def _sizes(counted: Sequence[dict[str, Any]], alternatives: int) -> list[dict[str, int | None]]:
    """Return the bytes of text that come back and go; None where nothing measured them."""
    found = _in_all(counted)
    return [
        {
            "come_back_bytes": found.get(f"back_bytes_{i}"),
            "go_bytes": found.get(f"go_bytes_{i}"),
        }
        for i in range(alternatives)
    ]


def by_group(
    counted: Sequence[dict[str, Any]], measured: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return those who move by source and by language; kept now, where the stage stores both.

    Args:
        counted: of all rows, by what the stage stores.
        measured: of those that move, by what an input stores, too.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for group in _GROUPED:
        stored = [row for row in counted if row["grouped"] == group]
        rows = stored or [row for row in measured if row["grouped"] == group]
        if rows:
            found[group] = [
                {
                    "name": row["name"],
                    **({"kept": row["was"]} if stored else {}),
                    "come_back": row["back_0"],
                    "go": row["go_0"],
                }
                for row in rows
            ]
    return found


def _records(rows: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in rows.collect()]


def _values(stage: Stage, changes: Sequence[Change]) -> list[Path]:
    """Return the columns that the conditions name, before and after."""
    known = set(stage.version.columns)
    conditions = (text for one in changes for text in (one.before, one.condition) if text)
    found = dict.fromkeys(path for text in conditions for path in columns_of(text, known))
    return [path for path in found if path[0] in known]


def _examples(
    spark: SparkSession, stage: Stage, rows: DataFrame, values: Sequence[Path]
) -> dict[str, list[Any]]:
    """Return some documents each way, the same each time but in no order that says anything."""
    found: dict[str, list[Any]] = {"come_back": [], "go": []}
    if "id" not in rows.columns:
        return found
    chosen = spark.sql(CHOSEN.format(examples=EXAMPLES), rows=rows).collect()
    documents = [row.asDict(recursive=True) for row in chosen]
    texts = texts_of(stage.catalog, stage.version, [row["id"] for row in documents])
    for row in documents:
        found["go" if row["_was"] else "come_back"].append(
            {
                "id": row["id"],
                "source": row.get("source"),
                "values": {".".join(path): value_at(row, path) for path in values},
                "text": texts.get(row["id"]),
            }
        )
    return found


def _downstream(
    spark: SparkSession, stage: Stage, tables: Sequence[Version], gone: DataFrame
) -> list[dict[str, Any]]:
    """Return how many of those who go are kept further on, table by table.

    Where one stands for others (`kept_id`, `copies`), one of these may take its place.
    """
    found = []
    for version in tables:
        entry: dict[str, Any] = {"table": version.table, "kind": version.kind}
        if not version.is_view and "id" in version.columns and "id" in gone.columns:
            stored = stored_rows(spark, stage.catalog.warehouse, version)
            stands = _STANDS if {"kept_id", "copies"} <= set(version.columns) else "0"
            query = DOWNSTREAM.format(stands=stands)
            entry |= _records(
                spark.sql(query, stage=stored, gone=gone.where("_was AND NOT _is_0").select("id"))
            )[0]
        found.append(entry)
    return found
