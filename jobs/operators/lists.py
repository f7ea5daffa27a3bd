"""Lists and tables that a person keeps in files: words, domains, thresholds by language.

A stage that reads one is a table like any other: it has versions, and a stage joins it. The files
are read on the driver; ten million entries take about a minute and 2 GB there.
"""

import csv as plain_csv
import datetime
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

import pyarrow as pa
from pyarrow import csv

from winnow.operators.registry import Columns, operator
from winnow.sources.files import list_address, open_raw
from winnow.udfs.registry import File

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HEADER = ("name", "licence", "date")
HEAD = 1 << 16  # bytes of a file that a plan looks at, where all of it would take minutes
_TYPES = {
    "BOOLEAN": pa.bool_(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
}
_COLUMN = re.compile(r"In CSV column #(\d+)")
LIST = pa.schema(
    [
        ("list", pa.string()),
        ("entry", pa.string()),
        ("licence", pa.string()),
        ("date", pa.date32()),
    ]
)


def check_list(
    path: str, name: str | None = None, licence: str | None = None, date: str | None = None
) -> None:
    """Look at the heads of the files that `read_list` would read.

    Raises:
        ValueError: one does not say its licence or its date; or two are one list.
    """
    for _ in _lists(path, {"name": name, "licence": licence, "date": date}, HEAD):
        pass


@operator(
    schema="list STRING, entry STRING, licence STRING, date DATE", version=1, plan_check=check_list
)
def read_list(
    path: File, name: str | None = None, licence: str | None = None, date: str | None = None
) -> "DataFrame":
    """Read lists of words, domains or addresses from text files, an entry a line.

    A file is UTF-8. Its first lines may say what it is, `# name: ...`, `# licence: ...` and
    `# date: YYYY-MM-DD`; other lines that begin with # and empty ones are skipped. White space
    around an entry is left out, and an entry that comes twice in a list is one.

    Args:
        path: a file, a folder or a glob, local or any address that fsspec knows; `winnow:` and a
            path for a list that comes with Winnow.
        name: of all lists; without it the file says it, or its name without the ending is it.
        licence: of all lists; without it the file says it. `unknown` is an answer.
        date: of which the lists are, as YYYY-MM-DD; without it the file says it.

    Returns:
        list STRING, entry STRING, licence STRING, date DATE; one row is one entry of one list.

    Raises:
        CommandError: there is no such file.
        ValueError: a file is no UTF-8, does not say its licence or its date, or holds no entry; or
            two files are one list.
    """
    given = {"name": name, "licence": licence, "date": date}
    return _session().createDataFrame(lists(path, given))


def lists(path: str, given: Mapping[str, str | None]) -> pa.Table:
    """Return the lists of a file, a folder or a glob with the columns of LIST."""
    tables = []
    for file, said, lines in _lists(path, given):
        entries = (line.strip() for line in lines if not line.startswith("#"))
        found = list(dict.fromkeys(entry for entry in entries if entry))
        if not found:
            raise ValueError(f"no entry is in the list {file!r}")
        count = len(found)
        columns = [
            pa.repeat(said["name"], count),
            pa.array(found),
            pa.repeat(said["licence"], count),
            pa.repeat(pa.scalar(_date(file, said["date"]), pa.date32()), count),
        ]
        tables.append(pa.Table.from_arrays(columns, schema=LIST))
    return pa.concat_tables(tables)


def _lists(
    path: str, given: Mapping[str, str | None], size: int = -1
) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Yield of each file its name, what is said of its list, and the lines of its first bytes."""
    titles: set[str] = set()
    for file, content in _contents(path, size):
        try:  # the first bytes may end within a character
            lines = content.decode("utf-8-sig", "replace" if size > 0 else "strict").split("\n")
        except UnicodeDecodeError as error:
            raise ValueError(f"{file!r} is no UTF-8 at byte {error.start}") from None
        said = {"name": PurePosixPath(file).name.partition(".")[0]} | _header(lines)
        said |= {key: value for key, value in given.items() if value}
        for key in ("licence", "date"):
            if key not in said:
                raise ValueError(
                    f"the list {file!r} does not say its {key}; let it begin with a line "
                    f"`# {key}: ...`, or give the option {key}"
                )
        _date(file, said["date"])
        if said["name"] in titles:
            raise ValueError(f"two files are the list {said['name']!r}; {file!r} is one")
        titles.add(said["name"])
        yield file, said, lines


def _header(lines: list[str]) -> dict[str, str]:
    """What the comments before the first entry say."""
    found: dict[str, str] = {}
    for line in lines:
        if not line.startswith("#"):
            return found
        key, colon, value = line.lstrip("#").partition(":")
        if colon and key.strip().lower() in HEADER and value.strip():
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _date(file: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date: {text!r} of the list {file!r} is not YYYY-MM-DD") from None


def _columns(_: Mapping[str, Columns], options: Mapping[str, object]) -> str:
    return str(options["columns"])


def check_csv(path: str, columns: str) -> None:
    """Read the files that `read_csv` would read.

    Raises:
        ValueError: one lacks a column, or a value is missing or not of its type.
    """
    rows(path, _schema(columns))


@operator(schema=_columns, version=1, plan_check=check_csv)
def read_csv(path: File, columns: str) -> "DataFrame":
    """Read a table from a CSV file with a header, e.g. thresholds by language.

    Args:
        path: a file, a folder or a glob, as for `read_list`; columns are found by their names.
        columns: those to read with their types, e.g. `language STRING, least DECIMAL(4, 3)`. An
            empty field is NULL, and an error where the type ends with NOT NULL.

    Returns:
        The columns asked for; one row is one line.

    Raises:
        CommandError: there is no such file.
        ValueError: a file lacks a column, or a value is missing or not of its type. It names the
            row, with the header as the first and without empty lines.
    """
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    schema = to_arrow_schema(cast(StructType, StructType.fromDDL(columns)))
    return _session().createDataFrame(rows(path, schema))


def rows(path: str, schema: pa.Schema) -> pa.Table:
    """Return the columns of a schema from the CSV files at an address."""
    convert = csv.ConvertOptions(
        column_types=schema,
        include_columns=schema.names,
        null_values=[""],  # "nan" is a language
        strings_can_be_null=True,
    )
    one_by_one = csv.ReadOptions(use_threads=False)  # only then an error says the row
    tables = []
    for file, content in _contents(path):
        try:
            tables.append(csv.read_csv(io.BytesIO(content), one_by_one, convert_options=convert))
        except (pa.ArrowInvalid, KeyError) as error:
            said = _named(str(error), content).replace(" in include_columns", "")
            raise ValueError(f"{file!r} is not the table asked for: {said}") from None
        for field in schema:
            if not field.nullable and tables[-1][field.name].null_count:
                row = tables[-1][field.name].is_null().index(True).as_py() + 2
                raise ValueError(f"{file!r}: column `{field.name}` is empty in row {row}")
    return pa.concat_tables(tables)


def _schema(columns: str) -> pa.Schema:
    """Return the types of columns in DDL without Spark; those that it does not know as text."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        table = sqlglot.parse_one(f"CREATE TABLE t ({columns})", read="spark")
    except SqlglotError:
        return pa.schema([])  # Spark will say what is wrong with it
    fields = []
    for column in table.find_all(exp.ColumnDef):
        kind = column.kind or exp.DataType.build("STRING")
        found = _TYPES.get(kind.this.value, pa.string())
        if kind.this == exp.DataType.Type.DECIMAL and kind.expressions:
            found = pa.decimal128(*(int(each.name) for each in kind.expressions))
        required = any(
            isinstance(one.kind, exp.NotNullColumnConstraint) for one in column.constraints
        )
        fields.append(pa.field(column.name, found, nullable=not required))
    return pa.schema(fields)


def _named(message: str, content: bytes) -> str:
    """Return an error with the name of the column that it numbers, as the header has it."""
    found = _COLUMN.search(message)
    if found is None:
        return message
    lines = plain_csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    names, number = next(filter(None, lines), []), int(found[1])
    known = number < len(names)
    return message.replace(found[0], f"column `{names[number]}`", 1) if known else message


def _contents(path: str, size: int = -1) -> list[tuple[str, bytes]]:
    """Return name and content of each file at an address, or so many bytes of it.

    Raises:
        CommandError: there is none.
    """
    found = []
    for file in list_address(path, None, lambda _: "file", is_named=True):
        with open_raw(file) as stream:
            found.append((file.name, stream.read(size)))
    return found


def _session() -> "SparkSession":
    from pyspark.sql import SparkSession

    session: SparkSession = SparkSession.active()
    return session
