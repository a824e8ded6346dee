"""Is this the thing we saw before? Same, possibly the same, or different.

The rule is measured on names (facts in docs/memory.md): things are the same by equal name, by a shared
first or second WordNet sense, or by a cosine of their names above `same_cosine`; kinds of person merge
with "person". A compound counts by its head, a coffee table as a table, but for what is none: a hot dog is
no dog, and a teddy bear is the figure of a bear. Colours, materials, sides, sizes, number and being a
figure can veto. A cosine between `possible_cosine` and `same_cosine`, and names that differ in what stands
before one head ("coffee table", "dining table"), only link. A wrong link can be undone by whoever reads it,
a wrong merge cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np

from ser_ros.graph import wordnet
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.embeddings import Embedder
from ser_ros.graph.memory.vocabulary import SHORT_NAMES, conflict

PERSONS = frozenset(("person", "people"))
_MEN = frozenset(("guy", "guard"))  # persons, though WordNet also knows a rope and a device


class Verdict(IntEnum):
    """How two descriptions stand to one thing."""

    DIFFERENT = 0
    POSSIBLY = 1
    SAME = 2


@dataclass(frozen=True)
class Likeness:
    """A verdict and how sure it is, in [0, 1]."""

    verdict: Verdict
    score: float


DIFFERENT = Likeness(Verdict.DIFFERENT, 0.0)


@dataclass(frozen=True)
class Name:
    """What a thing is called: "coffee table" and its head "table"."""

    label: str
    head: str

    @cached_property
    def kind(self) -> str:
        """The noun that tells its kind: "table" of "coffee table", all of "hot dog"."""
        return self.head if wordnet.is_kind_of_head(self.label) else self.label

    @cached_property
    def noun(self) -> str:
        """What a dictionary knows of it: all of "remote control", "remote" of "tv remote"."""
        known = wordnet.is_known(self.label) or not wordnet.is_known(self.head)
        return SHORT_NAMES.get(self.label, self.label) if known else self.head

    def shares_head(self, other: Name) -> bool:
        """Whether both may be called by one last word: a bear, a teddy bear, but no dog and hot dog."""
        if self.head != other.head:
            return False
        return all(name.kind == name.head or is_figure(name.label) for name in (self, other))


class NameRule:
    """Compares names; remembers for each name which known names it goes with."""

    def __init__(self, config: MemoryConfig, embedder: Embedder | None = None):
        self._config, self._embedder = config, embedder
        self._known: dict[str, Name] = {}
        self._related: dict[str, dict[str, Likeness]] = {}
        self._vectors: dict[str, np.ndarray] = {}

    def learn(self, name: Name) -> None:
        """Take a name into the known ones and compare it with them, once."""
        if name.label in self._known:
            return
        mine = self._related.setdefault(name.label, {name.label: Likeness(Verdict.SAME, 1.0)})
        for other in self._known.values():
            likeness = self.compare(name, other)
            if likeness.verdict:
                mine[other.label] = likeness
                self._related[other.label][name.label] = likeness
        self._known[name.label] = name

    def related(self, name: Name) -> dict[str, Likeness]:
        """Known labels that may name the same thing as `name`, itself included."""
        self.learn(name)
        return self._related[name.label]

    def forget(self) -> None:
        """Know no names, as after another memory was loaded."""
        self._known.clear()
        self._related.clear()

    def compare(self, first: Name, second: Name) -> Likeness:
        """Whether two names can name one thing."""
        if first.label == second.label:
            return Likeness(Verdict.SAME, 1.0)
        if first.shares_head(second):
            if first.head in (first.label, second.label):
                return Likeness(Verdict.SAME, 0.9)
            if wordnet.same_thing(first.label, second.label):
                return Likeness(Verdict.SAME, 0.9)
            return Likeness(Verdict.POSSIBLY, 0.6)
        if wordnet.same_thing(first.label, second.label) or (
            first.head == first.label
            and second.head == second.label
            and wordnet.same_thing(first.head, second.head)
        ):
            return Likeness(Verdict.SAME, 0.9)
        shortened = (first.noun, second.noun) != (first.label, second.label)
        if shortened and wordnet.same_thing(first.noun, second.noun):
            unsure = " " in first.label + second.label  # "tv remote" and "remote control", but "fridge"
            return Likeness(Verdict.POSSIBLY, 0.75) if unsure else Likeness(Verdict.SAME, 1.0)
        people = is_person(first.kind), is_person(second.kind)
        if all(people):
            if {first.head, second.head} & PERSONS:
                return Likeness(Verdict.SAME, 0.8)
            kin = wordnet.is_a(first.head, second.head) or wordnet.is_a(second.head, first.head)
            return Likeness(Verdict.SAME, 0.8) if kin else DIFFERENT
        if any(people):
            return DIFFERENT
        return self._compare_vectors(first, second)

    def _compare_vectors(self, first: Name, second: Name) -> Likeness:
        if self._embedder is None or _derived(first.head, second.head):
            return DIFFERENT
        cosine = float(self._vector(first.label) @ self._vector(second.label))
        if cosine >= self._config.same_cosine:
            return Likeness(Verdict.SAME, cosine)
        return Likeness(Verdict.POSSIBLY, cosine) if cosine >= self._config.possible_cosine else DIFFERENT

    def _vector(self, text: str) -> np.ndarray:
        if text not in self._vectors:
            assert self._embedder is not None
            self._vectors[text] = self._embedder.embed([text])[0]
        return self._vectors[text]


@lru_cache(4096)
def is_person(kind: str) -> bool:
    """Whether a `Name.kind` is one of persons: "man", "skier".

    Not "monitor", "printer", "washer": WordNet puts the person first there, a camera sees the device. Nor
    "unicorn", "dragon", which WordNet files with the persons: what is imagined is none.
    """
    if kind in PERSONS or kind in _MEN:
        return True
    if " " in kind:  # a hot dog is a show-off first, but what is named by its last word is of that kind
        return False
    device = wordnet.senses("artifact")[0] in wordnet.kinds(kind, 3)
    real = wordnet.senses("physical entity")[0] in wordnet.kinds(kind, 1)
    return wordnet.lexname(kind) == "noun.person" and real and not device


@lru_cache(4096)
def is_figure(label: str) -> bool:
    """Whether the name says that it is only the figure of a thing: "teddy bear"."""
    return wordnet.is_a(label, "plaything", most_senses=1)


def look_of(label: str, attributes: frozenset[str]) -> frozenset[str]:
    """The attributes with what the name itself says: a teddy bear is a toy."""
    return attributes | {"toy"} if is_figure(label) else attributes


def _derived(first: str, second: str) -> bool:
    """ "snowboard" and "snowboarder" are close in every embedding and never one thing."""
    short, long = sorted((first, second), key=len)
    return len(short) >= 4 and long.startswith(short[: len(short) - 1])


def judge(
    name: Likeness,
    attributes: tuple[frozenset[str], frozenset[str]],
    plural: tuple[bool, bool],
    distance: float,
    radius: float,
) -> Likeness:
    """Whether two descriptions are one thing, by all that is known of both.

    Args:
        name: how their names compare.
        attributes: normal attributes of both, as `look_of` gives them.
        plural: whether each is several things ("two chairs").
        distance: between their places, metres; NaN where one has none and time has to do.
        radius: `merge_radius`.
    """
    if distance > radius:
        return DIFFERENT
    veto = conflict(*attributes)
    if veto in ("colour", "side"):
        return DIFFERENT
    shared = len(attributes[0] & attributes[1])
    near = 0.75 if np.isnan(distance) else 1.0 - 0.5 * distance / radius
    score = name.score * near * min(1.0, 0.8 + 0.1 * shared)
    certain = name.verdict is Verdict.SAME and veto is None and plural[0] == plural[1]
    return Likeness(Verdict.SAME if certain else Verdict.POSSIBLY, score)
