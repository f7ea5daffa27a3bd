"""The question of `winnow what-if`: rules of a stage changed, or the similarity of duplicates."""

from collections.abc import Sequence
from typing import Any

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.rule_changes import named, read_sweep
from winnow.explore.what_if_similarity import is_about_similarity, what_if_similar


def ask(
    catalog: Catalog,
    table: str,
    rules: Sequence[str],
    swept: str | None = None,
    master: str | None = None,
) -> dict[str, Any]:
    """Return who would come and go. Spark starts only if conditions must be evaluated.

    Args:
        catalog: what is published.
        table: `pipeline.stage`, or a stage's name that only one pipeline has.
        rules: each `name: condition`.
        swept: `name: condition with {a,b,c}`.
        master: where Spark runs.

    Raises:
        CommandError: the question is wrong; what it names is not there.
    """
    if not rules and swept is None:
        raise CommandError(
            "what if what? --rule 'word_count: words >= 20' changes a rule, "
            "--sweep 'word_count: words >= {20,50,100}' tries several values"
        )
    changes = [named(text, "--rule") for text in rules]
    asked = None if swept is None else read_sweep(swept)
    version = catalog.current(catalog.full_name(table))
    names = [name for name, _ in changes] + ([asked.rule] if asked else [])
    if any(is_about_similarity(catalog, version, name) for name in names):
        if len(names) > 1:
            raise CommandError(f"`{names[0]}`: ask about one similarity, or one sweep, at a time")
        values = asked.values if asked else [changes[0][1]]
        return what_if_similar(catalog, version, values, one=asked is None)

    from winnow.explore.what_if import Stage, sweep, what_if
    from winnow.session import build_session

    stage = Stage.of(catalog, version)
    changed = stage.changed(changes)
    if asked is not None:  # a wrong sweep is told before Spark takes seconds to start
        stage.changed([*changes, (asked.rule, asked.condition(asked.values[0]))])
    spark = build_session(master)
    return what_if(spark, stage, changed) if asked is None else sweep(spark, stage, changed, asked)
