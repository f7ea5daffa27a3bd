"""How an input is divided among tasks: always the same for the same files."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow.sources.files import InputFile
from winnow.sources.formats import FORMATS

# A task reads about this much: two seconds of work. A small input is divided more finely, so that
# all cores have something to do.
LARGEST, SMALLEST = 64 << 20, 4 << 20
TASKS = 16

# What a file costs beside its bytes, in bytes; and the bytes that a compressed byte stands for.
OPENING = 32 << 10
EXPANSION = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a file whose records begin in [start, end); `end` None for the whole rest."""

    file: InputFile
    start: int = 0
    end: int | None = None


def partitions(files: Sequence[InputFile]) -> list[list[Piece]]:
    """Divide files into lists of neighbouring pieces of about the same cost.

    A compressed file is one piece; a large plain one, of a format that can be split, is several.
    """
    target = min(LARGEST, max(SMALLEST, sum(_cost(file) for file in files) // TASKS))
    divided: list[list[Piece]] = []
    room = 0
    for file in files:
        cut = pieces(file)
        cost = _cost(file) // len(cut)
        for piece in cut:
            if not divided or cost > room:
                divided.append([])
                room = target
            divided[-1].append(piece)
            room -= cost
    return divided


def pieces(file: InputFile) -> list[Piece]:
    """Divide a file, always in the same way; most are one piece."""
    count = 1
    if FORMATS[file.format].is_splittable and not file.is_compressed:
        count = max(1, -(-file.size // LARGEST))
    edges = [file.size * i // count for i in range(count)]
    return [Piece(file, start, end) for start, end in zip(edges, [*edges[1:], None], strict=True)]


def _cost(file: InputFile) -> int:
    return OPENING + file.size * (EXPANSION if file.is_compressed else 1)
