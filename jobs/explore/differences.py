"""What changed between two versions of a table, and why: `winnow diff TABLE V1 V2`.

Rows are compared by DuckDB, verdicts as they are stored, in one join over ids; no JVM and no texts.
The cause comes from the control tables: what went into both definitions, and from which inputs.
"""

import difflib
from typing import Any

import duckdb

from winnow.engine.registry import Input, Version
from winnow.explore.catalog import Catalog, qualified
from winnow.explore.history import parameters_of, state_of
from winnow.explore.life import rules_of
from winnow.explore.stored import dataset
from winnow.schemas.documents import HEAVY_COLUMNS, READABLE

EXAMPLES, GROUPS = 5, 20
SHARED = ("source", "language", "licence")  # whose shares are compared
KEYS = (("id",), ("id_a", "id_b"))  # by which rows of two versions are the same

# A record that could not be read may have an id that is another's.
READ = """
    CREATE VIEW {name} AS
    SELECT * FROM {name}_stored WHERE NOT list_contains(_failed_rules, '{readable}')
"""
REJECTS = """
    SELECT count(*) AS rejects
    FROM {name}_stored WHERE list_contains(_failed_rules, '{readable}')
"""
JOINED = """
    CREATE TEMP TABLE joined AS
    SELECT
        {key},
        before._dropped AS dropped_before,
        after._dropped AS dropped_after,
        before._failed_rules AS failed_before,
        after._failed_rules AS failed_after,
        before._dropped IS NULL AS is_new,
        after._dropped IS NULL AS is_gone,
        {changed}
    FROM before FULL JOIN after ON {same}
"""
# What may become of a row between two versions.
MOVES = {
    "added_kept": "is_new AND NOT dropped_after",
    "added_dropped": "is_new AND dropped_after",
    "removed_kept": "is_gone AND NOT dropped_before",
    "removed_dropped": "is_gone AND dropped_before",
    "came_back": "dropped_before AND NOT dropped_after",
    "went": "dropped_after AND NOT dropped_before",
    "stayed": "NOT dropped_after AND NOT dropped_before",
    "stayed_dropped": "dropped_after AND dropped_before",
}
BY_RULE = """
    WITH verdicts AS (
        SELECT
            unnest(list_filter(failed_after, lambda r: r NOT IN failed_before)) AS rule,
            true AS broken,
            dropped_after AND NOT dropped_before AS moved
        FROM joined
        WHERE NOT is_new AND NOT is_gone
        UNION ALL
        SELECT
            unnest(list_filter(failed_before, lambda r: r NOT IN failed_after)),
            false,
            dropped_before AND NOT dropped_after
        FROM joined
        WHERE NOT is_new AND NOT is_gone
    )
    SELECT
        rule,
        count(*) FILTER (broken) AS newly,
        count(*) FILTER (NOT broken) AS no_longer,
        count(*) FILTER (broken AND moved) AS went,
        count(*) FILTER (NOT broken AND moved) AS came_back
    FROM verdicts
    GROUP BY rule
    ORDER BY count(*) DESC, rule
"""
SHARES = """
    WITH counted AS (
        SELECT name, sum(before)::BIGINT AS before, sum(after)::BIGINT AS after
        FROM (
            SELECT {column} AS name, 1 AS before, 0 AS after FROM before WHERE NOT _dropped
            UNION ALL
            SELECT {column}, 0, 1 FROM after WHERE NOT _dropped
        ) GROUP BY name
    )
    SELECT name, before, after,
        before / nullif(sum(before) OVER (), 0) AS share_before,
        after / nullif(sum(after) OVER (), 0) AS share_after
    FROM counted
    ORDER BY abs(coalesce(share_after, 0) - coalesce(share_before, 0)) DESC, after DESC, name
    LIMIT {groups}
"""
EXAMPLE = "SELECT {key} FROM joined WHERE {which} ORDER BY md5({first}), {key} LIMIT {most}"


