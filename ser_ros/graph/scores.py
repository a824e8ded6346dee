"""How well one scene graph says what another says: objects, attributes, relations.

Facts are compared as SPICE does (Anderson et al. 2016): first word for word by lemma, then what is
left by WordNet synonyms; each fact matches at most once. Two things of one name are one fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.triples import SceneTriples

Fact = tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """Counts of matched facts, with the numbers made of them; add scores for a micro average."""

    matched: int = 0
    found: int = 0
    wanted: int = 0

    @property
    def precision(self) -> float:
        """Share of the found facts that are right; 0 when none was found."""
        return self.matched / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the wanted facts that were found; 0 when none was wanted."""
        return self.matched / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.matched / (self.found + self.wanted) if self.matched else 0.0

    def __add__(self, other: Score) -> Score:
        """Both together."""
        return Score(self.matched + other.matched, self.found + other.found, self.wanted + other.wanted)


@dataclass(frozen=True)
class GraphScores:
    """Scores by kind of fact; `all` is SPICE's, over the three kinds together."""

    objects: Score = field(default_factory=Score)
    attributes: Score = field(default_factory=Score)
    relations: Score = field(default_factory=Score)

    @property
    def all(self) -> Score:
        """Every fact counts the same."""
        return self.objects + self.attributes + self.relations

    def __add__(self, other: GraphScores) -> GraphScores:
        """Both together, for micro averages over captions."""
        return GraphScores(
            self.objects + other.objects,
            self.attributes + other.attributes,
            self.relations + other.relations,
        )


@dataclass(frozen=True)
class Facts:
    """What one graph says, as sets: (object,), (object, attribute), (subject, predicate, object)."""

    objects: frozenset[Fact]
    attributes: frozenset[Fact]
    relations: frozenset[Fact]


def facts(triples: SceneTriples) -> Facts:
    """The facts of a graph; names are lemmas, a count above one is an attribute in digits."""
    things = triples.objects
    counts = ((t.label, str(t.count)) for t in things if (t.count or 1) > 1)
    return Facts(
        objects=frozenset((thing.label,) for thing in things),
        attributes=frozenset((t.label, a.text) for t in things for a in t.attributes).union(counts),
        relations=frozenset(
            (things[r.subject].label, r.predicate, things[r.object].label) for r in triples.relations
        ),
    )


def compare(found: SceneTriples, wanted: SceneTriples, *, synonyms: bool = True) -> GraphScores:
    """Score one graph against one reference.

    Args:
        found: the graph to judge.
        wanted: the reference.
        synonyms: whether "couch" counts for "sofa".
    """
    a, b = facts(found), facts(wanted)
    return GraphScores(
        _score(a.objects, b.objects, _same_object if synonyms else None),
        _score(a.attributes, b.attributes, _same_attribute if synonyms else None),
        _score(a.relations, b.relations, _same_relation if synonyms else None),
    )


def compare_all(pairs: Iterable[tuple[SceneTriples, SceneTriples]], *, synonyms: bool = True) -> GraphScores:
    """The micro average over (found, wanted) pairs."""
    return reduce(add, (compare(a, b, synonyms=synonyms) for a, b in pairs), GraphScores())


def _score(
    found: frozenset[Fact], wanted: frozenset[Fact], alike: Callable[[Fact, Fact], bool] | None
) -> Score:
    matched = len(found & wanted)
    if alike:
        left = sorted(wanted - found)
        for fact in sorted(found - wanted):
            hit = next((other for other in left if alike(fact, other)), None)
            if hit:
                left.remove(hit)
                matched += 1
    return Score(matched, len(found), len(wanted))


def _same_object(a: Fact, b: Fact) -> bool:
    return wordnet.are_synonyms(a[0], b[0], "n")


def _same_attribute(a: Fact, b: Fact) -> bool:
    return _same_object(a, b) and _same_word(a[1], b[1])


def _same_word(a: str, b: str) -> bool:
    return (
        a == b
        or wordnet.are_synonyms(a, b, "a")
        or wordnet.are_synonyms(a, b, "v")
        or noun_lemma(a) == noun_lemma(b)
    )


def _same_relation(a: Fact, b: Fact) -> bool:
    return _same_object(a, b) and _same_predicate(a[1], b[1]) and _same_object(a[2:], b[2:])


def _same_predicate(a: str, b: str) -> bool:
    """Equal, or verbs of one meaning before the same preposition: "lie on", "rest on"."""
    (verb, _, place), (other, _, elsewhere) = a.partition(" "), b.partition(" ")
    return a == b or (
        place == elsewhere and wordnet.are_synonyms(verb, other, "v") and wordnet.is_known(verb, "v")
    )
