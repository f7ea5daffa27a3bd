"""Rules as `winnow what-if` is asked to change them: `name: condition`, and lists of values.

A rule of the stage keeps its action (drop, record, fail); one of another name is new and drops.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from winnow.errors import CommandError
from winnow.explore.catalog import closest
from winnow.extensions import built_in, installed, join
from winnow.pipeline.model import Action
from winnow.pipeline.reader import QueryError
from winnow.pipeline.refuse import in_condition
from winnow.pipeline.text import Text
from winnow.pipeline.tokens import Token, tokenize

_NAME = re.compile(r"\s*(\w+)\s*:(.+)", re.S)
_VALUES = re.compile(r"\{([^{}]*)\}")
MOST_VALUES = 50  # of a sweep: each is a column of one pass over the stage


@dataclass(frozen=True)
class Change:
    """One rule with another condition. `before` is None for a rule that the stage does not have."""

    rule: str
    condition: str
    before: str | None
    action: str


@dataclass(frozen=True)
class Sweep:
    """One rule with a value in its condition that varies: `words >= {20,50,100}`."""

    rule: str
    template: str
    values: tuple[str, ...]

    def condition(self, value: str) -> str:
        """Return the condition with one of the values."""
        return _VALUES.sub(lambda _: value, self.template)


def named(text: str, option: str) -> tuple[str, str]:
    """Return name and condition of `name: condition`.

    Raises:
        CommandError: it is not written so.
    """
    found = _NAME.fullmatch(text)
    if found is None or not found[2].strip():
        raise CommandError(f"{option} {text!r}: write {option} 'name: condition'")
    return found[1], found[2].strip()


def read_sweep(text: str) -> Sweep:
    """Return the sweep of `name: condition with {one,two,three}`.

    Raises:
        CommandError: it is not written so.
    """
    name, template = named(text, "--sweep")
    lists = _VALUES.findall(template)
    values = [value.strip() for value in lists[0].split(",")] if len(lists) == 1 else []
    if not all(values) or not values:
        raise CommandError(
            f"--sweep {text!r}: the condition holds one list of values in braces, "
            "e.g. --sweep 'word_count: words >= {20,50,100}'"
        )
    if len(values) > MOST_VALUES:
        raise CommandError(f"--sweep takes at most {MOST_VALUES} values, not {len(values)}")
    return Sweep(name, template, tuple(dict.fromkeys(values)))


def change(rule: str, condition: str, rules: Sequence[Mapping[str, Any]]) -> Change:
    """Return a rule's change.

    Args:
        rule: its name.
        condition: the one to try.
        rules: the stage's, as the control table `rules` has them.

    Raises:
        CommandError: the stage has no such rule but one of nearly that name, or the condition is
            not one that a rule may have.
    """
    known = {row["rule"]: row for row in rules}
    ends = [name for name in known if name.endswith(f"_{rule}")]  # a recipe's, without its tool
    if rule not in known and (near := closest(rule, known) or ends):
        meant = " or ".join(f"`{name}`" for name in near)
        raise CommandError(
            f"the stage has no rule `{rule}`. Did you mean {meant}? "
            "A rule that is really new needs a name less like one that is there"
        )
    check(rule, condition)
    row = known.get(rule)
    if row is None:
        return Change(rule, condition, None, Action.DROP.value)
    return Change(rule, condition, row["condition"], row["action"])


def check(rule: str, condition: str) -> None:
    """Make sure that a condition is what a rule of a stage file may be.

    Raises:
        CommandError: it is not.
    """
    text = Text(Path(), condition)
    tokens, problem = tokenize(text)
    if problem is not None:
        raise CommandError(f"rule `{rule}`: {problem.message}: {condition}")
    # Functions take two seconds to import: only where a word before a parenthesis may be one.
    calls = any(token.name and after.word == "(" for token, after in pairwise(tokens))
    try:
        known = join(built_in(), installed()) if calls else {}
        found = next(in_condition(rule, tokens, known), None)
    except QueryError as error:
        raise CommandError(f"rule `{rule}`: {error.message}: {condition}") from None
    if found is not None:
        _, _, message, remedy = found
        raise CommandError(f"{message}: {condition}\n{remedy}")


def names_in(conditions: Iterable[str]) -> frozenset[str]:
    """Return all identifiers of conditions in lower case: the columns, and a few words more."""
    tokens: list[Token] = []
    for condition in conditions:
        tokens += tokenize(Text(Path(), condition))[0]
    return frozenset(token.name for token in tokens if token.name)
