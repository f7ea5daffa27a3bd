# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A signal of your own
#
# A column function takes Arrow arrays and returns one value a row; SQL calls it by its name. This
# notebook writes one, tries it, and makes it a stage with a rule: 20 lines in two files.

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

import altair as alt
import pandas as pd

import winnow

alt.renderers.enable("svg")  # drawn here: nothing is fetched from anywhere
pd.set_option("display.max_colwidth", 200)
warehouse = winnow.connect()

# %% [markdown]
# ## The function
#
# How many sentences of a text are questions? Documentation hardly asks; where it does it is often a
# list of frequent questions. The function stands in a file, since Spark's workers import it. Its
# `version` goes into what the stage was built with: raise it when the meaning changes.

# %%
pipeline = Path(tempfile.mkdtemp()) / "questions"
pipeline.mkdir()
function = '''
import pyarrow as pa
import pyarrow.compute as pc

from winnow import column_function


@column_function(returns="INT", version=1)
def questions(text: pa.Array) -> pa.Array:
    """Count the words that end with a question mark; null gives null."""
    return pc.count_substring_regex(text, r"\\w\\?(\\s|$)").cast(pa.int32())
'''
(pipeline / "functions.py").write_text(function)

# %% [markdown]
# It is plain Python on Arrow, so it is tried without Spark:

# %%
import pyarrow as pa

names = {}
exec(function, names)  # what `from functions import questions` would do
assert names["questions"](pa.array(["Why? Because.", "x?y", None])).to_pylist() == [1, 0, None]

# %% [markdown]
# ## The stage
#
# One SQL statement over the demo's published tables, named in full. The rule only records: before
# it drops anything one wants to see whom. The function is called in the inner SELECT, once a row.

# %%
(pipeline / "pipeline.yml").write_text("""
name: questions
description: How much the demo's documents ask
functions: [functions.py]
""")
(pipeline / "10_asking.sql").write_text("""
CREATE OR REFRESH MATERIALIZED VIEW asking (
  CONSTRAINT hardly_asks EXPECT (questions <= 0.2 * sentences)
)
AS
SELECT id, source, questions, sentences
FROM (
  SELECT filtered.id, filtered.source, questions(filtered.text) AS questions, filtered.sentences
  FROM demo.filtered JOIN demo.unique ON unique.id = filtered.id
)
""")
address = warehouse.warehouse.address
command = [sys.executable, "-m", "winnow.cli", "run", str(pipeline), "--warehouse", address]
print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

# %% [markdown]
# ## Whom would it drop?
#
# The connection is a snapshot; `refresh` moves it to what was published meanwhile.

# %%
warehouse.refresh()
asking = warehouse.sql("""
    SELECT questions, count(*) AS documents,
           count_if(array_contains(_failed_rules, 'hardly_asks')) AS fail
    FROM questions.asking GROUP BY questions ORDER BY questions
""").toPandas()
assert asking.documents.sum() == warehouse.table("demo.curated").count()
alt.Chart(asking[asking.questions > 0]).mark_bar().encode(
    x=alt.X("questions:O"), y=alt.Y("documents", scale=alt.Scale(type="symlog"))
)

# %%
warehouse.sql("""
    SELECT asking.questions, asking.sentences, left(curated.text, 200) AS text
    FROM questions.asking JOIN demo.curated ON curated.id = asking.id
    WHERE array_contains(asking._failed_rules, 'hardly_asks')
    ORDER BY md5(asking.id) LIMIT 6
""").toPandas()

# %% [markdown]
# Add `ON VIOLATION DROP ROW` to the rule and run again: the stage is built anew, since its SQL
# changed, and `winnow sql "SELECT * FROM questions.asking_dropped"` shows who went. Editing
# `functions.py` does the same.
