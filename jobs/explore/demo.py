"""What `winnow demo` shows after its run: three documents, and questions to go on with."""

import io
import shlex
from collections.abc import Iterator

from winnow.explore.catalog import Catalog
from winnow.explore.life import explain
from winnow.explore.life_shown import show_life
from winnow.explore.output import rows_of, write_table
from winnow.explore.query import Query
from winnow.explore.screen import Screen

PIPELINE = "demo"

# One document of each fate, always the one with the smallest id.
FATES = {
    "A document that was kept": "SELECT min(id) FROM demo.unique",
    "A document that a rule dropped": """
        SELECT min(id) FROM demo.filtered_dropped WHERE len(_failed_rules) > 1
    """,
    "An exact copy of another document": "SELECT min(id) FROM demo.unique_dropped",
}

QUERIES = {
    "Which rules dropped how many documents": """
        SELECT unnest(_failed_rules) AS rule, count(*) AS documents
        FROM demo.filtered_dropped GROUP BY rule ORDER BY documents DESC, rule
    """,
    "Which documents one rule alone dropped": """
        SELECT id, source, words FROM demo.filtered_dropped
        WHERE _failed_rules = ['word_count'] ORDER BY words DESC, id LIMIT 5
    """,
    "How much text of which source is left": """
        SELECT source, count(*) AS documents, sum(words) AS words
        FROM demo.curated GROUP BY source ORDER BY words DESC, source LIMIT 10
    """,
}


def show_demo(catalog: Catalog, screen: Screen) -> str:
    """Return the documents and the queries as text; the first query with its answer."""
    return "\n\n".join([*_documents(catalog, screen), *_queries(catalog, screen)])


def _documents(catalog: Catalog, screen: Screen) -> Iterator[str]:
    for title, query in FATES.items():
        found = [row[0] for row in rows_of(Query(catalog, query))]
        if found and found[0] is not None:
            command = f"$ winnow explain {shlex.quote(found[0])}"
            life = show_life(explain(catalog, found[0]), screen, brief=True)
            yield f"{screen.paint(title, 'bold')}\n{command}\n\n{life}"


def _queries(catalog: Catalog, screen: Screen) -> Iterator[str]:
    for number, (title, query) in enumerate(QUERIES.items()):
        text = " ".join(query.split())
        lines = [screen.paint(title, "bold"), f'$ winnow sql "{text}"']
        if number == 0:
            answer = io.StringIO()
            write_table(Query(catalog, query), answer, screen)
            lines += ["", answer.getvalue().rstrip()]
        yield "\n".join(lines)
