"""Pseudo-initial captions without an LLM: swap details that the parser found (paper F.1).

    "a red mug on a wooden table"  ->  "a blue mug under a wooden table"

Each caption is parsed; every thing, attribute, count, relation and action that has a sensible
opposite gives one possible edit. A few of them, of mixed kinds, are applied at once.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ser_ros.data.pseudo.swaps import ACTIONS, ATTRIBUTES, COUNTS, FIXED_PLACES, RELATIONS, SAME_COLOUR
from ser_ros.data.pseudo.vocabulary import Vocabulary
from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma, verb_lemma
from ser_ros.graph.parser import parse
from ser_ros.graph.triples import SceneTriples

Category = Literal["entity", "attribute", "relation", "action"]
DETAILED = 25  # words from which a caption is a detailed one and 3 to 5 details change
SHORT_CHANGES = {0: 0.1, 1: 0.35, 2: 0.4, 3: 0.15}
DETAILED_CHANGES = {0: 0.05, 3: 0.35, 4: 0.35, 5: 0.25}


@dataclass(frozen=True)
class Swap:
    """One possible edit: characters [start, end) of the caption become one of `choices`."""

    category: Category
    start: int
    end: int
    choices: tuple[str, ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class PseudoCaption:
    """A pseudo-initial caption and what was changed: (category, old words, new words)."""

    text: str
    changes: tuple[tuple[str, str, str], ...]


class RuleGenerator:
    """Makes pseudo-initial captions; the same seed and caption give the same result."""

    name = "rules"

    def __init__(self, vocabulary: Vocabulary, seed: int = 0, per_caption: int = 3) -> None:
        self.vocabulary = vocabulary
        self.seed = seed
        self.per_caption = per_caption

    def generate(self, key: str, caption: str) -> list[PseudoCaption]:
        """`per_caption` pseudo-initial captions, different from each other where the caption allows.

        One without changes is the caption itself (F.1: "it can occasionally be identical").
        """
        swaps = list(self.swaps(caption))
        rng = random.Random(f"{self.seed}/{key}/{caption}")
        amounts = DETAILED_CHANGES if len(caption.split()) >= DETAILED else SHORT_CHANGES
        made: list[PseudoCaption] = []
        for _ in range(self.per_caption):
            for _attempt in range(8):
                wanted = rng.choices(list(amounts), list(amounts.values()))[0]
                new = apply(caption, choose(swaps, wanted, rng))
                if all(new.text != old.text for old in made):
                    break
            made.append(new)
        return made

    def swaps(self, caption: str) -> Iterator[Swap]:
        """Every possible edit of a caption; they may overlap."""
        triples = parse(caption, reader="rules")  # four times as fast, and good enough to edit
        yield from _entities(triples, self.vocabulary)
        yield from _attributes(triples, self.vocabulary)
        yield from _relations(triples)
        yield from _actions(triples)


def choose(swaps: Sequence[Swap], wanted: int, rng: random.Random) -> list[tuple[Swap, str]]:
    """At most `wanted` edits that do not touch each other, categories first, then within them."""
    left = list(swaps)
    chosen: list[tuple[Swap, str]] = []
    while left and len(chosen) < wanted:
        categories = sorted({swap.category for swap in left})
        category = rng.choice(categories)
        swap = rng.choice([swap for swap in left if swap.category == category])
        chosen.append((swap, rng.choices(swap.choices, swap.weights or None)[0]))
        left = [other for other in left if other.end < swap.start or other.start > swap.end]
    return chosen


def apply(caption: str, edits: Sequence[tuple[Swap, str]]) -> PseudoCaption:
    """The caption with these edits, capitals and "a"/"an" put right."""
    text = caption
    changes = []
    for swap, new in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        old = caption[swap.start : swap.end]
        if old.isupper() and len(old) > 1:
            new = new.upper()
        elif old[:1].isupper():
            new = new[:1].upper() + new[1:]
        text = text[: swap.start] + new + text[swap.end :]
        article = re.search(r"\b([Aa]n?) \Z", text[: swap.start])
        if article:
            right = article[1][0] + ("n" if _starts_with_vowel_sound(new) else "")
            text = text[: article.start(1)] + right + text[article.end(1) :]
        changes.append((swap.category, old, new))
    return PseudoCaption(text, tuple(reversed(changes)))


def _starts_with_vowel_sound(word: str) -> bool:
    word = word.lower()
    if re.match(r"uni|use|euro|one\b|u[sk]", word):
        return False
    return word[:1] in "aeiou" or word.startswith(("hour", "honest"))


def _entities(triples: SceneTriples, vocabulary: Vocabulary) -> Iterator[Swap]:
    present = {thing.label for thing in triples.objects} | {thing.head for thing in triples.objects}
    for thing in triples.objects:
        words = triples.caption[thing.span.start : thing.span.end]
        last = words.lower().rpartition(" ")[2]
        others = [(word, weight) for word, weight in vocabulary.others(thing.label) if word not in present]
        if not others or not words or noun_lemma(last) != thing.label.rpartition(" ")[2]:
            continue
        before = re.search(r"(\w+ing) \Z", triples.caption[: thing.span.start])
        if before and wordnet.is_known(f"{before[1]} {words}"):
            continue  # the parser took "washing machine" for a machine that washes
        plural = noun_lemma(last) != last
        choices = tuple(_plural(word) if plural else word for word, _ in others)
        yield Swap("entity", thing.span.start, thing.span.end, choices, tuple(weight for _, weight in others))


@lru_cache(4096)
def _plural(label: str) -> str:
    import lemminflect

    first, _, last = label.rpartition(" ")
    found = lemminflect.getInflection(last, "NNS")
    return f"{first} {found[0] if found else last + 's'}".strip()


def _attributes(triples: SceneTriples, vocabulary: Vocabulary) -> Iterator[Swap]:
    seen: set[int] = set()
    for thing in triples.objects:
        for attribute in thing.attributes:
            start, end = attribute.span.start, attribute.span.end
            word = triples.caption[start:end].lower()
            word = SAME_COLOUR.get(word, word)
            choices = tuple(w for family in ATTRIBUTES if word in family for w in family if w != word)
            if choices and start not in seen:
                seen.add(start)
                yield Swap("attribute", start, end, vocabulary.named_attributes(choices))
    for match in re.finditer(r"\b(?:two|three|four|five|six)\b", triples.caption, re.IGNORECASE):
        others = tuple(count for count in COUNTS if count != match[0].lower())
        yield Swap("attribute", match.start(), match.end(), others)
    for match in re.finditer(r"\bthe (left|right)\b(?! of)", triples.caption, re.IGNORECASE):
        if match.start(1) not in seen:
            other = "right" if match[1].lower() == "left" else "left"
            yield Swap("attribute", match.start(1), match.end(1), (other,))


def _relations(triples: SceneTriples) -> Iterator[Swap]:
    seen: set[int] = set()
    for relation in triples.relations:
        start, end = relation.span.start, relation.span.end
        words = triples.caption[start:end].lower()
        place = next((p for p in _BY_LENGTH if words == p or words.endswith(" " + p)), None)
        if place is None or end in seen:
            continue
        if place == "by" and words != "by":
            continue  # "serviced by people" is no place
        head = triples.objects[relation.object].head
        if any(head == fixed or wordnet.is_a(head, fixed) for fixed in FIXED_PLACES.get(place, ())):
            continue
        seen.add(end)
        yield Swap("relation", end - len(place), end, RELATIONS[place])


_BY_LENGTH = sorted(RELATIONS, key=len, reverse=True)


def _actions(triples: SceneTriples) -> Iterator[Swap]:
    spans = [(thing.span.start, thing.span.end) for thing in triples.objects]
    for match in re.finditer(r"[A-Za-z]+", triples.caption):
        if any(start <= match.start() < end for start, end in spans):
            continue  # "stands" and "rest" are things, too
        after = re.match(r" (\w+)", triples.caption[match.end() :])
        if after and wordnet.is_known(f"{match[0]} {after[1]}"):
            continue  # "washing machine"
        choices = _other_actions(match[0].lower())
        if choices:
            yield Swap("action", match.start(), match.end(), choices)


@lru_cache(8192)
def _other_actions(word: str) -> tuple[str, ...]:
    """Other actions in the same form: "sitting" -> ("standing", "lying", ...)."""
    lemma = verb_lemma(word)
    tag = "VBG" if word.endswith("ing") else "VBZ" if word.endswith("s") else None
    # The bare form is also a noun or an adjective ("open", "rest"), so it is left alone.
    if tag is None or lemma not in ACTIONS:
        return ()
    import lemminflect

    forms = [lemminflect.getInflection(other, tag) for other in ACTIONS[lemma]]
    return tuple(form[0] for form in forms if form)
