"""Reads the shape of a query from its tokens.

Spark alone judges whether a query is right. This reader finds what a plan must know before Spark
starts: which tables are read, and which clauses a stage may not have. It follows Spark's grammar
as far as parentheses and clause keywords go and takes expressions as they come. (sqlglot's parser
keeps no offsets of clauses, reads `STREAM t` as a table called STREAM and fails on some of Spark's
syntax, so only its tokenizer is used.)
"""

from winnow.pipeline.query import Cte, Function, Query, Relation, Select, TableQuery
from winnow.pipeline.text import words
from winnow.pipeline.tokens import Lexeme, Token

SET_OPERATORS = frozenset({"UNION", "EXCEPT", "MINUS", "INTERSECT"})
_ONE_WORD = frozenset({"WHERE", "HAVING", "QUALIFY", "LIMIT", "OFFSET"})
_BEFORE_BY = frozenset({"GROUP", "ORDER", "SORT", "DISTRIBUTE", "CLUSTER"})
_JOIN_WORDS = frozenset(
    {"INNER", "CROSS", "LEFT", "RIGHT", "FULL", "OUTER", "SEMI", "ANTI", "NATURAL"}
)
_QUERY_WORDS = frozenset({"SELECT", "WITH", "FROM", "VALUES", "TABLE"})
# Symbols that can start an expression, and those that can end one.
_STARTS = frozenset("(-+~:?!.*{")
_ENDS = frozenset(")]}*?")
_OF_A_BLOCK = frozenset(
    {"FROM", "LATERAL VIEW", "WHERE", "GROUP BY", "HAVING", "WINDOW", "QUALIFY"}
)
# After these an expression must come: a keyword there is a name.
_EXPECTING = words(
    """SELECT DISTINCT BY WHERE HAVING QUALIFY ON AND OR NOT WHEN THEN ELSE CASE IN LIKE BETWEEN
    LIMIT OFFSET"""
)
# Words after a table that are no alias.
_NO_ALIAS = words(
    """ON USING TABLESAMPLE PIVOT UNPIVOT WITH VERSION SYSTEM_VERSION TIMESTAMP SYSTEM_TIME FOR
    CHANGES LATERAL"""
)


