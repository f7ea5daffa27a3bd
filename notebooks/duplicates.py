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
# # Duplicates
#
# How many texts are there more than once, how alike are those that are nearly so, and from which
# similarity on is one of two superfluous? The pipeline `deduplicate` answers with tables; here each
# step is a SELECT on the demo's documents, so that one can look at what lies between.

# %%
import altair as alt
import pandas as pd

import winnow

alt.renderers.enable("svg")  # drawn here: nothing is fetched from anywhere
pd.set_option("display.max_colwidth", 200)
warehouse = winnow.connect()


def ask(query):
    return warehouse.sql(query).toPandas()


# %% [markdown]
# ## Exact copies
#
# The demo's stage `unique` names for each document the copy that stays. Most clusters are pairs;
# the large ones are licences and notices that every file of a project begins with.

# %%
clusters = ask("""
    SELECT copies, count(*) AS clusters, count(*) * copies AS documents
    FROM demo.unique WHERE kept_id = id AND copies > 1
    GROUP BY copies ORDER BY copies
""")
clusters

# %%
ask("""
    SELECT unique.copies, left(documents.text, 150) AS text
    FROM demo.unique JOIN demo.documents ON documents.id = unique.id
    WHERE unique.copies > 1 ORDER BY unique.copies DESC, unique.id LIMIT 5
""")

# %% [markdown]
# ## Candidates
#
# Near-duplicates share most of their shingles, five words in a row. Comparing all with all is out
# of the question, so each text gets a MinHash signature, cut into bands: 26 of 5 rows. Two texts
# that agree in a band are compared, and texts of similarity s do with probability 1 - (1 - s⁵)²⁶.

# %%
warehouse.sql("""
    SELECT id, posexplode(bands) AS (number, band)
    FROM (
        SELECT id, minhash_bands(text, bands => 26, rows => 5) AS bands
        FROM demo.curated WHERE words >= 50
    )
""").createOrReplaceTempView("bands")
warehouse.sql("""
    SELECT DISTINCT a.id AS id_a, b.id AS id_b
    FROM bands AS a JOIN bands AS b ON a.number = b.number AND a.band = b.band AND a.id < b.id
""").createOrReplaceTempView("candidates")

# %% [markdown]
# ## Every candidate is verified
#
# A shared band is a guess. `similarity` compares the shingles of both texts: the pairs below are
# exact, and those that hardly resemble each other are the false positives of the bands.

# %%
pairs = warehouse.sql("""
    SELECT id_a, id_b,
           similarity(shingle_hashes(a.text), shingle_hashes(b.text)).similarity AS similarity
    FROM candidates
    JOIN demo.curated AS a ON a.id = id_a
    JOIN demo.curated AS b ON b.id = id_b
""").cache()
pairs.createOrReplaceTempView("pairs")
spread = ask("""
    SELECT least(floor(similarity * 20), 19) / 20 AS similarity, count(*) AS pairs
    FROM pairs GROUP BY 1 ORDER BY 1
""")
alt.Chart(spread).mark_bar(width=14).encode(x=alt.X("similarity:Q", bin="binned"), y="pairs")

# %% [markdown]
# How many of the pairs of a similarity are candidates at all? The curve is the formula above; left
# of its rise pairs are missed, which costs nothing as long as the threshold lies to the right of
# it.

# %%
curve = alt.sequence(0, 1.01, 0.01, as_="similarity")
alt.Chart(curve).transform_calculate(
    found="1 - pow(1 - pow(datum.similarity, 5), 26)"
).mark_line().encode(
    x="similarity:Q", y=alt.Y("found:Q", title="pairs that share a band", axis=alt.Axis(format="%"))
)

# %% [markdown]
# ## Which similarity?
#
# Look before choosing. Pairs around 0.5 share a frame and differ in what they say, those around
# 0.8 are often one text about two functions, and above 0.9 a version or a name changed.

# %%
ask("""
    SELECT round(similarity, 2) AS similarity, left(a.text, 160) AS text,
           left(b.text, 160) AS other
    FROM (
        SELECT *, row_number() OVER (PARTITION BY tenth ORDER BY md5(id_a || id_b)) AS place
        FROM (SELECT *, floor(similarity * 10) AS tenth FROM pairs WHERE similarity >= 0.5)
    )
    JOIN demo.curated AS a ON a.id = id_a
    JOIN demo.curated AS b ON b.id = id_b
    WHERE place <= 2 ORDER BY similarity
""")

# %% [markdown]
# What each threshold costs: the documents with an earlier one that is at least so alike.

# %%
costs = ask("""
    SELECT threshold, count(DISTINCT id_b) AS documents
    FROM pairs
    JOIN (SELECT explode(array(0.5D, 0.6D, 0.7D, 0.8D, 0.9D, 0.95D)) AS threshold)
      ON similarity >= threshold
    GROUP BY threshold ORDER BY threshold
""")
assert costs.documents.is_monotonic_decreasing
alt.Chart(costs).mark_line(point=True).encode(
    x=alt.X("threshold", scale=alt.Scale(zero=False)),
    y=alt.Y("documents", title="documents that would go"),
)

# %% [markdown]
# Similarity is not transitive: of a chain of small edits the ends may have little in common. So
# `winnow run deduplicate` lets a document go only if it is itself similar to one that stays, and a
# new threshold (`--set similarity=0.9`) is applied to the stored pairs without reading a text
# ([docs/duplicates.md](../docs/duplicates.md)).
