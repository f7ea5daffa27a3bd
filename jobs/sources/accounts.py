"""What became of every record of a file: the account that a task gives of what it has read.

An account travels with the documents, as one more row after those of its piece, and is taken out
of them again before a stage sees them: it costs no second reading, and a task that is tried again
gives it again. `winnow.files` keeps one account a file.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import reduce

from winnow.sources.records import Record
from winnow.udfs.hashing import blake2b_128

# The `reject_reason` of a row that holds an account; no reason of a reject has a space.
ACCOUNT = "an account"

READ, PARTIAL, UNREADABLE = "read", "partial", "unreadable"


@dataclass(frozen=True, slots=True)
class Account:
    """What a task read of one piece of a file, or, joined, of a whole file.

    records = documents + rejects + skipped, in rows. `size` and `digest` (BLAKE2b-128) are those of
    the stored bytes that were read: a file may grow after it was listed. `error` is the reason why
    reading ended before the end, `position` where it did. `repaired` counts documents with pieces
    that were no text.
    """

    start: int = 0
    size: int = 0
    digest: str = ""
    records: int = 0
    documents: int = 0
    rejects: int = 0
    repaired: int = 0
    skipped: dict[str, int] = field(default_factory=dict)  # kind -> records
    error: str = ""
    position: int | None = None
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """READ, or PARTIAL if it broke off, or UNREADABLE if nothing came before the break."""
        if not self.error:
            return READ
        return PARTIAL if self.records else UNREADABLE

    def row(self) -> Record:
        """Return the account as a row, short, since the driver gets those of all files."""
        told = {k: value for k, value in asdict(self).items() if value != getattr(_EMPTY, k)}
        return Record(self.start, reject_reason=ACCOUNT, reject_snippet=json.dumps(told))


_EMPTY = Account()


def accounts_by_file(found: Iterable[str]) -> dict[str, Account]:
    """Join the accounts of pieces by file.

    Args:
        found: the snippet of each row that holds an account and, after a line break, its file; a
            task that was tried again may have left several of one piece.
    """
    pieces: dict[str, dict[int, Account]] = {}
    for line in found:
        snippet, _, file = line.partition("\n")
        account = Account(**json.loads(snippet))
        pieces.setdefault(file, {})[account.start] = account
    return {
        file: _joined([found[start] for start in sorted(found)]) for file, found in pieces.items()
    }


def _joined(pieces: list[Account]) -> Account:
    return replace(reduce(_and, pieces), digest=joined_digest([piece.digest for piece in pieces]))


def joined_digest(digests: list[str]) -> str:
    """Return the digest of a file from those of its pieces, in order: of one piece its own."""
    return digests[0] if len(digests) == 1 else blake2b_128("".join(digests).encode())


def _and(one: Account, other: Account) -> Account:
    kinds = sorted({*one.skipped, *other.skipped})
    return Account(
        start=one.start,
        size=one.size + other.size,
        records=one.records + other.records,
        documents=one.documents + other.documents,
        rejects=one.rejects + other.rejects,
        repaired=one.repaired + other.repaired,
        skipped={kind: one.skipped.get(kind, 0) + other.skipped.get(kind, 0) for kind in kinds},
        error=one.error or other.error,
        position=one.position if one.error else other.position,
        seconds=one.seconds + other.seconds,
    )
