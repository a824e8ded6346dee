"""Precision, recall and F1 of objects, attributes and relations."""

from __future__ import annotations

import pytest

from ser_ros.graph import parse
from ser_ros.graph.scores import GraphScores, Score, compare, compare_all, facts


def test_equal_graphs_score_one() -> None:
    triples = parse("two red cups on a table", "rules")
    scores = compare(triples, triples)
    assert scores.objects.f1 == scores.attributes.f1 == scores.relations.f1 == scores.all.f1 == 1
    assert scores.all == Score(5, 5, 5)


def test_facts_use_lemmas_and_digits() -> None:
    said = facts(parse("two red cups on a table", "rules"))
    assert said.objects == {("cup",), ("table",)}
    assert said.attributes == {("cup", "red"), ("cup", "2")}
    assert said.relations == {("cup", "on", "table")}


def test_each_kind_is_counted() -> None:
    scores = compare(parse("a red cup on a table", "rules"), parse("a blue cup on a chair", "rules"))
    assert scores.objects == Score(1, 2, 2)
    assert scores.attributes == Score(0, 1, 1)
    assert scores.relations == Score(0, 1, 1)
    assert scores.objects.precision == scores.objects.recall == scores.objects.f1 == 0.5


def test_synonyms_count_when_asked() -> None:
    a, b = parse("a cat on a large sofa", "rules"), parse("a cat on a big couch", "rules")
    assert compare(a, b).all.f1 == 1
    assert compare(a, b, synonyms=False).objects == Score(1, 2, 2)
    assert compare(a, b, synonyms=False).relations.f1 == 0


def test_a_fact_matches_once() -> None:
    a, b = parse("a sofa and a couch", "rules"), parse("a sofa", "rules")
    assert compare(a, b).objects == Score(1, 2, 1)


def test_nothing_scores_nothing() -> None:
    empty = parse("")
    assert compare(empty, empty).all == Score()
    assert compare(empty, empty).all.f1 == 0
    assert compare(empty, parse("a cat", "rules")).objects.recall == 0


def test_micro_average() -> None:
    cat, dog = parse("a cat", "rules"), parse("a dog", "rules")
    assert compare_all([(cat, cat), (cat, dog)]).objects == Score(1, 2, 2)
    assert compare_all([]) == GraphScores()


@pytest.mark.parametrize(("a", "b", "alike"), [("rest on", "rest on", True), ("sit on", "sit under", False)])
def test_predicates_keep_their_preposition(a: str, b: str, alike: bool) -> None:
    from ser_ros.graph.scores import _same_predicate

    assert _same_predicate(a, b) is alike
