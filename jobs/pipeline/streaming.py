"""What a streaming table may not do: its rows must be the same for any split into batches."""

from collections.abc import Iterator
from dataclasses import dataclass

from winnow.pipeline.lineage import Uses, seen_by
from winnow.pipeline.model import Problem
from winnow.pipeline.query import Cte, Query, Relation, Scope, Select, find
from winnow.pipeline.stage import Statement
from winnow.pipeline.text import listed, quoted, words

# A test holds the list against Spark.
AGGREGATES = words(
    """any any_value approx_count_distinct approx_percentile approx_top_k approx_top_k_accumulate
    approx_top_k_combine array_agg avg bit_and bit_or bit_xor bitmap_and_agg
    bitmap_construct_agg bitmap_or_agg bool_and bool_or collect_list collect_set corr count
    count_if count_min_sketch covar_pop covar_samp every first first_value grouping grouping_id
    histogram_numeric hll_sketch_agg hll_union_agg kll_merge_agg_bigint kll_merge_agg_double
    kll_merge_agg_float kll_sketch_agg_bigint kll_sketch_agg_double kll_sketch_agg_float
    kurtosis last last_value listagg max max_by mean measure median min min_by mode percentile
    percentile_approx percentile_cont percentile_disc regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness some std stddev
    stddev_pop stddev_samp string_agg sum theta_intersection_agg theta_sketch_agg
    theta_union_agg try_avg try_sum tuple_intersection_agg_double tuple_intersection_agg_integer
    tuple_sketch_agg_double tuple_sketch_agg_integer tuple_union_agg_double
    tuple_union_agg_integer var_pop var_samp variance"""
)
_COMPARISONS = frozenset({"<", ">", "<=", ">="})
_MATERIALIZE = "Make this stage a materialized view, which is recomputed as a whole."


@dataclass(frozen=True)
class Flow:
    """What streams into a part of a query, and which tables that it reads as a whole grow."""

    streams: frozenset[str] = frozenset()
    growing: frozenset[str] = frozenset()

    def __or__(self, other: "Flow") -> "Flow":
        return Flow(self.streams | other.streams, self.growing | other.growing)

    def __bool__(self) -> bool:
        return bool(self.streams or self.growing)

    def __str__(self) -> str:
        if self.streams:
            return f"STREAM({min(self.streams)})"
        return f"{quoted(min(self.growing))}, a table that grows"


def problems(statement: Statement, uses: Uses, growing: frozenset[str]) -> list[Problem]:
    """All clauses of a streaming table's query whose answer a later batch would change."""
    walker = _Walker(statement, uses, growing)
    found = list(walker.query(uses.query, ()))
    if not uses.streams and not uses.problems:
        message = f"streaming table {quoted(statement.name)} reads nothing with STREAM"
        remedy = "Put STREAM before the input whose new rows it adds, or materialize a view."
        found.append(statement.text.problem(*statement.kind_span, message, remedy))
    return found


def view_problems(statement: Statement, uses: Uses, growing: frozenset[str]) -> list[Problem]:
    """The same clauses in a view that a streaming table reads: they are a part of its query."""
    return list(_Walker(statement, uses, growing).query(uses.query, ()))


