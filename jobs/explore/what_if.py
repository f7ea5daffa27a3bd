"""Who would come and go if rules changed: `winnow what-if`, from what a stage stored.

Spark evaluates the new conditions on the stored rows, kept and dropped; of rules that stay as they
are the stored verdicts count. Nothing is built or written. Cost: one pass over the columns that the
conditions name, another over the rows that change. Texts are read only for the examples, and where
a condition names a text itself: dropped rows do not repeat theirs, so the input is joined by id.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.engine.build import stored_rows
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
from winnow.pipeline.model import Action
from winnow.schemas.documents import DROPPED, FAILED_RULES, HEAVY_COLUMNS

_ROWS = "__winnow_rows"
_GROUPED, _BYTES = ("source", "language"), "text_bytes"
_MEASURES = (*_GROUPED, _BYTES)
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

BY_GROUP = """
    SELECT {column} AS name, sum(was) AS kept, sum(back_0) AS come_back, sum(go_0) AS go
    FROM {{counted}}
    GROUP BY {column}
    ORDER BY come_back + go DESC, kept DESC, name
    LIMIT {groups}
"""

BY_OTHER_RULE = """
    SELECT rule, count(*) AS documents, count_if(size(_others) = 1) AS alone
    FROM (SELECT explode(_others) AS rule, _others FROM {rows} WHERE _mended_0 AND NOT _is_0)
    GROUP BY rule
    ORDER BY documents DESC, rule
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
    rows = decided(spark, stage, [changes])
    with explained(stage, changes):
        values = _values(stage, changes)
        groups = [name for name in _GROUPED if name in rows.columns]
        counted = _counted(rows, [changes], groups).cache()
        wanted = {"id", *_MEASURES, *(path[0] for path in values)}
        moved = _slim(rows, "_was <> _is_0 OR _mended_0", wanted).cache()
        try:
            moved.count()  # what is in memory has a known size: joins send it around
            measured = _measured(spark, stage, moved)
            return {
                **_asked(stage, changes),
                **_totals(counted, [changes])[0],
                **_sizes(measured, 1)[0],
                "still_dropped": _records(spark.sql(BY_OTHER_RULE, rows=moved)),
                "by": _groups(spark, counted, measured),
                "examples": {
                    "come_back": _examples(stage, moved.where("_is_0 AND NOT _was"), values),
                    "go": _examples(stage, moved.where("_was AND NOT _is_0"), values),
                },
                "downstream": _downstream(spark, stage, moved.where("_was AND NOT _is_0")),
            }
        finally:
            moved.unpersist()
            counted.unpersist()


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
    rows = decided(spark, stage, alternatives)
    with explained(stage, [one for alternative in alternatives for one in alternative]):
        totals = _totals(_counted(rows, alternatives, []), alternatives)
        anybody = " OR ".join(f"_was <> _is_{i}" for i in range(len(alternatives)))
        moved = _slim(rows, anybody, {"id", _BYTES}).cache()
        try:
            moved.count()  # as in what_if
            sizes = _sizes(_measured(spark, stage, moved), len(alternatives))
        finally:
            moved.unpersist()
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


def decided(
    spark: SparkSession, stage: Stage, alternatives: Sequence[Sequence[Change]]
) -> DataFrame:
    """Return the stage's rows, each with who is kept now and under each alternative.

    Args:
        spark: the session.
        stage: the stage.
        alternatives: lists of changes of the same rules.

    Returns:
        The stored columns and `_was` (kept now), `_others` (unchanged rules that drop the row) and
        for each alternative i `_is_i` (kept then), `_mended_i` (a changed rule dropped it and would
        not any more) and for its change j `_holds_i_j`.

    Raises:
        CommandError: a condition cannot be analysed, or is no Boolean.
    """
    every = [one for alternative in alternatives for one in alternative]
    rows = _with_texts(
        spark, stage, stored_rows(spark, stage.catalog.warehouse, stage.version), every
    )
    rows.createOrReplaceTempView(_ROWS)
    flags = []
    for i, alternative in enumerate(alternatives):
        for j, one in enumerate(alternative):
            _check(spark, stage, one)
            flags.append(f"coalesce(({one.condition}\n), false) AS _holds_{i}_{j}")
    found = spark.sql(f"SELECT {', '.join(['*', *flags])} FROM {_ROWS}", args=stage.parameters)
    dropping = [row["rule"] for row in stage.rules if row["action"] == Action.DROP.value]
    changed = {one.rule for one in alternatives[0] if one.action == Action.DROP.value}
    rest = F.array(*(F.lit(name) for name in dropping if name not in changed))
    ours = F.array(*(F.lit(name) for name in sorted(changed)))
    failed = F.col(FAILED_RULES)
    decisions: dict[str, Column] = {
        "_was": ~F.col(DROPPED),
        "_others": F.array_intersect(failed, rest.cast("array<string>")),
    }
    found = found.withColumns(decisions)
    for i, alternative in enumerate(alternatives):
        holds = F.lit(True)
        for j, one in enumerate(alternative):
            if one.action == Action.DROP.value:
                holds = holds & F.col(f"_holds_{i}_{j}")
        was_ours = F.arrays_overlap(failed, ours.cast("array<string>"))
        found = found.withColumns(
            {f"_is_{i}": (F.size("_others") == 0) & holds, f"_mended_{i}": was_ours & holds}
        )
    return found


def _check(spark: SparkSession, stage: Stage, one: Change) -> None:
    """Make sure that a condition is a Boolean over the stage's columns."""
    text = f"SELECT ({one.condition}\n) AS holds FROM {_ROWS}"
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


