"""`winnow sql` without a query: one prompt after another, with history and completion.

A query ends with a semicolon and may have many lines. Each is answered over what is published at
that moment, so a run that ends meanwhile is seen.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import FileHistory, History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from winnow.cache import cache_folder
from winnow.errors import WinnowError
from winnow.explore.catalog import Catalog, Part, Relation
from winnow.explore.screen import escape, escape_lines
from winnow.schemas.control import TABLES
from winnow.schemas.documents import FAILED_RULES

PROMPT, MORE = "winnow> ", "      > "
LEAVE = frozenset({"quit", "exit", "\\q"})
HELP = """\
SELECT ... ;      a query; it may have many lines and ends with ;
SHOW TABLES;      what can be read        DESCRIBE demo.filtered;   its columns
Tab completes tables and columns, the arrow up brings back earlier queries.
quit, or Ctrl-D, leaves."""
_WORD = re.compile(r"[\w.]*$")
KEYWORDS = (
    "SELECT FROM WHERE GROUP ORDER BY HAVING LIMIT JOIN LEFT USING ON AS AND OR NOT IN IS NULL "
    "BETWEEN LIKE ILIKE DISTINCT COUNT SUM AVG MIN MAX UNNEST WITH UNION ALL CASE WHEN THEN ELSE "
    "END DESC SHOW TABLES DESCRIBE"
)


def columns_of(relation: Relation) -> list[str]:
    """Return the columns that readers see of a relation."""
    if relation.version is None:
        return list(TABLES[relation.table].names)
    if relation.part is Part.REJECTED:
        return ["file", "position", "reason", "snippet", "id"]
    own = [] if relation.is_view else [FAILED_RULES]
    return [*relation.version.columns, *own]


def completions(catalog: Catalog, before: str, query: str) -> list[str]:
    """Return what the word before the cursor may become: tables, columns, words of SQL.

    Args:
        catalog: what is published.
        before: the text up to the cursor.
        query: all of it: columns are offered of the tables that it names, else of all.
    """
    found = _WORD.search(before)
    word = found[0].lower() if found else ""
    prefix, dot, _ = word.rpartition(".")
    words = {part.lower() for part in re.findall(r"\w+", query)}
    relations = catalog.relations.values()
    read = [one for one in relations if one.table.lower() in words] or list(relations)
    columns = dict.fromkeys(name for one in read for name in columns_of(one))
    names = [one.name for one in relations]
    if dot:  # schema.table, or table.column and alias.column
        names += [f"{prefix}.{name}" for name in columns]
    else:
        names = [*columns, *names, *KEYWORDS.split()]
    return [name for name in dict.fromkeys(names) if name.lower().startswith(word)]


class _Completer(Completer):
    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        word = _WORD.search(before)
        length = len(word[0]) if word else 0
        for name in completions(self._catalog(), before, document.text):
            yield Completion(name, start_position=-length, display=escape(name))


def _keys() -> KeyBindings:
    """Let Enter end a query that is complete and begin another line in one that is not."""
    keys = KeyBindings()

    @keys.add("enter", filter=completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None  # takes what is chosen in the menu

    @keys.add("enter", filter=~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        text = event.current_buffer.text.strip()
        if not text or text.endswith(";") or text.lower() in (*LEAVE, "help"):
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    return keys


def history() -> History:
    """Return the user's earlier queries, kept in the cache folder."""
    return FileHistory(str(cache_folder("history") / "sql"))


def session(catalog: Callable[[], Catalog], past: History, **given: Any) -> PromptSession[str]:
    """Return a prompt. `given` goes to prompt_toolkit: another input and output."""
    return PromptSession(
        PROMPT,
        history=past,
        completer=_Completer(catalog),
        complete_while_typing=False,
        key_bindings=_keys(),
        multiline=True,
        prompt_continuation=MORE,
        **given,
    )


def queries(prompt: PromptSession[str]) -> Iterator[str]:
    """Yield queries until the user leaves; Ctrl-C forgets the one that is being written."""
    while True:
        try:
            text = prompt.prompt().strip().removesuffix(";").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.lower() in LEAVE:
            return
        if text:
            yield text


def run_shell(
    catalog: Callable[[], Catalog],
    answer: Callable[[Catalog, str], None],
    say: Callable[[str], None],
    prompt: PromptSession[str],
) -> None:
    """Answer queries until the user leaves.

    Args:
        catalog: reads what is published now.
        answer: prints a query's rows.
        say: prints a line, a mistake of the user's among them.
        prompt: where queries come from.
    """
    say("`help` says how; tables: SHOW TABLES;")
    for text in queries(prompt):
        if text.lower() == "help":
            say(HELP)
            continue
        try:
            answer(catalog(), text)
        except WinnowError as error:
            say(escape_lines(str(error)))
        except KeyboardInterrupt:
            say("interrupted")