class _Walker:
    def __init__(self, statement: Statement, uses: Uses, growing: frozenset[str]) -> None:
        self.statement, self.uses, self.growing = statement, uses, growing
        self.reader = uses.reader
        self._steps: dict[int, Flow] = {}  # of WITH steps, by identity

    def _problem(self, start: int, end: int, message: str, remedy: str = _MATERIALIZE) -> Problem:
        return self.statement.problem(start, end, message, remedy)

    # -- what flows where ----------------------------------------------------------------------

    def _of_query(self, query: Query, scope: Scope) -> Flow:
        scope = (*scope, tuple(query.ctes)) if query.ctes else scope
        flow = Flow()
        for operand in query.operands:
            flow |= self._of_operand(operand, scope)
        return flow

    def _of_operand(self, operand: Select | Query, scope: Scope) -> Flow:
        if isinstance(operand, Query):
            return self._of_query(operand, scope)
        flow = Flow()
        for relation in operand.relations:
            flow |= self._of_relation(relation, scope)
        return flow

    def _of_relation(self, relation: Relation, scope: Scope) -> Flow:
        if relation.query:
            return self._of_query(relation.query, scope)
        if relation.start in self.uses.operators:
            declared = self.uses.operators[relation.start]
            streams = relation.stream and declared.kind == "source"
            flow = Flow(streams=frozenset({declared.name} if streams else ()))
            for table in relation.tables:
                flow |= self._of_query(table.query, scope)
            return flow
        if relation.start in self.uses.tables:
            table_name = self.uses.tables[relation.start]
            if relation.stream:
                return Flow(streams=frozenset({table_name}))
            return Flow(growing=frozenset({table_name} & self.growing))
        if len(relation.name) == 1:
            cte = find(scope, self.reader.tokens[relation.name[0]].name)
            return self._of_step(cte, scope) if cte else Flow()
        return Flow()

    def _of_step(self, cte: Cte, scope: Scope) -> Flow:
        if id(cte) not in self._steps:
            self._steps[id(cte)] = Flow()  # a recursive step reads itself
            self._steps[id(cte)] = self._of_query(cte.query, seen_by(cte, scope))
        return self._steps[id(cte)]

    # -- queries -------------------------------------------------------------------------------

    def query(self, query: Query, scope: Scope) -> Iterator[Problem]:
        """Everything wrong in a query and in the queries inside it."""
        seen: tuple[Cte, ...] = ()
        for cte in query.ctes:
            inner = (*scope, (*seen, cte) if cte.recursive else seen)
            yield from self.query(cte.query, inner)
            seen = (*seen, cte)
        scope = (*scope, seen) if seen else scope
        yield from self._set_operators(query, scope)
        flow = self._of_query(query, scope[:-1] if seen else scope)
        for i in query.limits if flow else ():
            word = self.reader.word(i)
            yield self._problem(i, i + 1, f"{word} over {flow} would keep other rows later")
        for operand in query.operands:
            if isinstance(operand, Query):
                yield from self.query(operand, scope)
            else:
                yield from self._select(operand, scope)

    def _set_operators(self, query: Query, scope: Scope) -> Iterator[Problem]:
        flows = [self._of_operand(operand, scope) for operand in query.operands]
        for (i, word, keeps_all), left, right in zip(
            query.operators, flows, flows[1:], strict=False
        ):
            flow = left | right
            if flow and not (word == "UNION" and keeps_all):
                shown = word if word != "UNION" else "UNION without ALL"
                message = f"{shown} over {flow} compares rows of all batches"
                remedy = "Write UNION ALL." if word == "UNION" else _MATERIALIZE
                yield self._problem(i, i + 1, message, remedy)
        if not any(flow.streams for flow in flows):
            return
        for operand, flow in zip(query.operands, flows, strict=True):
            if not flow.streams:
                message = "this branch has no STREAM: each run would add its rows again"
                remedy = "Read its table with STREAM, or make this stage a materialized view."
                yield self._problem(operand.start, operand.start + 1, message, remedy)

    def _select(self, select: Select, scope: Scope) -> Iterator[Problem]:
        flow = self._of_operand(select, scope)
        if flow:
            yield from self._grouping(select, flow)
        yield from self._joins(select, scope)
        yield from self._same_table(select)
        for relation in select.relations:
            yield from self._relation(relation, scope)
        for opening, subquery in select.subqueries:
            yield from self._subquery(opening, subquery, scope)

    def _grouping(self, select: Select, flow: Flow) -> Iterator[Problem]:
        if select.distinct is not None:
            message = f"DISTINCT over {flow} compares rows of all batches"
            yield self._problem(select.distinct, select.distinct + 1, message)
        if select.pivot is not None:
            message = f"PIVOT over {flow} would change its groups later"
            yield self._problem(select.pivot, select.pivot + 1, message)
        if select.group is not None:
            shown = "AGGREGATE" if self.reader.word(select.group) == "AGGREGATE" else "GROUP BY"
            end = select.group + len(shown.split())
            yield self._problem(
                select.group, end, f"{shown} over {flow} would change its groups later"
            )
        for function in select.functions:
            if self.reader.word(function.start - 1) == ".":
                continue
            if function.over:
                message = f"the window of {quoted(function.name)} over {flow} spans batches"
                yield self._problem(function.over[0] - 1, function.over[0], message)
            elif function.name in AGGREGATES and select.group is None and select.pivot is None:
                message = f"{quoted(function.name)} over {flow} would change its value later"
                yield self._problem(function.start, function.start + 1, message)

    def _relation(self, relation: Relation, scope: Scope) -> Iterator[Problem]:
        declared = self.uses.operators.get(relation.start)
        if declared and declared.kind == "operator" and not declared.append_only:
            flow = self._of_relation(relation, scope)
            if flow:
                message = f"{quoted(declared.name)} is called over {flow}: its answer would change"
                yield self._problem(relation.start, relation.name[-1] + 1, message)
        for inner in (relation.query, *(table.query for table in relation.tables)):
            if inner:
                yield from self.query(inner, scope)

    def _subquery(self, opening: int, subquery: Query, scope: Scope) -> Iterator[Problem]:
        flow = self._of_query(subquery, scope)
        if flow.streams:
            message = f"{flow} stands in a subquery, where its rows are compared, not added"
            remedy = "Put STREAM into the FROM clause, and read other tables in subqueries."
            yield self._problem(opening, opening + 1, message, remedy)
        elif flow.growing:
            message = f"this subquery reads {flow}: what it says of a row would change later"
            remedy = (
                f"Make {listed(sorted(flow.growing))} a materialized view, or use an inner join."
            )
            yield self._problem(opening, opening + 1, message, remedy)
        yield from self.query(subquery, scope)

    # -- joins ---------------------------------------------------------------------------------

    def _joins(self, select: Select, scope: Scope) -> Iterator[Problem]:
        left = Flow()
        for relation in select.relations:
            right = self._of_relation(relation, scope)
            if relation.join:
                yield from self._join(relation, left, right)
            left |= right

    def _join(self, relation: Relation, left: Flow, right: Flow) -> Iterator[Problem]:
        kind = set(relation.join.split())
        start, end = relation.start, relation.end
        if left.streams and right.streams:
            message = f"{left} and {right} are joined: rows of different batches would not meet"
            remedy = "Read one of them as a whole, without STREAM."
            yield self._problem(start, end, message, remedy)
            return
        name = f"{relation.join} JOIN"
        right_is_null = bool(kind & {"LEFT", "FULL", "SEMI", "ANTI"})
        left_is_null = bool(kind & {"RIGHT", "FULL"})
        if (right_is_null and right.streams) or (left_is_null and left.streams):
            flow = right if right_is_null and right.streams else left
            message = f"{flow} stands on the side of a {name} that may be missing"
            if kind & {"SEMI", "ANTI"}:
                message = f"{flow} stands on the side of a {name} that only filters"
            remedy = "Put the STREAM on the side whose rows all stay."
            yield self._problem(relation.join_start, end, message, remedy)
        elif (right_is_null and left.streams and right.growing) or (
            left_is_null and right.streams and left.growing
        ):
            tables = right.growing if right_is_null and right.growing else left.growing
            message = (
                f"{name} with {quoted(min(tables))}, a table that grows: "
                "its answer would change later"
            )
            remedy = f"Make {quoted(min(tables))} a materialized view, or use an inner join."
            yield self._problem(relation.join_start, end, message, remedy)

    def _same_table(self, select: Select) -> Iterator[Problem]:
        """`a.id < b.id` between new rows and all rows loses pairs of a new and an older row."""
        names: dict[str, tuple[str, bool]] = {}
        for relation in select.relations:
            if table := self.uses.tables.get(relation.start):
                names[relation.alias or table.rpartition(".")[2]] = (table, relation.stream)
        word, tokens = self.reader.word, self.reader.tokens
        for start, end in select.conditions:
            for i in range(start + 3, end - 3):
                if word(i) not in _COMPARISONS or word(i - 2) != "." or word(i + 2) != ".":
                    continue
                left, right = names.get(tokens[i - 3].name), names.get(tokens[i + 1].name)
                same_column = tokens[i - 1].name == tokens[i + 3].name
                if left and right and same_column and left[0] == right[0] and left[1] != right[1]:
                    column = tokens[i - 1].name
                    message = (
                        f"this loses the pairs of a new row with an older one whose "
                        f"{quoted(column)} is on the other side"
                    )
                    one, other = (tokens[j].text for j in (i - 3, i + 1))
                    remedy = (
                        f"Join on {one}.{column} <> {other}.{column} and return "
                        f"LEAST({one}.{column}, {other}.{column}) and GREATEST(...)."
                    )
                    yield self._problem(i - 3, i + 4, message, remedy)