def _measured(spark: SparkSession, stage: Stage, rows: DataFrame) -> DataFrame:
    """Return rows with source, language and size, of the nearest input that has what they lack."""
    missing: dict[str, list[str]] = {}
    sources: dict[str, Version] = {}
    for name in _MEASURES:
        source = _holder(stage, name) if name not in rows.columns else None
        if source is not None:
            sources[source.table] = source
            missing.setdefault(source.table, []).append(name)
    for table, names in missing.items():
        stored = stored_rows(spark, stage.catalog.warehouse, sources[table])
        columns = ", ".join(f"max(input.{name}) AS {name}" for name in names)
        found = spark.sql(OF_THESE.format(columns=columns), input=stored, rows=rows)
        listed = ", ".join(f"input.{name}" for name in names)
        rows = spark.sql(WITH_COLUMNS.format(names=listed), rows=rows, input=found)
    return rows


def _asked(stage: Stage, changes: Sequence[Change]) -> dict[str, Any]:
    return {
        "table": stage.version.table,
        "version": stage.version.version,
        "unit": "documents" if "id" in stage.version.columns else "rows",
        "changes": [asdict(one) for one in changes],
    }


def _counted(
    rows: DataFrame, alternatives: Sequence[Sequence[Change]], groups: Sequence[str]
) -> DataFrame:
    """Count who is kept, comes back and goes by group: one pass over what conditions name."""
    counts = [F.count(F.lit(1)).alias("rows"), *_moves(len(alternatives))]
    for i, alternative in enumerate(alternatives):
        counts += [
            F.count_if(~F.col(f"_holds_{i}_{j}")).alias(f"failed_{i}_{j}")
            for j in range(len(alternative))
        ]
    return rows.groupBy(*groups).agg(*counts)


def _moves(alternatives: int) -> list[Column]:
    counts = [F.count_if("_was").alias("was")]
    for i in range(alternatives):
        was, then = F.col("_was"), F.col(f"_is_{i}")
        counts.append(F.count_if(then & ~was).alias(f"back_{i}"))
        counts.append(F.count_if(was & ~then).alias(f"go_{i}"))
    return counts


def _totals(counted: DataFrame, alternatives: Sequence[Sequence[Change]]) -> list[dict[str, Any]]:
    """Add up groups."""
    names = [name for name in counted.columns if name not in _GROUPED]
    row = counted.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in names)).first()
    assert row is not None  # an aggregate without groups has one row
    found = row.asDict()
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


def _sizes(moved: DataFrame, alternatives: int) -> list[dict[str, int | None]]:
    """Return the bytes of text that come back and go; None where nothing measured them."""
    if _BYTES not in moved.columns:
        return [{"come_back_bytes": None, "go_bytes": None} for _ in range(alternatives)]
    sums = []
    for i in range(alternatives):
        was, then = F.col("_was"), F.col(f"_is_{i}")
        sums.append(F.sum(F.when(then & ~was, F.col(_BYTES))).alias(f"back_{i}"))
        sums.append(F.sum(F.when(was & ~then, F.col(_BYTES))).alias(f"go_{i}"))
    found = moved.agg(*sums).first()
    assert found is not None  # as above
    return [
        {"come_back_bytes": found[f"back_{i}"] or 0, "go_bytes": found[f"go_{i}"] or 0}
        for i in range(alternatives)
    ]


def _groups(spark: SparkSession, counted: DataFrame, measured: DataFrame) -> dict[str, Any]:
    """Return those who move by source and by language; kept now, where the stage stores both."""
    found = {}
    for name in _GROUPED:
        query = BY_GROUP.format(column=name, groups=GROUPS)
        if name in counted.columns:
            found[name] = _records(spark.sql(query, counted=counted))
        elif name in measured.columns:
            moves = measured.groupBy(name).agg(*_moves(1))
            found[name] = _records(spark.sql(query, counted=moves).drop("kept"))
    return found


def _records(rows: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in rows.collect()]


def _values(stage: Stage, changes: Sequence[Change]) -> list[Path]:
    """Return the columns that the conditions name, before and after."""
    known = set(stage.version.columns)
    conditions = (text for one in changes for text in (one.before, one.condition) if text)
    found = dict.fromkeys(path for text in conditions for path in columns_of(text, known))
    return [path for path in found if path[0] in known]


def _examples(stage: Stage, rows: DataFrame, values: Sequence[Path]) -> list[Any]:
    """Return some documents, the same ones each time but in no order that says anything."""
    if "id" not in rows.columns:
        return []
    chosen = rows.orderBy(F.xxhash64("id"), "id").limit(EXAMPLES)
    found = [row.asDict(recursive=True) for row in chosen.collect()]
    texts = texts_of(stage.catalog, stage.version, [row["id"] for row in found])
    return [
        {
            "id": row["id"],
            "source": row.get("source"),
            "values": {".".join(path): value_at(row, path) for path in values},
            "text": texts.get(row["id"]),
        }
        for row in found
    ]


def _downstream(spark: SparkSession, stage: Stage, gone: DataFrame) -> list[dict[str, Any]]:
    """Return how many of those who go are kept further on, table by table.

    Where one stands for others (`kept_id`, `copies`), one of these may take its place.
    """
    found = []
    for version in descendants(stage.catalog, stage.version):
        entry: dict[str, Any] = {"table": version.table, "kind": version.kind}
        if not version.is_view and "id" in version.columns and "id" in gone.columns:
            stored = stored_rows(spark, stage.catalog.warehouse, version)
            stands = _STANDS if {"kept_id", "copies"} <= set(version.columns) else "0"
            query = DOWNSTREAM.format(stands=stands)
            entry |= _records(spark.sql(query, stage=stored, gone=gone.select("id")))[0]
        found.append(entry)
    return found
