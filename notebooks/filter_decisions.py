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
# # Filter decisions
#
# Which rule dropped it, which rules drop the same documents, and what would another threshold do?
# Winnow stores the signals and the verdicts of every document, the dropped ones too, so each of
# these questions is a SELECT and nothing is computed again.
#
# The warehouse is that of `winnow demo`: `WINNOW_WAREHOUSE` says where it is, else `./warehouse`.

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
# ## The ledger
#
# `winnow.rules` has a row for each rule of each version. *Alone* are the documents that no other
# rule would have dropped: what would come back if the rule went.

# %%
rules = ask("""
    SELECT rule, condition, action, failed, failed_alone, failed_first
    FROM (
        SELECT *,
               row_number() OVER (PARTITION BY rule ORDER BY version DESC, recorded DESC) AS place
        FROM winnow.rules WHERE pipeline = 'demo' AND stage = 'filtered'
    )
    WHERE place = 1
    ORDER BY failed DESC, rule
""")
rules

# %% [markdown]
# ## Which rules agree
#
# `_failed_rules` holds all rules that a document broke. Of what fails the rule of a row, which
# share fails the rule of a column, too? A rule whose row is full in one column adds little to that
# one.

# %%
everything = "SELECT * FROM demo.filtered UNION ALL SELECT * FROM demo.filtered_dropped"
overlap = ask(f"""
    SELECT one, other, count(*) AS documents
    FROM (
        SELECT one, explode(_failed_rules) AS other
        FROM (SELECT explode(_failed_rules) AS one, _failed_rules FROM ({everything}))
    )
    GROUP BY one, other
""")
failed = overlap[overlap.one == overlap.other].set_index("one").documents
overlap["share"] = overlap.documents / overlap.one.map(failed)
order = list(failed.sort_values(ascending=False).index)
alt.Chart(overlap).mark_rect().encode(
    x=alt.X("other", sort=order, title="also fails"),
    y=alt.Y("one", sort=order, title="of what fails"),
    color=alt.Color("share", scale=alt.Scale(scheme="oranges"), legend=alt.Legend(format="%")),
)

# %% [markdown]
# ## What if the threshold were another?
#
# `alphabetic_words EXPECT (alphabetic_words >= 0.8 * words)` asks that 80 % of the words have a
# letter, as Gopher does. Documentation shows more code than web pages. A document stays if it
# passes the new condition and no other rule drops it; rules that only record do not count.

# %%
recorded = rules[rules.action == "record"].rule
others = ", ".join(f"'{rule}'" for rule in ["alphabetic_words", *recorded])
sweep = ask(f"""
    SELECT percent, count_if(is_free AND 100 * alphabetic_words >= percent * words) AS kept
    FROM (
        SELECT words, alphabetic_words,
               size(array_except(_failed_rules, array({others}))) = 0 AS is_free
        FROM ({everything})
    )
    CROSS JOIN (SELECT explode(sequence(50, 100, 5)) AS percent)
    GROUP BY percent
    ORDER BY percent
""")
alt.Chart(sweep).mark_line(point=True).encode(
    x=alt.X("percent", title="words with a letter, at least (%)"),
    y=alt.Y("kept", title="documents kept", scale=alt.Scale(zero=False)),
)

# %% [markdown]
# At 80 % the sweep must give what the run gave, to the document. `winnow what-if` does the same
# from the command line, with examples of who would come and go.

# %%
kept = ask("SELECT count(*) AS documents FROM demo.filtered").documents[0]
assert sweep.set_index("percent").kept[80] == kept
kept

# %% [markdown]
# Numbers do not say whether that is good. Who would come back at 70 %?

# %%
ask(f"""
    SELECT documents.source, round(found.alphabetic_words / found.words, 2) AS ratio,
           left(documents.text, 200) AS text
    FROM ({everything}) AS found
    JOIN demo.documents ON documents.id = found.id
    WHERE size(array_except(found._failed_rules, array({others}))) = 0
      AND 100 * found.alphabetic_words < 80 * found.words
      AND 100 * found.alphabetic_words >= 70 * found.words
    ORDER BY md5(found.id) LIMIT 8
""")

# %% [markdown]
# ## Thresholds by language
#
# A threshold that fits English need not fit another language. FineWeb-2 takes, for each language, a
# quantile of the signal over text that is known to be good. The same here, with the documents
# themselves in place of a reference: the ratio that all but 5 % of a language's documents reach.
# `language` is a column function: any SELECT can call it. One document in eight will do. The demo's
# documents are English, so there is one row; a crawl has one for each language.

# %%
by_language = ask(f"""
    SELECT language, count(*) AS documents,
           round(percentile(found.alphabetic_words / found.words, 0.05), 3) AS reached_by_95_percent
    FROM ({everything}) AS found
    JOIN (
        SELECT id, language(text).label AS language
        FROM demo.documents WHERE crc32(id) % 8 = 0
    ) AS named ON named.id = found.id
    WHERE found.words >= 30
    GROUP BY language HAVING count(*) >= 5
    ORDER BY documents DESC, language
""")
by_language

# %% [markdown]
# In a pipeline the thresholds stand in a table, one row a language, and the rule names its column:
# `alphabetic_words >= limits.alpha_words * words`. The pipeline `web` does that, with FineWeb-2's
# numbers in [languages.csv](../conf/languages.csv).