def diff(catalog: Catalog, table: str, before: str, after: str) -> dict[str, Any]:
    """Return what changed between two versions of a table, and what caused it.

    Args:
        catalog: what is published.
        table: `pipeline.stage`.
        before: a version's number, also as `v3`.
        after: another one.

    Raises:
        CommandError: there is no such table or version, or it is a view, which stores no rows.
    """
    old, new = catalog.version(table, before), catalog.version(table, after)
    facts = {
        "table": old.table,
        "before": _version(catalog, old),
        "after": _version(catalog, new),
        "causes": causes(catalog, old, new),
    }
    if old.is_view or new.is_view:
        return {**facts, "rows": None}
    return {**facts, "rows": _rows(catalog, old, new)}


def _version(catalog: Catalog, version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "state": state_of(catalog, version),
        "run": version.run,
        "built_at": version.committed,
        "rows_kept": version.rows_kept,
        "rows_dropped": version.rows_dropped,
    }


# -- rows --------------------------------------------------------------------------------------


def _rows(catalog: Catalog, old: Version, new: Version) -> dict[str, Any]:
    engine = duckdb.connect()
    for name, version in (("before", old), ("after", new)):
        engine.register(f"{name}_stored", dataset(catalog.warehouse, version))
        engine.execute(READ.format(name=name, readable=READABLE[0]))
    columns = [set(version.columns) for version in (old, new)]
    both = columns[0] & columns[1]
    found: dict[str, Any] = {
        "rejects": {name: _rejects(engine, name) for name in ("before", "after")},
        "columns_added": sorted(columns[1] - columns[0]),
        "columns_removed": sorted(columns[0] - columns[1]),
        "shares": {name: _shares(engine, name) for name in SHARED if name in both},
    }
    key = next((key for key in KEYS if set(key) <= both and _is_unique(engine, key)), None)
    if key is None:
        return {**found, "key": None}
    compared = sorted(both - set(key) - HEAVY_COLUMNS - {"arrival"})
    _join(engine, key, compared)
    return {
        **found,
        "key": list(key),
        **_moves(engine),
        "rules": _records(engine, BY_RULE),
        "values": _values(engine, compared),
        "examples": {name: _examples(engine, key, which) for name, which in MOVES.items()},
    }


