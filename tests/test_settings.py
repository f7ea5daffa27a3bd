"""conf/spark/*.conf: lines of `key value   # reason`."""

import re
from pathlib import Path

import pytest

from winnow.session import COLLECTOR, JAVA_OPTIONS

SPARK = Path(__file__).parents[1] / "conf" / "spark"
SETTING = re.compile(r"(?P<key>\S+) (?P<value>\S+(?: -\S+)*) +# (?P<reason>\S.*)")
FILES = ("common", "local", "cluster")


def lines(name: str) -> list[str]:
    text = (SPARK / f"{name}.conf").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def settings(name: str) -> dict[str, str]:
    found = [SETTING.fullmatch(line) for line in lines(name)]
    return {setting["key"]: setting["value"] for setting in found if setting}


@pytest.mark.parametrize("name", FILES)
def test_each_setting_has_its_reason_beside_it(name):
    for line in lines(name):
        assert SETTING.fullmatch(line), line


@pytest.mark.parametrize("name", FILES)
def test_no_setting_is_misspelt(spark, tmp_path, name):
    spark.range(1).write.format("delta").save(str(tmp_path / "t"))  # Delta's are known on first use
    registry = spark._jvm.org.apache.spark.internal.config.ConfigEntry
    known_to_hadoop = "spark.hadoop."
    for key in settings(name):
        assert key.startswith(known_to_hadoop) or registry.findEntry(key), key


@pytest.mark.parametrize("name", ["common", "local"])
def test_a_session_has_the_settings(spark, name):
    changed_by_the_suite = {"spark.sql.shuffle.partitions", "spark.driver.memory"}
    for key, value in settings(name).items():
        found = spark.conf.get(key)
        if key == JAVA_OPTIONS:  # Spark puts options of its own before these
            value = re.sub(COLLECTOR, "", value)  # the suite has chosen one
            found = found[-len(value) :]
        assert found == value or key in changed_by_the_suite, key


def test_a_plain_python_function_over_a_parquet_scan_returns(spark, tmp_path):
    """SPARK-58241: with Spark's own defaults this never ends."""
    from pyspark.sql.functions import udf

    spark.range(10).write.parquet(str(tmp_path / "numbers"))
    double = udf(lambda number: 2 * number, "long")
    rows = spark.read.parquet(str(tmp_path / "numbers")).select(double("id")).collect()
    assert sum(row[0] for row in rows) == 90


def test_parameters_are_bound_while_delta_is_loaded(spark):
    """delta-io/delta#7640: without its setting this fails with UNBOUND_SQL_PARAMETER."""
    assert spark.sql("SELECT :a + 1", args={"a": 1}).first()[0] == 2


def test_text_is_stored_without_a_dictionary_and_other_columns_with_one(spark, tmp_path):
    import pyarrow.parquet as pq

    rows = spark.range(1000).selectExpr("'the same' AS text", "'en' AS language").coalesce(1)
    rows.write.format("delta").save(str(tmp_path / "documents"))
    (file,) = (tmp_path / "documents").glob("*.parquet")
    text, language = (pq.ParquetFile(file).metadata.row_group(0).column(i) for i in (0, 1))
    assert "PLAIN_DICTIONARY" not in text.encodings
    assert "PLAIN_DICTIONARY" in language.encodings
    assert text.compression == "ZSTD"
