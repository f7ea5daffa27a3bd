"""The order in which stages are built, and what about their connections is wrong."""

import heapq
from collections.abc import Iterable, Mapping

from winnow.pipeline.lineage import Uses
from winnow.pipeline.model import Kind, Problem
from winnow.pipeline.stage import Statement
from winnow.pipeline.text import quoted

Graph = Mapping[str, frozenset[str]]  # stage -> the stages of this pipeline that it reads


def reads_of(found: Mapping[str, Uses]) -> dict[str, frozenset[str]]:
    """Which stages of the pipeline each stage reads, TABLE arguments included."""
    return {
        name: frozenset(table for table in uses.tables.values() if table in found)
        for name, uses in found.items()
    }


def order(graph: Graph) -> list[str]:
    """Every stage after all that it reads; among those that could come next, by name.

    Stages on a cycle, and those that read them, are left out.
    """
    waiting = {name: len(reads) for name, reads in graph.items()}
    readers: dict[str, list[str]] = {name: [] for name in graph}
    for name, reads in graph.items():
        for read in reads:
            readers[read].append(name)
    ready = [name for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    ordered = []
    while ready:
        name = heapq.heappop(ready)
        ordered.append(name)
        for reader in readers[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    return ordered


def cycles(
    graph: Graph, found: Mapping[str, Uses], files: Mapping[str, Statement]
) -> list[Problem]:
    """One problem for each cycle, at the place where its first stage reads the next one."""
    left = dict.fromkeys(sorted(set(graph) - set(order(graph))))
    problems = []
    while left:
        cycle = _cycle(graph, left)
        if not cycle:
            break
        name, read = cycle[0], cycle[1 % len(cycle)]
        path = " -> ".join([*cycle, name])
        if len(cycle) == 1:
            message = f"stage {quoted(name)} reads itself"
            remedy = "A streaming table sees only rows that are new; what it holds stays in it."
        else:
            message = f"these stages read each other in a circle: {path}"
            remedy = "A stage reads only what can be built before it."
        problems.append(_at_read(files[name], found[name], read, message, remedy))
        for stage in cycle:
            left.pop(stage, None)
    return problems


def _cycle(graph: Graph, left: Iterable[str]) -> list[str]:
    """A cycle among the stages left, its first name the smallest; empty if there is none."""
    stages = set(left)
    for start in sorted(stages):
        seen: list[str] = []
        stage: str | None = start
        while stage is not None and stage not in seen:
            seen.append(stage)
            stage = min((read for read in graph[stage] if read in stages), default=None)
        if stage is not None:
            cycle = seen[seen.index(stage) :]
            smallest = cycle.index(min(cycle))
            return cycle[smallest:] + cycle[:smallest]
    return []


def _at_read(statement: Statement, uses: Uses, read: str, message: str, remedy: str) -> Problem:
    first = min(i for i, table in uses.tables.items() if table == read)
    last = uses.ends[first]
    return statement.problem(first, last, message, remedy)


def streams(
    name: str, uses: Uses, statement: Statement, kinds: Mapping[str, Kind]
) -> list[Problem]:
    """STREAM of a stage that is not a streaming table: only those say which rows are new."""
    problems = []
    for first in sorted(uses.streams):
        table = uses.tables.get(first, "")
        kind = kinds.get(table)
        if kind in (None, Kind.STREAMING_TABLE) or table == name:
            continue
        message = f"STREAM cannot read {quoted(table)}, which is a {kind.value}"
        remedy = (
            f"Read all of it, without STREAM, or make {quoted(table)} a streaming table."
            if kind is Kind.MATERIALIZED_VIEW
            else "Put STREAM before the streaming tables that it reads, in this stage."
        )
        problems.append(statement.problem(first, uses.ends[first], message, remedy))
    return problems


def views_of_streaming_tables(graph: Graph, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """Views whose query is a part of a streaming table's, directly or through other views."""
    waiting = [name for name, kind in kinds.items() if kind is Kind.STREAMING_TABLE]
    found: set[str] = set()
    while waiting:
        views = {read for read in graph.get(waiting.pop(), ()) if not kinds[read].stored} - found
        found |= views
        waiting += views
    return frozenset(found)


def growing(graph: Graph, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """Stages whose rows grow by appending: streaming tables, and views over one."""
    found: set[str] = set()
    for name in order(graph):
        is_view = not kinds[name].stored
        if kinds[name] is Kind.STREAMING_TABLE or (is_view and graph[name] & found):
            found.add(name)
    return frozenset(found)
