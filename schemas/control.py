"""The control tables: what the warehouse knows of its runs, versions, rules, checks and files.

Delta tables in the schema `winnow` of the warehouse, written and read by delta-rs only, but for
`exported`, which has a row for every document and is written by Spark. They are append-only: the
state of a thing is its last row (by `recorded`, then by order in the file).
"""

import pyarrow as pa

FORMAT = 1  # of the warehouse: raised when a newer Winnow could not be read by an older one

_TEXT = pa.string()
_LONG = pa.int64()
_SECONDS = pa.float64()
_TIME = pa.timestamp("us", tz="UTC")

# One row per state of a run: running, then succeeded, failed, rejected or interrupted.
RUNS = pa.schema(
    [
        ("run", _TEXT),
        ("pipeline", _TEXT),
        ("state", _TEXT),
        ("started", _TIME),
        ("ended", _TIME),
        ("seconds", _SECONDS),
        ("parameters", _TEXT),  # JSON object
        ("versions", _TEXT),  # JSON object: Winnow, Spark, Delta, Python
        ("host", _TEXT),
        ("stages", _TEXT),  # JSON array, as `run --json` prints it
        ("error", _TEXT),
        ("recorded", _TIME),
    ]
)

# One row per state of a table version: audited or rejected when it is built, published by the one
# commit at the end of a run. Rows of that commit share a `publication` number; the published set
# of a pipeline is its rows of the highest one.
VERSIONS = pa.schema(
    [
        ("pipeline", _TEXT),
        ("stage", _TEXT),
        ("kind", _TEXT),  # materialized view, streaming table, view
        ("version", _LONG),  # of the Delta table; of a view: counted from 1
        ("state", _TEXT),
        ("run", _TEXT),
        ("definition", _TEXT),  # hash
        ("definition_parts", _TEXT),  # JSON object: what went into it, each part hashed
        ("inputs", _TEXT),  # JSON array of {table, version, generation, batch}, see engine.plan
        ("generation", _LONG),  # the version at which the table was last built from the beginning
        ("batch", _LONG),  # highest `_batch` in the version
        ("rows_in", _LONG),  # rows that the query returned, all batches of the version
        ("rows_kept", _LONG),
        ("rows_dropped", _LONG),
        ("bytes", _LONG),  # of the version's files on disk
        ("seconds", _SECONDS),
        ("committed", _TIME),
        ("checks", _TEXT),  # hash of the checks that the version was audited with
        ("sql", _TEXT),  # the stage file's statement; of a view: what readers' sessions run
        ("comment", _TEXT),
        ("columns", _TEXT),  # JSON object: column -> DDL type
        ("publication", _LONG),
        (
            "held",
            pa.bool_(),
        ),  # published by a rollback, which later runs must not undo by themselves
        ("recorded", _TIME),
    ]
)

CHECKS = pa.schema(
    [
        ("pipeline", _TEXT),
        ("stage", _TEXT),
        ("version", _LONG),
        ("run", _TEXT),
        ("section", _TEXT),  # kept, all, or built in
        ("type", _TEXT),
        ("kwargs", _TEXT),  # JSON object
        ("severity", _TEXT),  # critical, warning or info
        ("success", pa.bool_()),
        ("observed", _TEXT),  # JSON: numbers, never texts
        ("unexpected_count", _LONG),
        ("examples", pa.list_(_TEXT)),  # at most five ids, or group keys with their numbers
        ("notes", _TEXT),
        ("place", _TEXT),  # file:line of the check
        ("error", _TEXT),  # set when the check could not be evaluated
        ("recorded", _TIME),
    ]
)

# One row per rule and version; counts are rows of the whole version.
RULES = pa.schema(
    [
        ("pipeline", _TEXT),
        ("stage", _TEXT),
        ("version", _LONG),
        ("run", _TEXT),
        ("position", pa.int32()),  # in the stage file, from 0
        ("rule", _TEXT),
        ("condition", _TEXT),
        ("action", _TEXT),  # record, drop, fail
        ("failed", _LONG),
        ("failed_alone", _LONG),  # rows that failed no other rule (a drop rule: no other drop rule)
        ("failed_first", _LONG),  # rows of which it is the first failed rule in file order
        ("recorded", _TIME),
    ]
)

# One row per file that a version read; records = documents + rejects + skipped. A later row with
# the same digest and another time: the file was touched, not changed.
FILES = pa.schema(
    [
        ("pipeline", _TEXT),
        ("stage", _TEXT),
        ("version", _LONG),
        ("file", _TEXT),
        ("format", _TEXT),
        ("state", _TEXT),  # read, partial, unreadable
        ("size", _LONG),
        ("modified", _TIME),
        ("etag", _TEXT),  # what an object store calls this content, else empty
        ("digest", _TEXT),  # BLAKE2b-128 of the stored bytes, see sources.accounts
        ("records", _LONG),
        ("documents", _LONG),
        ("rejects", _LONG),
        ("repaired", _LONG),  # documents with U+FFFD in place of bytes that were no text
        ("reasons", pa.map_(_TEXT, _LONG)),  # of the rejects
        ("skipped", pa.map_(_TEXT, _LONG)),  # records that are no documents, by kind
        ("error", _TEXT),  # why reading ended too early
        ("position", _LONG),  # where
        ("seconds", _SECONDS),
        ("run", _TEXT),
        ("recorded", _TIME),
    ]
)

# One row per export that ended.
EXPORTS = pa.schema(
    [
        ("export", _TEXT),
        ("pipeline", _TEXT),
        ("stage", _TEXT),
        ("version", _LONG),
        ("versions", _TEXT),  # JSON object: of the table and all that it is a view of, with runs
        ("address", _TEXT),  # of the folder with the shards
        ("format", _TEXT),
        ("columns", pa.list_(_TEXT)),
        ("shards", _LONG),
        ("documents", _LONG),
        ("bytes", _LONG),  # of the shards' files
        ("seconds", _SECONDS),
        ("recorded", _TIME),
    ]
)

# One row per document and export. Spark writes it, before the export's own row: of an export that
# was broken off there are rows here and none there.
EXPORTED = pa.schema(
    [
        ("export", _TEXT),
        ("file", _TEXT),  # the shard's, in the export's folder
        ("row", _LONG),  # in the shard, from 0
        ("id", _TEXT),
        ("recorded", _TIME),
    ]
)

TABLES = {
    "runs": RUNS,
    "versions": VERSIONS,
    "checks": CHECKS,
    "rules": RULES,
    "files": FILES,
    "exports": EXPORTS,
    "exported": EXPORTED,
}
LARGE_TABLES = ("exported",)  # grow with the corpus: never read whole
