"""Texts without what other programs left in them: wrong decoding, control characters, spaces.

ftfy does the repair, at 1 to 3 MB a second: by far the dearest step here. A text of plain ASCII
that has nothing to repair passes it by.
"""

import re
import unicodedata
from typing import Any

import pyarrow as pa

from winnow.udfs.buffers import texts
from winnow.udfs.registry import column_function

FIELDS = {
    "text": pa.string(),
    "removed_control_chars": pa.int32(),
    "removed_space_chars": pa.int32(),
    "is_repaired": pa.bool_(),
}
_RETURNS = """STRUCT<
    text STRING, removed_control_chars INT, removed_space_chars INT, is_repaired BOOLEAN>"""

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
        treatment of white space is ours.
    """
    return pa.array(
        [None if row is None else _normalised(row) for row in texts(text)], pa.struct(FIELDS)
    )


def _normalised(text: str) -> dict[str, Any]:
    if _REPAIRABLE.search(text):
        from ftfy import TextFixerConfig, fix_text
        from ftfy.fixes import remove_control_chars

        visible = remove_control_chars(text)
        repaired = fix_text(text, TextFixerConfig(uncurl_quotes=False))
        is_repaired = repaired != unicodedata.normalize("NFC", visible)
    else:
        visible, repaired, is_repaired = text, text, False
    spaced = _SPACE.sub(_one_space, repaired).strip()
    return {
        "text": spaced,
        "removed_control_chars": len(text) - len(visible),
        "removed_space_chars": len(repaired) - len(spaced),
        "is_repaired": is_repaired,
    }


def _one_space(run: re.Match[str]) -> str:
    before, newline, indentation = run[0].rpartition("\n")
    if not newline:
        return " "
    kept = "".join(space if space == "\t" else " " for space in indentation)
    return "\n\n" + kept if "\n" in before else "\n" + kept
