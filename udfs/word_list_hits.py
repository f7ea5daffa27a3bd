"""How often the entries of a word list stand in a text."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from winnow.udfs.buffers import texts
from winnow.udfs.registry import File, column_function
from winnow.udfs.remembered import remembered

# Thai, Lao, Burmese, Khmer, Kana, Han: a word may begin anywhere, so each character is a token.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
# Accents, points and vowel signs carry a word on, though \w leaves them out.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0610-\u061a"
    r"\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u0900-\u0963\u0966-\u0dff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|[{_MARKS}])++|[^\w\s]")

Trie = dict[str, Any]  # by token; under _END, an entry ends
_END = ""


@column_function(returns="INT", version=2, measures=True)
def word_list_hits(text: pa.Array, path: File) -> pa.Array:
    """Count the occurrences of a word list's entries as whole words, e.g. of words for adults.

    Shape: STRING -> INT; null gives null.
    Units: occurrences, leftmost and longest, without overlap. `path` is a text file in UTF-8 with
        an entry a line, of one word or several; every worker must be able to read it. Lines that
        begin with # and empty ones are skipped. Case is folded; what stands between the words of
        an entry may be any white space or none. In scripts that put no space between words an
        entry counts wherever its characters stand.
    Errors: ValueError if `path` is no file or no entry is in it; TypeError if the column is not
        STRING. No text is an error.
    Source: as C4 counts LDNOOBW's lists (Raffel et al. 2019, arXiv:1910.10683, section 2.2;
        datatrove a649de7 C4BadWordsFilter). Differs: it drops a page at the first hit, here hits
        are counted and a rule decides; vowel signs belong to their word. Winnow brings no list.
    """
    entries = _entries(path)
    return pa.array(
        [None if row is None else _hits(row, entries) for row in texts(text)], pa.int32()
    )


def _hits(text: str, entries: Trie) -> int:
    tokens = _TOKEN.findall(text.casefold())
    hits = at = 0
    while at < len(tokens):
        node, end, after = entries.get(tokens[at]), at + 1, 0
        while node is not None:
            if _END in node:
                after = end
            node = node.get(tokens[end]) if end < len(tokens) else None
            end += 1
        hits += after > 0
        at = after or at + 1
    return hits


@remembered
def _entries(path: File) -> Trie:
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"path: {path!r} cannot be read as a word list ({type(error).__name__}); give a text "
            "file in UTF-8, one entry a line, that every worker can read"
        ) from None
    trie: Trie = {}
    for line in lines:
        tokens = [] if line.startswith("#") else _TOKEN.findall(line.casefold())
        node = trie
        for token in tokens:
            node = node.setdefault(token, {})
        if tokens:
            node[_END] = True
    if not trie:
        raise ValueError(f"path: no entry is in the word list {path!r}")
    return trie
