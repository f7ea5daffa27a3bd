"""Files to a DataFrame through Spark's Python Data Source API.

The list of files travels to the planner as one compressed option, and from there to each task
only its own part of it, so that 100,000 files are no burden.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from winnow.schemas.documents import DOCUMENT_DDL
from winnow.sources.accounts import ACCOUNT, Account, accounts_by_file
from winnow.sources.files import InputFile
from winnow.sources.partitions import Piece, partitions, pieces
from winnow.sources.reading import read_pieces

NAME = "winnow_documents"
_PLAN = "plan"  # the one option of the data source
_SEEN = "accounts"


@dataclass(frozen=True)
class Reading:
    """Documents that are read when Spark needs them, and what was read of each file then."""

    rows: DataFrame
    _seen: Observation | None = None

    def accounts(self) -> dict[str, Account]:
        """Return the account of each file, once the rows were written.

        None of a file that was read only in part, for a preview; no account at all if Spark found
        that it needed no row.
        """
        try:
            found = self._seen.get[_SEEN] if self._seen else []
        except Py4JError:  # the plan that was run has no such node
            found = []
        return accounts_by_file(found)


def read_files(
    spark: SparkSession,
    files: Sequence[InputFile],
    options: Mapping[str, Any],
    arrival: int,
    limit: int | None,
) -> Reading:
    """Return the documents of the files; `options` are all options of `read_documents`."""
    if not files:
        return Reading(spark.createDataFrame([], DOCUMENT_DDL))
    plan = {
        "files": [list(asdict(file).values()) for file in files],
        "options": dict(options),
        "arrival": arrival,
        "limit": limit,
    }
    packed = base64.b85encode(zlib.compress(json.dumps(plan).encode(), 1)).decode()
    spark.dataSource.register(DocumentSource)
    rows = spark.read.format(NAME).option(_PLAN, packed).load()
    is_account = F.col("reject_reason").eqNullSafe(ACCOUNT)
    account = F.when(is_account, F.concat_ws("\n", "reject_snippet", "file"))
    seen = Observation(f"accounts-{uuid4()}")
    observed = rows.observe(seen, F.collect_list(account).alias(_SEEN))  # nulls are left out
    return Reading(observed.where(~is_account), seen)


class DocumentSource(DataSource):
    """What Spark knows of our files."""

    @classmethod
    def name(cls) -> str:
        """Return the name of the format in Spark."""
        return NAME

    def schema(self) -> str:
        """Return the columns of a document."""
        return DOCUMENT_DDL

    def reader(self, schema: StructType) -> "DocumentReader":
        """Return the reader; the plan is the reader's from here on."""
        plan = json.loads(zlib.decompress(base64.b85decode(self.options[_PLAN])))
        self.options = {}  # this object goes to every task too
        return DocumentReader(plan)


class Pieces(InputPartition):
    """What one task reads."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces


class DocumentReader(DataSourceReader):
    """Divides the files when Spark plans, reads them in its tasks."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.files = [InputFile(*values) for values in plan["files"]]
        self.options, self.arrival, self.limit = plan["options"], plan["arrival"], plan["limit"]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the files: a task is told its own."""
        return {**self.__dict__, "files": []}

    def partitions(self) -> Sequence[InputPartition]:
        """Return the work of all tasks; of one, in order, if there is a limit."""
        if self.limit is not None:
            return [Pieces([piece for file in self.files for piece in pieces(file)])]
        return [Pieces(pieces) for pieces in partitions(self.files)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Read the files of one task."""
        assert isinstance(partition, Pieces)
        return read_pieces(partition.pieces, self.options, self.arrival, self.limit)
