"""The rows of a table version as a DataFrame, with as little work for Spark as can be."""

import json

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from winnow.engine import build
from winnow.engine.registry import Version
from winnow.engine.warehouse import Warehouse
from winnow.explore.spark_views import quoted

MOST_FILES = 1000  # Spark asks the store for each file that is named
_PLAIN = 1  # the Delta protocol without deletion vectors, column mapping and the like
_GLOB = set("{}*?%")  # Spark would look for other files


def stored_rows(spark: SparkSession, warehouse: Warehouse, version: Version) -> DataFrame:
    """Return all rows of a table version, the engine's columns included.

    Delta's own reader looks for a version's files with jobs of Spark, five seconds in a new
    session; delta-rs knows them at once. A table of more files than MOST_FILES, or one that plain
    Parquet cannot stand for, is read by Delta.
    """
    path = warehouse.path(version.pipeline, version.stage)
    try:
        table = DeltaTable(path, version=version.version)
    except DeltaError:  # Delta's reader says what is wrong
        return build.stored_rows(spark, warehouse, version)
    files = [str(one) for one in table.get_add_actions(flatten=True)["path"].to_pylist()]
    is_plain = table.protocol().min_reader_version == _PLAIN
    if not is_plain or not 0 < len(files) <= MOST_FILES or _GLOB & set(path).union(*files):
        return build.stored_rows(spark, warehouse, version)
    schema = StructType.fromJson(json.loads(table.schema().to_json()))
    reader = spark.read.schema(schema).option("basePath", path)  # of the partitions' folders
    rows = reader.parquet(*(f"{path}/{file}" for file in files))
    return rows.select(*map(quoted, schema.names))  # the partitions' column came last
