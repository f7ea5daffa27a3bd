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
# # Scored tables
#
# A score orders documents; a budget says how many words one can afford to train on. Where is the
# cut-off, and what does it do to the mixture? A score is a column, from a model or, as here, from
# signals that are stored already: which share of a text's words are stop words (the, be, to, of,
# and, that, have, with), which is high in running prose and low in lists and code.

# %%
import altair as alt
import pandas as pd

import winnow

alt.renderers.enable("svg")  # drawn here: nothing is fetched from anywhere
pd.set_option("display.max_colwidth", 200)
warehouse = winnow.connect()


def ask(query):
    return warehouse.sql(query).toPandas()


warehouse.sql("""
    SELECT id, source, words, stop_words / words AS score
    FROM demo.filtered LEFT SEMI JOIN demo.unique ON unique.id = filtered.id
    WHERE words > 0
""").createOrReplaceTempView("scored")

# %% [markdown]
# ## How the score spreads
#
# In words, not in documents: a budget is one of words. The table has 100 rows, however large the
# corpus is; everything after it is arithmetic on these.

# %%
bins = ask("""
    SELECT floor(score * 200) / 200 AS score, count(*) AS documents, sum(words) AS words
    FROM scored GROUP BY 1 ORDER BY score DESC
""")
alt.Chart(bins).mark_bar(width=4).encode(x=alt.X("score:Q"), y=alt.Y("words:Q"))

# %% [markdown]
# ## The cut-off of a budget
#
# From the best bin down as far as the budget goes. Here it is half of the words.

# %%
budget = bins.words.sum() // 2
bins["words_from_here_up"] = bins.words.cumsum()
cutoff = float(bins[bins.words_from_here_up <= budget].score.min())
line = (
    alt.Chart(bins)
    .mark_line()
    .encode(
        x="score:Q", y=alt.Y("words_from_here_up:Q", title="words kept if this were the cut-off")
    )
)
line + alt.Chart({"values": [{"score": cutoff}]}).mark_rule(strokeDash=[4, 4]).encode(x="score:Q")

# %% [markdown]
# The corpus itself must agree: what is above the cut-off fits, and one bin more would not.

# %%
kept = ask(f"SELECT count(*) AS documents, sum(words) AS words FROM scored WHERE score >= {cutoff}")
more = ask(f"SELECT sum(words) AS words FROM scored WHERE score >= {cutoff} - 0.005")
assert kept.words[0] <= budget < more.words[0]
kept

# %% [markdown]
# ## What it does to the mixture
#
# A score has a taste. Which sources gain, which lose?

# %%
mixture = ask(f"""
    SELECT source, sum(words) AS words,
           round(sum(words) / sum(sum(words)) OVER (), 3) AS share_before,
           round(sum(words) FILTER (WHERE score >= {cutoff})
                 / sum(sum(words) FILTER (WHERE score >= {cutoff})) OVER (), 3) AS share_after
    FROM scored GROUP BY source ORDER BY words DESC LIMIT 12
""")
shares = mixture.melt("source", ["share_before", "share_after"], "when", "share")
alt.Chart(shares).mark_bar().encode(
    x=alt.X("share", axis=alt.Axis(format="%")),
    y=alt.Y("source", sort=list(mixture.source)),
    yOffset=alt.YOffset("when", sort=["share_before", "share_after"]),
    color="when",
)

# %% [markdown]
# ## Both sides of the cut-off
#
# The documents next to it decide whether the budget is well spent: if those just below read as well
# as those just above, the score does not tell them apart there, and another one should.

# %%
ask(f"""
    SELECT round(score, 4) AS score, scored.source, left(curated.text, 200) AS text
    FROM scored JOIN demo.curated ON curated.id = scored.id
    ORDER BY abs(score - {cutoff}), scored.id LIMIT 8
""").sort_values("score")

# %% [markdown]
# In a pipeline the cut-off is a rule, and whoever it drops has a verdict like any other:
#
#     CONSTRAINT prose EXPECT (stop_words >= 0.1 * words) ON VIOLATION DROP ROW
