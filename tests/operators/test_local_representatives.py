"""Nobody goes who is not like one that stays; what stays does not hang on partitions or batches."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import CommandError
from winnow.operators.components import components
from winnow.operators.local_representatives import decide, local_representatives


def reference(ranks, pairs, max_copies=1):
    """Return id -> kept_id, for the documents in the order of (rank, id)."""
    kept, verdicts = set(), {}
    for id in sorted(ranks, key=lambda id: (ranks[id], id)):
        partners = {}
        for (a, b), similarity in pairs.items():
            if id in (a, b) and (other := b if id == a else a) in kept:
                partners[other] = similarity
        if len(partners) < max_copies:
            kept.add(id)
            verdicts[id] = id
        else:
            best = max(partners.values())
            same = [other for other in partners if partners[other] == best]
            verdicts[id] = min(same, key=lambda other: (ranks[other], other))
    return verdicts


@pytest.fixture
def found(spark):
    def found(ranks, pairs, partitions=2, **options):
        rows = [(a, b, similarity) for (a, b), similarity in pairs.items()]
        edges = spark.createDataFrame(rows, "id_a STRING, id_b STRING, similarity DOUBLE")
        ranked = spark.createDataFrame(list(ranks.items()), "id STRING, rank INT")
        members = components(edges).join(ranked, "id").repartition(partitions)
        result = local_representatives(members, edges.repartition(partitions), **options).collect()
        assert len(result) == len({row.id for row in result})
        return {row.id: row for row in result}

    return found


def kept(rows):
    return {row.id: row.kept_id for row in rows.values()}


def test_the_far_end_of_a_chain_stays(found):
    chain = {(f"d{i}", f"d{i + 1}"): 0.9 for i in range(4)}
    rows = found({f"d{i}": i for i in range(5)}, chain)
    assert kept(rows) == {"d0": "d0", "d1": "d0", "d2": "d2", "d3": "d2", "d4": "d4"}
    assert {row.component for row in rows.values()} == {"d0"}
    assert [rows["d1"].similarity, rows["d2"].similarity] == [0.9, 1.0]
    assert [rows["d0"].copies, rows["d1"].copies, rows["d4"].copies] == [2, 2, 1]


def test_the_order_says_who_stays_and_equal_ranks_go_by_id(found):
    triangle = {("a", "b"): 0.9, ("a", "c"): 0.8, ("b", "c"): 0.8}
    assert set(kept(found({"a": 2, "b": 1, "c": 1}, triangle)).values()) == {"b"}


@pytest.mark.parametrize(("max_copies", "stay"), [(1, 1), (3, 3), (4, 4), (5, 4)])
def test_so_many_copies_of_a_kind_stay(found, max_copies, stay):
    clique = {(a, b): 0.9 for a in "abcd" for b in "abcd" if a < b}
    verdicts = kept(found(dict(zip("abcd", range(4), strict=True)), clique, max_copies=max_copies))
    assert sum(id == kept_id for id, kept_id in verdicts.items()) == stay


def random_graph(seed, nodes=60, edges=120):
    numbers = random.Random(seed)
    names = [f"d{i:02d}" for i in range(nodes)]
    pairs = {
        tuple(sorted(numbers.sample(names, 2))): numbers.choice([0.8, 0.9]) for _ in range(edges)
    }
    return {id: numbers.randrange(nodes) for pair in pairs for id in pair}, pairs


@pytest.mark.parametrize("partitions", [1, 2, 8, 64])
@pytest.mark.parametrize("max_copies", [1, 2])
def test_verdicts_are_those_of_a_plain_loop_for_any_partitions(found, partitions, max_copies):
    ranks, pairs = random_graph(partitions)
    rows = found(ranks, pairs, partitions, max_copies=max_copies)
    assert kept(rows) == reference(ranks, pairs, max_copies)
    for row in rows.values():
        pair = tuple(sorted((row.id, row.kept_id)))
        assert row.similarity == (1 if row.id == row.kept_id else pairs[pair])


def verdicts(ranks, pairs):
    """What `decide` says when the whole graph is one component."""
    rows = [("c", id, None, None) for id in ranks]
    for (a, b), similarity in pairs.items():
        earlier, later = sorted((a, b), key=ranks.__getitem__)
        rows.append(("c", later, earlier, similarity))
    rows.sort(key=lambda row: (ranks[row[1]], ranks.get(row[2], -1)))
    return {id: kept_id for id, _, kept_id, _ in decide(rows, 1)}


@given(st.integers(0, 10**6), st.integers(1, 60))
def test_what_came_first_is_decided_as_if_nothing_had_followed(seed, seen):
    ranks, pairs = random_graph(seed)
    ranks = {id: order for order, id in enumerate(ranks)}
    early = {id: rank for id, rank in ranks.items() if rank < seen}
    before = verdicts(early, {pair: s for pair, s in pairs.items() if set(pair) <= set(early)})
    after = verdicts(ranks, pairs)
    assert {id: after[id] for id in early} == before
    assert after == reference(ranks, pairs)


def test_documents_without_partners_and_several_components_are_kept_apart():
    rows = [
        ("a", "a", None, None),
        ("a", "b", None, None),
        ("a", "b", "a", 0.9),
        ("c", "b2", None, None),
        ("c", "d", None, None),
        ("c", "d", "a", 0.9),
    ]
    assert [kept_id for _, _, kept_id, _ in decide(rows, 1)] == ["a", "a", "b2", "d"]


def test_keeping_no_copy_at_all_is_an_error(found):
    with pytest.raises(CommandError, match="at least 1, not 0"):
        found({"a": 1, "b": 2}, {("a", "b"): 0.9}, max_copies=0)
