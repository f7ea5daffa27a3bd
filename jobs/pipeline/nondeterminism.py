"""Expressions whose value another run, or another order of rows, would change."""

from collections.abc import Iterator

from winnow.pipeline.query import Function, Query, Select
from winnow.pipeline.reader import Reader
from winnow.pipeline.text import quoted, words

Finding = tuple[int, int, str, str]  # tokens [start, end), message, remedy

_HASH = "Take a hash of the id instead: pmod(xxhash64(id), 100) < 1 keeps one row in a hundred."
_PARAMETER = "Give it to the run as a parameter: `:today`."
_RANDOM = words("rand randn random randstr uniform uuid shuffle")
_PLACEMENT = words("monotonically_increasing_id spark_partition_id")
_FILES = words("input_file_block_length input_file_block_start input_file_name")
_NOW = words("curdate current_date current_time current_timestamp localtimestamp now sysdate")
_SESSION = words(
    """current_catalog current_database current_path current_schema current_timezone current_user
    session_user user version"""
)
_OUTSIDE = words("java_method reflect try_reflect")
# These stand without parentheses too. `user` does as well, but is more often a column.
_BARE = (_NOW | frozenset({"current_user", "session_user"})) - {"curdate", "now", "sysdate"}

# Their result depends on the order in which rows come.
_ORDERED = words(
    """any_value array_agg collect_list collect_set first first_value last last_value listagg mode
    string_agg"""
)
# Around a collected array these make its order not matter.
_ORDER_FREE = words(
    "array_contains array_max array_min array_size array_sort cardinality size sort_array"
)
_RANKING = words("cume_dist dense_rank lag lead nth_value ntile percent_rank rank row_number")


def in_expressions(reader: Reader, select: Select) -> Iterator[Finding]:
    """What in a block's expressions is not deterministic."""
    for function in select.functions:
        if reader.word(function.start - 1) == ".":
            continue
        found = _function(reader, select, function)
        if found:
            yield (function.start, function.start + 1, *found)
    for i in select.words:
        name = reader.word(i).lower()
        is_name = reader.word(i - 1) in (".", "AS") or reader.word(i + 1) == "."
        if name in _BARE and not is_name:
            yield (i, i + 1, *_reason(name))


def in_clauses(reader: Reader, query: Query) -> Iterator[Finding]:
    """LIMIT without ORDER BY, and samples that are drawn anew."""
    if query.order_by is None:
        for i in query.limits:
            message = f"{reader.word(i)} without ORDER BY keeps other rows in each run"
            yield i, i + 1, message, "Add an ORDER BY over a key, at the same level."
    for operand in query.operands:
        if isinstance(operand, Select):
            for i in operand.samples:
                yield from _sample(reader, i)


def _function(reader: Reader, select: Select, function: Function) -> tuple[str, str] | None:
    name = function.name
    if name in _RANDOM | _PLACEMENT | _FILES | _NOW | _SESSION | _OUTSIDE:
        return _reason(name)
    if name == "unix_timestamp" and function.closing == function.opening + 1:
        return _reason(name)
    ordered = function.ordered or (
        function.over is not None and reader.has_order(*function.over, select)
    )
    if name in _RANKING and function.over and not ordered:
        return f"{quoted(name)} over a window without ORDER BY numbers rows as they come", (
            "Add an ORDER BY over a key to the window."
        )
    if name not in _ORDERED or ordered or function.inside in _ORDER_FREE:
        return None
    if name == "mode" and len(reader.split(function.opening + 1, function.closing)) > 1:
        return None
    return f"{quoted(name)} depends on the order in which rows come", _remedy(name)


def _remedy(name: str) -> str:
    if name in ("array_agg", "collect_list", "collect_set"):
        return f"Sort what it collects: array_sort({name}(...))."
    if name in ("listagg", "string_agg"):
        return "Add WITHIN GROUP (ORDER BY ...)."
    if name == "mode":
        return "Say that the smallest of several is taken: mode(column, true)."
    return "Use min, max, min_by or max_by, or a window with ORDER BY over a key."


def _reason(name: str) -> tuple[str, str]:
    shown = quoted(name)
    if name in _RANDOM:
        return f"{shown} gives other values in each run", _HASH
    if name in _PLACEMENT:
        return f"{shown} depends on how rows are spread over the machines", _HASH
    if name in _FILES:
        return f"{shown} names files of a table, which are not the same in each run", (
            "Documents have the column `file`."
        )
    if name in _OUTSIDE:
        return f"{shown} calls code that a run knows nothing of", "Declare a column function."
    if name in _SESSION:
        return f"{shown} depends on who runs the pipeline, and where", _PARAMETER
    return f"{shown} gives another value in each run", _PARAMETER


def _sample(reader: Reader, i: int) -> Iterator[Finding]:
    closing = reader.pairs.get(i + 1)
    end = (closing or i) + 1
    if closing and reader.word(closing + 1) == "REPEATABLE" and reader.word(closing - 1) != "ROWS":
        return
    yield i, end, "TABLESAMPLE draws other rows in each run", _HASH
