"""One stage's Delta table: its commits, the checks on who wrote them, and going back.

delta-rs throughout: a restore takes a tenth of a second here and seconds in Spark, and a running
Spark session sees it.
"""

import json
from dataclasses import dataclass

from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError

from winnow.errors import CommandError
from winnow.schemas.documents import BATCH, DROPPED

# Delta refuses time travel beyond these, and a published version must stay readable for good:
# `winnow vacuum` alone decides what goes.
CONFIGURATION = {
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.dataSkippingStatsColumns": BATCH,  # long texts make statistics dear, ids useless
}


VACUUM = "vacuum"


@dataclass(frozen=True)
class Mark:
    """What Winnow writes into a commit's `userMetadata`, to know its own commits again."""

    run: str
    step: str  # create, build, mend, restore, vacuum
    restores: int | None = None

    def __str__(self) -> str:
        return json.dumps({"winnow": self.step, "run": self.run, "restores": self.restores})

    @classmethod
    def read(cls, text: object) -> "Mark | None":
        """Return the mark of a commit's metadata, None when Winnow did not write it."""
        try:
            values = json.loads(str(text))
            return cls(values["run"], values["winnow"], values.get("restores"))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Store:
    """The Delta table at an address."""

    path: str

    def latest(self) -> int | None:
        """Return the number of the last commit, None without a table.

        Raises:
            CommandError: its log is damaged.
        """
        try:
            return DeltaTable(self.path).version()
        except TableNotFoundError:
            return None
        except DeltaError as error:
            raise CommandError(
                f"the table {self.path} cannot be read: {str(error).splitlines()[0]}. "
                "Bring it back from a copy of the warehouse"
            ) from None

    def create(self, columns_json: str, run: str) -> int:
        """Make an empty version 0, so that a rejected first candidate has a state to return to.

        Args:
            columns_json: the schema as Spark's JSON, which is Delta's, engine columns included.
            run: the run that makes it.
        """
        DeltaTable.create(
            self.path,
            Schema.from_json(columns_json),
            mode="error",
            partition_by=[DROPPED],
            configuration=CONFIGURATION,
            commit_properties=_properties(Mark(run, "create")),
        )
        return 0

    def commit_nothing(self, mark: Mark) -> None:
        """Commit a version with the rows of the one before: a batch that had none."""
        table = DeltaTable(self.path)
        table.create_write_transaction(
            [],
            "append",
            table.schema(),
            [DROPPED],
            commit_properties=_properties(mark),
        )

    def marks(self, after: int) -> dict[int, Mark | None]:
        """Return who wrote each commit later than version `after`."""
        table = DeltaTable(self.path)
        newest = table.version()
        if newest <= after:
            return {}
        commits = table.history(newest - after)
        return {int(item["version"]): Mark.read(item.get("userMetadata")) for item in commits}

    def check(self, audited: int | None) -> bool:
        """Whether the last commit holds the audited content (version 0 when nothing was audited).

        Raises:
            CommandError: a commit since then is not Winnow's, or the audited version is gone.
        """
        base = audited or 0
        latest = self.latest()
        if latest is None:
            raise CommandError(
                f"the table {self.path} is gone, though version {base} was audited. "
                "Bring it back, or build it anew with --full-refresh"
            )
        if latest < base:
            raise CommandError(
                f"the table {self.path} ends at version {latest}, though version {base} was "
                "audited: something replaced it. Bring it back, or use --full-refresh"
            )
        marks = self.marks(base - 1)
        foreign = [version for version, mark in marks.items() if mark is None]
        if foreign:
            raise CommandError(
                f"something other than Winnow wrote version {min(foreign)} of {self.path}. "
                f"Undo it (RESTORE TABLE delta.`{self.path}` TO VERSION AS OF {base}, then "
                "--full-refresh), or build the stage anew with --full-refresh"
            )
        # A vacuum's commits change no row.
        changes = [v for v, mark in marks.items() if mark and mark.step != VACUUM and v > base]
        last = marks[max(changes)] if changes else None
        return not changes or (last is not None and last.restores == base)

    def restore(self, version: int, run: str) -> int:
        """Make the content of `version` the newest again; return the number of that commit."""
        table = DeltaTable(self.path)
        table.restore(version, commit_properties=_properties(Mark(run, "restore", version)))
        table.update_incremental()
        return int(table.version())

    def size(self) -> int:
        """Return the bytes of the newest version's files."""
        return sum(DeltaTable(self.path).get_add_actions(flatten=True)["size_bytes"].to_pylist())


def _properties(mark: Mark) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": str(mark)}, max_commit_retries=0)