def _records(engine: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.sql(query).to_arrow_table().to_pylist()
    return found


def _rejects(engine: duckdb.DuckDBPyConnection, name: str) -> int:
    found = _records(engine, REJECTS.format(name=name, readable=READABLE[0]))
    return int(found[0]["rejects"])


def _is_unique(engine: duckdb.DuckDBPyConnection, key: tuple[str, ...]) -> bool:
    listed = ", ".join(key)
    query = f"SELECT count(*) = count(DISTINCT ({listed})) AS is_unique FROM "
    return all(_records(engine, query + name)[0]["is_unique"] for name in ("before", "after"))


def _join(engine: duckdb.DuckDBPyConnection, key: tuple[str, ...], compared: list[str]) -> None:
    """Put both versions side by side, each with which columns changed; texts are not read."""
    changed = (
        f'before."{name}" IS DISTINCT FROM after."{name}" AS "changed {name}"' for name in compared
    )
    engine.execute(
        JOINED.format(
            key=", ".join(f"coalesce(before.{name}, after.{name}) AS {name}" for name in key),
            same=" AND ".join(f"before.{name} = after.{name}" for name in key),
            changed=", ".join(changed) or "NULL AS nothing",
        )
    )


def _moves(engine: duckdb.DuckDBPyConnection) -> dict[str, int]:
    counts = (f"count(*) FILTER ({which}) AS {name}" for name, which in MOVES.items())
    return _records(engine, f"SELECT {', '.join(counts)} FROM joined")[0]


def _values(engine: duckdb.DuckDBPyConnection, compared: list[str]) -> list[dict[str, Any]]:
    """Return in how many rows of both versions each column has another value."""
    if not compared:
        return []
    counts = (f'count(*) FILTER ("changed {name}") AS "{name}"' for name in compared)
    query = f"SELECT {', '.join(counts)} FROM joined WHERE NOT is_new AND NOT is_gone"
    found = _records(engine, query)[0]
    changed = ({"column": name, "rows": number} for name, number in found.items() if number)
    return sorted(changed, key=lambda one: (-one["rows"], one["column"]))


def _shares(engine: duckdb.DuckDBPyConnection, column: str) -> list[dict[str, Any]]:
    return _records(engine, SHARES.format(column=column, groups=GROUPS))


def _examples(engine: duckdb.DuckDBPyConnection, key: tuple[str, ...], which: str) -> list[str]:
    listed = ", ".join(key)
    query = EXAMPLE.format(key=listed, which=which, first=key[0], most=EXAMPLES)
    return [" ".join(str(value) for value in row.values()) for row in _records(engine, query)]


# -- causes ------------------------------------------------------------------------------------


def causes(
    catalog: Catalog, old: Version, new: Version, told: set[str] | None = None
) -> list[dict[str, Any]]:
    """Return what differs in what two versions were made from, each with what it was and is.

    The kinds are `rule`, `sql`, `parameter`, `function`, `file` (a model or list), `view`,
    `engine`, `input` and `files`. An input that moved has causes of its own; they are told where it
    is met first (`told`: the inputs met so far). None at all: the two have the same content.
    """
    found = []
    before, after = old.definition_parts, new.definition_parts
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            found += _definition(catalog, old, new, name)
    return [*found, *_inputs(catalog, old, new, set() if told is None else told)]


def _definition(catalog: Catalog, old: Version, new: Version, name: str) -> list[dict[str, Any]]:
    if name == "sql":
        return _sql(catalog, old, new)
    kind, _, rest = name.partition(" ")
    parameters = [parameters_of(catalog, version) for version in (old, new)]
    hashes = [version.definition_parts.get(name) for version in (old, new)]
    if kind == "parameter":
        values = [given.get(rest) for given in parameters]
        return [{"kind": kind, "name": rest, "before": values[0], "after": values[1]}]
    if kind in ("function", "view", "engine"):
        return [{"kind": kind, "name": rest, "before": hashes[0], "after": hashes[1]}]
    return [{"kind": "file", "name": name, "before": hashes[0], "after": hashes[1]}]


def _sql(catalog: Catalog, old: Version, new: Version) -> list[dict[str, Any]]:
    """Return the rules that changed; where none did, the lines of the statement that did."""
    rules = [{row["rule"]: row for row in rules_of(catalog, version)} for version in (old, new)]
    found = []
    for name in dict.fromkeys([*rules[0], *rules[1]]):
        before, after = (_rule(one.get(name)) for one in rules)
        if before != after:
            found.append({"kind": "rule", "name": name, "before": before, "after": after})
    lines = difflib.unified_diff(old.sql.splitlines(), new.sql.splitlines(), lineterm="", n=0)
    changed = [line for line in list(lines)[2:] if not line.startswith("@@")]
    if found and all("CONSTRAINT" in line.upper() for line in changed):
        return found
    return [*found, {"kind": "sql", "name": "statement", "before": None, "after": changed}]


def _rule(row: dict[str, Any] | None) -> str | None:
    return None if row is None else f"{row['condition']}  ({row['action']})"


def _inputs(catalog: Catalog, old: Version, new: Version, told: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = {qualified(one, old): one for one in old.inputs}
    after = {qualified(one, new): one for one in new.inputs}
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if any(one is not None and one.digest is not None for one in (was, now)):
            found.append(_files(catalog, old, new))
        else:
            found.append(_input(catalog, name, was, now, told))
    return found


def _input(
    catalog: Catalog, name: str, was: Input | None, now: Input | None, told: set[str]
) -> dict[str, Any]:
    """Return how an input moved, and what caused that."""
    entry: dict[str, Any] = {"kind": "input", "name": name}
    entry |= {"before": was.version if was else None, "after": now.version if now else None}
    if was is not None and now is not None:
        entry["rebuilt"] = was.generation != now.generation
        known = {one.version: one for one in catalog.versions if one.table == name}
        if name not in told and was.version in known and now.version in known:
            told.add(name)
            entry["causes"] = causes(catalog, known[was.version], known[now.version], told)
    return entry


def _files(catalog: Catalog, old: Version, new: Version) -> dict[str, Any]:
    """Return which files one version had read and the other had not."""
    read = [catalog.files_of(version) for version in (old, new)]
    return {
        "kind": "files",
        "name": "",
        "before": len(read[0]),
        "after": len(read[1]),
        "added": sorted(read[1].keys() - read[0].keys())[:GROUPS],
        "removed": sorted(read[0].keys() - read[1].keys())[:GROUPS],
    }
