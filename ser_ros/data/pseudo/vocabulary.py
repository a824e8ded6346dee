"""Which things a data set speaks of, so that a swapped-in thing could stand in its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from ser_ros.data.pseudo.swaps import ENTITIES
from ser_ros.graph import wordnet
from ser_ros.graph.parser import parse

FEW = 2  # a thing named less often is probably a mistake of the parser
NEAR = 0.55  # share of WordNet ancestors two confusable things have in common


class Vocabulary:
    """Things that can stand in each other's place, by counting captions and by WordNet."""

    def __init__(self, counts: Counter[str], attributes: Counter[str] | None = None) -> None:
        """`counts` says how often each label ("chair", "coffee table") is named, `attributes` each
        property ("red", "wooden")."""
        self.attributes = Counter({word: n for word, n in (attributes or {}).items() if n >= FEW})
        known = {label: count for label, count in counts.items() if wordnet.is_known(label)}
        self.counts = Counter({label: count for label, count in known.items() if count >= FEW})
        self._family: dict[str, set[str]] = {}
        for family in ENTITIES:
            for word in family:
                self._family.setdefault(word, set()).update(family)

    @classmethod
    def from_captions(cls, captions: Sequence[str], most: int = 5_000) -> Vocabulary:
        """Count the things in at most `most` captions, taken evenly over all."""
        counts: Counter[str] = Counter()
        attributes: Counter[str] = Counter()
        for caption in captions[:: max(1, len(captions) // most)]:
            for thing in parse(caption, reader="rules").objects:
                counts[thing.label] += 1
                attributes.update(attribute.text.lower() for attribute in thing.attributes)
        return cls(counts, attributes)

    def named_attributes(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `words` that the captions use; all of them where they use none."""
        return tuple(word for word in words if word in self.attributes) or words

    @lru_cache(8192)  # noqa: B019 -- one vocabulary per process
    def others(self, label: str) -> tuple[tuple[str, float], ...]:
        """Things `label` could be mistaken for, with weights; empty where there is none."""
        found: dict[str, float] = {}
        for word in self._family.get(label, ()):
            found[word] = 1.0 + self.counts.get(word, 0) ** 0.5
        kinds = wordnet.kinds(label, 1)
        lexname = wordnet.lexname(label)
        if kinds and lexname != "noun.tops":
            for word, count in self.counts.items():
                if wordnet.lexname(word) == lexname:
                    theirs = wordnet.kinds(word, 1)
                    near = len(kinds & theirs) / len(kinds | theirs)
                    if near >= NEAR:
                        found[word] = max(found.get(word, 0.0), near * count**0.5)
        found = {word: weight for word, weight in found.items() if _differs(label, word)}
        # What this data never speaks of a model would not have said either.
        named = {word: weight for word, weight in found.items() if word in self.counts}
        return tuple(sorted((named or found).items()))


def _differs(a: str, b: str) -> bool:
    """Whether the caption becomes wrong: not the same thing, nor one a kind of the other."""
    return not (wordnet.is_a(a, b) or wordnet.is_a(b, a) or a.split()[-1] == b.split()[-1])