class QueryError(Exception):
    """A query whose shape cannot be read: tokens [start, end) are not what must stand there."""

    def __init__(self, start: int, end: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.start, self.end, self.message, self.remedy = start, end, message, remedy


def pair(tokens: list[Token]) -> dict[int, int]:
    """Match parentheses and brackets: opening -> closing token.

    Raises:
        QueryError: one of them has no partner.
    """
    pairs: dict[int, int] = {}
    open_: list[int] = []
    for i, token in enumerate(tokens):
        if token.word in ("(", "["):
            open_.append(i)
        elif token.word in (")", "]"):
            expected = "(" if token.word == ")" else "["
            if not open_ or tokens[open_[-1]].word != expected:
                raise QueryError(i, i + 1, f"`{token.word}` closes nothing")
            pairs[open_.pop()] = i
    if open_:
        raise QueryError(open_[-1], open_[-1] + 1, f"`{tokens[open_[-1]].word}` is never closed")
    return pairs


class Reader:
    """Reads queries from tokens."""

    def __init__(self, tokens: list[Token], pairs: dict[int, int]) -> None:
        self.tokens = tokens
        self.pairs = pairs

    # -- words ---------------------------------------------------------------------------------

    def word(self, i: int) -> str:
        """The keyword or symbol at i; empty past the end."""
        return self.tokens[i].word if 0 <= i < len(self.tokens) else ""

    def _is_identifier(self, i: int) -> bool:
        return 0 <= i < len(self.tokens) and bool(self.tokens[i].name)

    def _adjacent(self, i: int) -> bool:
        """Whether nothing stands between token i and the one after it."""
        return i + 1 < len(self.tokens) and self.tokens[i].end == self.tokens[i + 1].start

    def _next(self, i: int) -> int:
        """The token after i, past the group that i opens."""
        return self.pairs.get(i, i) + 1

    def _is_name_part(self, i: int) -> bool:
        """Whether a keyword at i is a name here: `t.from`, `from.t`, `AS limit`, `:limit`."""
        before = self.word(i - 1)
        return (
            before in (".", "AS")
            or (before == ":" and self._adjacent(i - 1))
            or (self.word(i + 1) == "." and self._adjacent(i))
        )

    def _starts_expression(self, i: int, end: int) -> bool:
        if i >= end:
            return False
        token = self.tokens[i]
        if token.lexeme is Lexeme.SYMBOL:
            return token.text in _STARTS
        return token.word not in ("FROM", "AS", "THEN", "END", "IS", "IN", "LIKE", "BETWEEN")

    def _clause(self, i: int, end: int) -> tuple[str, int] | None:
        """The clause that starts at token i and the token after its keywords."""
        word = self.word(i)
        if not word or self._is_name_part(i):
            return None
        if word == "|>":
            return "|>", i + 1
        before = self.tokens[i - 1] if i else None
        if before and before.lexeme is Lexeme.SYMBOL and before.text not in _ENDS:
            return None
        if before and before.word in _EXPECTING:
            return None
        following = self.word(i + 1)
        if word in _BEFORE_BY and following == "BY":
            return f"{word} BY", i + 2
        if word == "LATERAL" and following == "VIEW":
            return "LATERAL VIEW", i + 2
        if word == "WINDOW" and self._is_identifier(i + 1) and self.word(i + 2) == "AS":
            return "WINDOW", i + 1
        if word in _ONE_WORD and self._starts_expression(i + 1, end):
            return word, i + 1
        if word == "FROM" and self._is_from(i):
            return "FROM", i + 1
        if word in SET_OPERATORS:
            return self._set_operator(i)
        return None

    def _is_from(self, i: int) -> bool:
        before = self.word(i - 1)
        if before == "DISTINCT" and self.word(i - 2) in ("IS", "NOT"):
            return False  # a IS NOT DISTINCT FROM b
        return before != "CHANGES" and self.word(i + 1) not in ("FROM", ",", "=", ")")

    def _set_operator(self, i: int) -> tuple[str, int] | None:
        after = i + 1
        if self.word(after) in ("ALL", "DISTINCT"):
            after += 1
        first = after
        while self.word(first) == "(":
            first += 1
        return (self.word(i), i + 1) if self.word(first) in _QUERY_WORDS else None

    def _section(self, start: int, end: int) -> int:
        """Where the clause that starts at `start` ends: at the next clause keyword."""
        i = start
        while i < end and not self._clause(i, end):
            i = self._next(i)
        return min(i, end)

    # -- queries -------------------------------------------------------------------------------

    def starts_query(self, i: int) -> bool:
        """Whether a query starts at token i, parentheses before it skipped."""
        while self.word(i) == "(":
            i += 1
        word, following = self.word(i), i + 1
        if word not in _QUERY_WORDS or following >= len(self.tokens) or self._is_name_part(i):
            return False
        if word in ("SELECT", "VALUES"):
            return self._starts_expression(following, len(self.tokens))
        if word in ("FROM", "TABLE", "WITH"):
            return self._is_identifier(following) or self.word(following) == "("
        return False

    def query(self, start: int, end: int) -> Query:
        """Read tokens [start, end) as one query.

        Raises:
            QueryError: the tokens are not a query.
        """
        query = Query(start, end)
        i = self._ctes(query, start, end)
        i = self._operands(query, i, end)
        i = self._trailing(query, i, end)
        while self.word(i) == "|>" and i < end:
            query, i = self._step(query, i + 1, end)
        if i < end:
            raise QueryError(i, i + 1, f"`{self.tokens[i].text}` is not expected here")
        return query

    def _ctes(self, query: Query, i: int, end: int) -> int:
        if self.word(i) != "WITH":
            return i
        i += 1
        if self.word(i) == "RECURSIVE" and self.word(i + 1) not in ("AS", "("):
            query.recursive = True
            i += 1
        while True:
            i = self._cte(query, i, end)
            if self.word(i) != ",":
                return i
            i += 1

    def _cte(self, query: Query, start: int, end: int) -> int:
        if start >= end or not self._is_identifier(start):
            raise QueryError(start, start + 1, "expected the name of a WITH step")
        i = start + 1
        opening = self.pairs.get(i, i)
        if self.word(i) == "(" and self.word(opening + 1) in ("AS", "(", "MAX"):
            i = opening + 1  # the names of its columns
        if self.word(i) == "MAX":
            i += 4  # MAX RECURSION LEVEL n
        if self.word(i) == "AS":
            i += 1
        if self.word(i) != "(" or i >= end:
            raise QueryError(i, i + 1, "expected the query of the WITH step between parentheses")
        closing = self.pairs[i]
        name = self.tokens[start].name
        inner = self.query(i + 1, closing)
        query.ctes.append(Cte(name, start, closing + 1, inner, query.recursive))
        return closing + 1

    def _operands(self, query: Query, i: int, end: int) -> int:
        while True:
            operand, i = self._operand(i, end)
            query.operands.append(operand)
            if i >= end or self.word(i) not in SET_OPERATORS:
                return i
            operator, i = i, i + 1
            keeps_all = self.word(i) == "ALL"
            if self.word(i) in ("ALL", "DISTINCT"):
                i += 1
            query.operators.append((operator, self.word(operator), keeps_all))

    def _operand(self, i: int, end: int) -> tuple[Select | Query, int]:
        word = self.word(i) if i < end else ""
        if word == "(":
            return self.query(i + 1, self.pairs[i]), self.pairs[i] + 1
        if word in ("SELECT", "FROM"):
            return self._select(i, end)
        if word == "VALUES":
            select = Select(i)
            select.end = self._section(i + 1, end)
            self.scan(select, i + 1, select.end)
            return select, select.end
        if word == "TABLE" and self._is_identifier(i + 1):
            select = Select(i)
            relation, select.end = self._primary(i + 1, end)
            select.relations.append(relation)
            return select, select.end
        raise QueryError(
            i, i + 1, "expected a query: SELECT, WITH, FROM, VALUES, TABLE or parentheses"
        )

    def _select(self, start: int, end: int) -> tuple[Select, int]:
        select, i = Select(start), start
        if self.word(i) == "SELECT":
            i = self._items(select, i + 1, end)
        else:  # Hive's order, or the start of a pipe: FROM t SELECT a
            i = self._from(select, i, end)
            if self.word(i) == "SELECT" and i < end:
                i = self._items(select, i + 1, end)
        while i < end and (clause := self._clause(i, end)) and clause[0] in _OF_A_BLOCK:
            i = self._take(select, *clause, i, end)
        select.end = i
        return select, i

    def _from(self, select: Select, at: int, end: int) -> int:
        start, stop = at + 1, self._section(at + 1, end)
        if select.items is None:
            stop = self._hive_select(start, stop)
        if stop == start:
            raise QueryError(at, start, "FROM is followed by nothing")
        select.relations += self._relations(select, start, stop)
        return stop

    def _hive_select(self, start: int, end: int) -> int:
        i = start
        while i < end and not (self.word(i) == "SELECT" and self.word(i - 1) != "."):
            i = self._next(i)
        return i

    def _items(self, select: Select, i: int, end: int) -> int:
        if i < end and self.tokens[i].lexeme is Lexeme.HINT:
            i += 1
        if self.word(i) in ("DISTINCT", "ALL") and not self._is_name_part(i):
            select.distinct = i if self.word(i) == "DISTINCT" else None
            i += 1
        stop = self._section(i, end)
        if stop == i:
            raise QueryError(i - 1, i, "this SELECT returns nothing")
        select.items = (i, stop)
        self.scan(select, i, stop)
        return stop

    def _take(self, select: Select, clause: str, start: int, at: int, end: int) -> int:
        """Note one clause of a block and return where it ends."""
        if clause == "FROM":
            return self._from(select, at, end)
        stop = self._section(start, end)
        if stop == start:
            raise QueryError(at, start, f"{clause} is followed by nothing")
        if clause == "GROUP BY":
            select.group = at
        elif clause in ("WHERE", "HAVING", "QUALIFY"):
            select.filters.append(at)
        elif clause == "WINDOW":
            self._windows(select, start, stop)
        if clause == "WHERE":
            select.conditions.append((start, stop))
        self.scan(select, start, stop)
        return stop

    def _trailing(self, query: Query, i: int, end: int) -> int:
        """ORDER BY, WINDOW, LIMIT ... after the last block."""
        while i < end and (clause := self._clause(i, end)) and clause[0] != "|>":
            name, start = clause
            stop = self._section(start, end)
            if stop == start:
                raise QueryError(i, start, f"{name} is followed by nothing")
            if name == "ORDER BY":
                query.order_by = i
            elif name in ("LIMIT", "OFFSET"):
                if self.word(start) != "ALL":
                    query.limits.append(i)
            elif name in SET_OPERATORS or (name in _OF_A_BLOCK and name != "WINDOW"):
                break
            if name == "WINDOW":
                self._windows(query.last, start, stop)
            self.scan(query.last, start, stop)
            i = stop
        return i

    def _windows(self, select: Select, start: int, end: int) -> None:
        for i in range(start, end):
            if self._is_identifier(i) and self.word(i + 1) == "AS":
                name = self.tokens[i].name
                select.windows[name] = self.has_order(i + 2, self._next(i + 2), select)

    def has_order(self, start: int, end: int, select: Select) -> bool:
        """Whether a window, `(...)` or a name, has an ORDER BY."""
        if any((self.word(i), self.word(i + 1)) == ("ORDER", "BY") for i in range(start, end)):
            return True
        named = [self.tokens[i].name for i in range(start, end) if self.tokens[i].name]
        return bool(named) and select.windows.get(named[0], False)

    # -- pipes ---------------------------------------------------------------------------------

    def _step(self, before: Query, i: int, end: int) -> tuple[Query, int]:
        """One step of a pipe as a block over what came before it."""
        stop = i
        while stop < end and self.word(stop) != "|>":
            stop = self._next(stop)
        if stop == i:
            raise QueryError(i - 1, i, "this step of the pipe is empty")
        step = Query(before.start, stop)
        word = self.word(i)
        if word in SET_OPERATORS:
            step.operands.append(before)
            keeps_all = self.word(i + 1) == "ALL"
            step.operators.append((i, word, keeps_all))
            first = i + 2 if self.word(i + 1) in ("ALL", "DISTINCT") else i + 1
            self._operands(step, first, stop)
            return step, stop
        select = Select(i, stop, pipe=True)
        select.relations.append(Relation(before.start, before.end, query=before))
        step.operands.append(select)
        self._fill_step(step, select, before, i, stop)
        return step, stop

    def _fill_step(self, step: Query, select: Select, before: Query, i: int, stop: int) -> None:
        word = self.word(i)
        if self._join_at(i, stop):
            select.relations += self._joined(select, i, stop)
            return
        if word in ("SELECT", "EXTEND", "SET"):
            start = i + 1
            if word == "SELECT" and self.word(start) == "DISTINCT":
                select.distinct, start = start, start + 1
            select.items = (start, stop) if word != "SET" else None
        elif word == "AGGREGATE":
            select.group = i
        elif word == "PIVOT":
            select.pivot = i
        elif word == "TABLESAMPLE":
            select.samples.append(i)
        elif word in ("WHERE", "HAVING", "QUALIFY"):
            select.filters.append(i)
            select.conditions.append((i + 1, stop))
        elif word == "ORDER":
            step.order_by = i
        elif word in ("LIMIT", "OFFSET"):
            step.limits.append(i)
            step.order_by = before.order_by  # the order of the step before holds
        self.scan(select, i + 1, stop)

    # -- FROM ----------------------------------------------------------------------------------

    def _relations(self, select: Select, start: int, end: int) -> list[Relation]:
        relation, i = self._relation(select, start, end)
        return [relation, *self._joined(select, i, end)]

    def _joined(self, select: Select, i: int, end: int) -> list[Relation]:
        found: list[Relation] = []
        while i < end:
            at = i
            if self.word(i) == ",":
                join, i = "CROSS", i + 1
            else:
                kind = []
                while self.word(i) != "JOIN":
                    kind.append(self.word(i))
                    i += 1
                join, i = " ".join(kind) or "INNER", i + 1
            if i >= end:
                raise QueryError(at, i, "expected a table after this")
            relation, i = self._relation(select, i, end)
            relation.join, relation.join_start = join, at
            found.append(relation)
        return found

    def _join_at(self, i: int, end: int) -> bool:
        if self._is_name_part(i):
            return False
        while i < end and self.word(i) in _JOIN_WORDS:
            i += 1
        return i < end and self.word(i) == "JOIN"

    def _relation(self, select: Select, start: int, end: int) -> tuple[Relation, int]:
        relation, i = self._primary(start, end)
        first = i
        while i < end and self.word(i) != "," and not self._join_at(i, end):
            i = self._next(i)
        i = min(i, end)
        relation.tail = (first, i)
        self._tail(select, relation, first, i)
        for argument in relation.arguments or ():
            self.scan(select, *argument)
        return relation, i

    def _tail(self, select: Select, relation: Relation, start: int, end: int) -> None:
        i = start
        while i < end:
            word = self.word(i)
            if word == "TABLESAMPLE":
                select.samples.append(i)
            elif word == "PIVOT" and self.word(i + 1) == "(":
                select.pivot = i
            elif word == "ON":
                select.conditions.append((i + 1, end))
                break
            elif word == "AS" and self._is_identifier(i + 1):
                relation.alias = self.tokens[i + 1].name
            elif i == start and self._is_identifier(i) and word not in _NO_ALIAS:
                relation.alias = self.tokens[i].name
            i = self._next(i)
        self.scan(select, start, end)

    def _primary(self, start: int, end: int) -> tuple[Relation, int]:
        if start >= end:
            raise QueryError(start - 1, start, "expected a table after this")
        relation = Relation(start, start)
        i = start
        if self.word(i) == "LATERAL" and i + 1 < end:
            relation.lateral = True
            i += 1
        if self._is_stream(i, end):
            relation.stream = True
            i += 1
        if self.word(i) == "(":
            i = self._parenthesised(relation, i)
        elif self.word(i) == "VALUES" and self._starts_expression(i + 1, end):
            i = self._values(i + 1, end)
        elif self._is_identifier(i):
            i = self._named(relation, i, end)
        else:
            raise QueryError(i, i + 1, "expected a table, a table function or a subquery")
        relation.end = i
        return relation, i

    def _is_stream(self, i: int, end: int) -> bool:
        if self.word(i) != "STREAM" or i + 1 >= end or self._is_name_part(i):
            return False
        following = self.word(i + 1)
        if following == "(" or not following:
            return True
        return self._is_identifier(i + 1) and not (
            following in _NO_ALIAS or following == "AS" or self._join_at(i + 1, end)
        )

    def _parenthesised(self, relation: Relation, opening: int) -> int:
        closing = self.pairs[opening]
        if opening + 1 == closing:
            raise QueryError(opening, closing + 1, "expected a table between the parentheses")
        if relation.stream and not self.starts_query(opening + 1):
            self._named_inside(relation, opening + 1, closing)
        elif self._is_subquery(opening):
            relation.query = self.query(opening + 1, closing)
        else:
            holder = Select(opening + 1, closing)
            holder.relations = self._relations(holder, opening + 1, closing)
            relation.query = Query(opening + 1, closing, operands=[holder])
            relation.nested = holder.relations
        return closing + 1

    def _named_inside(self, relation: Relation, i: int, closing: int) -> None:
        if not self._is_identifier(i) or self._named(relation, i, closing) != closing:
            raise QueryError(i, closing, "expected one table inside STREAM( )")

    def _is_subquery(self, opening: int) -> bool:
        """`(SELECT ..)` and `((SELECT ..) UNION ..)`, not `((SELECT ..) a JOIN b)`."""
        i = opening + 1
        if self.word(i) != "(":
            return self.starts_query(i)
        if not self.starts_query(i) or not self._is_subquery(i):
            return False
        after, end = self.pairs[i] + 1, self.pairs[opening]
        return after == end or self._clause(after, end) is not None

    def _values(self, i: int, end: int) -> int:
        """The end of `VALUES row, row, ...`: an alias or a join follows."""
        while i < end:
            if self.word(i) in ("-", "+"):
                i += 1
            i = self._next(i)
            while i < end and self.word(i) in ("(", "["):
                i = self._next(i)
            if self.word(i) != "," or i >= end:
                break
            i += 1
        return i

    def _named(self, relation: Relation, i: int, end: int) -> int:
        if self.word(i) == "IDENTIFIER" and self.word(i + 1) == "(":
            closing = self.pairs[i + 1]
            relation.identifier = (i + 2, closing)
            return closing + 1
        parts = [i]
        while self.word(i + 1) == "." and i + 2 < end and self._is_identifier(i + 2):
            i += 2
            parts.append(i)
        relation.name = tuple(parts)
        if self.word(i + 1) != "(" or i + 1 >= end:
            return i + 1
        closing = self.pairs[i + 1]
        self._arguments(relation, i + 2, closing)
        return closing + 1

    def _arguments(self, relation: Relation, start: int, closing: int) -> None:
        relation.arguments = []
        for first, last in self.split(start, closing):
            at, name = first, ""
            if self._is_identifier(first) and self.word(first + 1) == "=>":
                at, name = first + 2, self.tokens[first].name
            if self.word(at) == "TABLE" and self.word(at + 1) == "(":
                relation.tables.append(self._table_query(name, at + 2, self.pairs[at + 1]))
            else:
                relation.arguments.append((first, last))

    def _table_query(self, name: str, start: int, end: int) -> TableQuery:
        if start == end:
            raise QueryError(start - 2, end + 1, "expected a table or a query inside TABLE( )")
        if self.starts_query(start):
            return TableQuery(name, start, end, self.query(start, end), is_name=False)
        holder = Select(start, end)
        relation, after = self._primary(start, end)
        if after != end:
            raise QueryError(after, end, "expected one table or one query inside TABLE( )")
        holder.relations = [relation]
        return TableQuery(name, start, end, Query(start, end, operands=[holder]), is_name=True)

    def split(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of [start, end) between top-level commas; none for an empty range."""
        parts, first, i = [], start, start
        while i < end:
            if self.word(i) == ",":
                parts.append((first, i))
                first = i + 1
            i = self._next(i)
        return [*parts, (first, end)] if end > start else []

    # -- expressions ---------------------------------------------------------------------------

    def scan(self, select: Select, start: int, end: int) -> None:
        """Note the functions, subqueries and words of an expression."""
        inside: list[tuple[int, str]] = []  # (closing, name) of the calls around
        i = start
        while i < end:
            while inside and i >= inside[-1][0]:
                inside.pop()
            word = self.word(i)
            if word == "(" and self._opens_subquery(i):
                select.subqueries.append((i, self.query(i + 1, self.pairs[i])))
                i = self.pairs[i] + 1
                continue
            if word == "(":
                inside.append((self.pairs[i], self._called(i)))
            if self._is_identifier(i):
                if self.word(i + 1) == "(" and i + 1 < end:
                    direct = inside[-1][1] if inside else ""
                    select.functions.append(self._function(i, direct))
                else:
                    select.words.append(i)
            i += 1

    def _called(self, opening: int) -> str:
        return self.tokens[opening - 1].name if opening else ""

    def _opens_subquery(self, opening: int) -> bool:
        if not self.starts_query(opening + 1) or not self._is_subquery(opening):
            return False
        before = self.word(opening - 1)
        return before not in ("TRIM", "EXTRACT", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION")

    def _function(self, i: int, inside: str) -> Function:
        opening = i + 1
        closing = self.pairs[opening]
        function = Function(self.tokens[i].name, i, opening, closing, inside)
        after = closing + 1
        while True:
            word, following = self.word(after), self.word(after + 1)
            if word in ("IGNORE", "RESPECT") and following == "NULLS":
                after += 2
            elif word == "FILTER" and following == "(":
                after = self.pairs[after + 1] + 1
            elif word == "WITHIN" and following == "GROUP" and self.word(after + 2) == "(":
                function.ordered = True
                after = self.pairs[after + 2] + 1
            elif word == "OVER" and (following == "(" or self._is_identifier(after + 1)):
                function.over = (after + 1, self._next(after + 1))
                return function
            else:
                return function
