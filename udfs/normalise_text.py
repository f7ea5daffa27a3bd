"""Texts without what other programs left in them: wrong decoding, control characters, spaces.

ftfy does the repair, at 1 to 3 MB a second: by far the dearest step here. A text of plain ASCII
that has nothing to repair passes it by.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from winnow.udfs.buffers import check_strings, contents
from winnow.udfs.registry import column_function

FIELDS = {
    "text": pa.string(),
    "removed_control_chars": pa.int32(),
    "removed_space_chars": pa.int32(),
    "is_repaired": pa.bool_(),
}
_RETURNS = """STRUCT<
    text STRING, removed_control_chars INT, removed_space_chars INT, is_repaired BOOLEAN>"""

_ENCODED = pa.struct(FIELDS | {"text": pa.binary()})

_PIECE = 1 << 20  # bytes; a piece goes on to the end of a line
_LONGEST_LINE = 4 << 20  # bytes; one that goes on is cut between words
_LINE, _WORD = re.compile(rb"\n(?=[0-9A-Za-z])"), re.compile(rb"[ \n](?=[0-9A-Za-z])")
_SPACE = re.compile(r"\s+")
# What ftfy may touch in ASCII: entities, control characters, which terminal escapes begin with.
_REPAIRABLE = re.compile(r"[&\0-\x08\x0b-\x1f\x7f]|[^\0-\x7f]")


@column_function(returns=" ".join(_RETURNS.split()), version=1, libraries=("ftfy",))
def normalise_text(text: pa.Array) -> pa.Array:
    r"""Return each text repaired, in NFC, without control characters and runs of white space.

    Shape: STRING -> STRUCT<text STRING, removed_control_chars INT, removed_space_chars INT,
        is_repaired BOOLEAN>; null gives null.
    Units: code points. `is_repaired`: ftfy changed more than control characters and composition, be
        it wrong decoding (`Ã©` for `é`), HTML entities outside of markup, ligatures, full-width
        letters or line ends; quotation marks stay as they are. Control characters are those that
        ftfy removes: U+0000-0008, 000B, 000E-001F, 007F, 206A-206F, FEFF and FFF9-FFFC. White
        space inside a line becomes one space, at the end of a line nothing, three and more "\n"
        two; a line keeps its indentation, tabs or spaces, so that code stays code. The text as a
        whole is trimmed.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: ftfy 6.3 (Speer 2019, doi:10.5281/zenodo.2591652), its defaults but uncurl_quotes; the
        treatment of white space is ours. Differs: ftfy repairs lines by themselves, those of over
        a million code points in parts that begin anywhere; ours begin with words, in lines of over
        4 MiB.
    """
    check_strings(text)
    rows = [None if row is None else _normalised(row) for row in contents(text)]
    return pa.array(rows, _ENCODED).cast(pa.struct(FIELDS))


def _normalised(content: pa.Buffer) -> dict[str, Any]:
    """Normalise a text piece by piece: of a long one little is held several times."""
    parts: list[bytes] = []
    controls = spaces = 0
    is_repaired = has_markup = False
    for piece in _pieces(content):
        part = piece.decode("utf-8", "replace")
        is_after_markup, has_markup = has_markup, has_markup or "<" in part
        if _REPAIRABLE.search(part):
            visible, repaired = _repaired(part, is_after_markup)
            controls += len(part) - len(visible)
            is_repaired = is_repaired or repaired != unicodedata.normalize("NFC", visible)
            part = repaired
        spaced = _SPACE.sub(_one_space, part)
        spaces += len(part) - len(spaced)
        parts.append(spaced.encode())
    joined = b"".join(parts)
    trimmed = joined.strip(b" \t\n")  # all white space that is left
    return {
        "text": trimmed,
        "removed_control_chars": controls,
        "removed_space_chars": spaces + len(joined) - len(trimmed),
        "is_repaired": is_repaired,
    }


def _pieces(content: pa.Buffer) -> Iterator[bytes]:
    """Cut a text between lines, where neither repairs nor runs of white space go on."""
    start = 0
    while start < len(content):
        near = start + _PIECE
        found = _LINE.search(content, near, near + _LONGEST_LINE) or _WORD.search(
            content, near + _LONGEST_LINE
        )
        end = found.end() if found else len(content)
        yield content[start:end].to_pybytes()
        start = end


def _repaired(text: str, is_after_markup: bool) -> tuple[str, str]:
    """Return a text without control characters, and as ftfy repairs it.

    From the first line with a "<" on ftfy takes entities for markup and leaves them alone.
    """
    from ftfy import TextFixerConfig, fix_text
    from ftfy.fixes import remove_control_chars

    unescape = False if is_after_markup else "auto"
    config = TextFixerConfig(uncurl_quotes=False, unescape_html=unescape)
    return remove_control_chars(text), fix_text(text, config)


def _one_space(run: re.Match[str]) -> str:
    before, newline, indentation = run[0].rpartition("\n")
    if not newline:
        return " "
    kept = "".join(space if space == "\t" else " " for space in indentation)
    return "\n\n" + kept if "\n" in before else "\n" + kept
