"""A sentence's scene graph as labelled arcs between its words, the form the trained reader predicts.

Each word may be the head of a thing, the head of an attribute or the anchor of a predicate; an arc
joins a head or an anchor to another word of the same sentence:

    a man SITTING ON the red bench
      thing heads: man, bench      NAME none      ATTRIBUTE bench -> red
      anchor: "on", template "V on"      VERB on -> sitting      SUBJECT on -> man      OBJECT on -> bench

The template gives the predicate's text; V in it stands for the lemma of the verb. A relation
without a word of its own ("tree branches") is anchored at the word that makes it clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import verb_lemma
from ser_ros.graph.lexicon import NUMBERS
from ser_ros.graph.predicates import preposition
from ser_ros.graph.reading import Mention, Reading, Words
from ser_ros.graph.tokens import Token

DOUBTFUL = 0.5  # templates less likely than this give way to the list of prepositions
VERBS = {"lie": "lay", "seat": "sit"}  # FACTUAL's annotators write these so


class Arc(IntEnum):
    """What an arc from a head or anchor to another word says."""

    NONE = 0
    NAME = 1  # another word of the thing's name
    ATTRIBUTE = 2  # the head word of one of its attributes
    PART = 3  # another word of that attribute
    SUBJECT = 4
    OBJECT = 5
    VERB = 6  # the verb whose lemma stands for V in the anchor's template


@dataclass
class ArcGraph:
    """Labelled arcs of one sentence of n words.

    Attributes:
        things: head word of each thing -> confidence.
        arcs: (from word, to word) -> (label, confidence).
        templates: anchor word -> (predicate template, confidence).
    """

    things: dict[int, float] = field(default_factory=dict)
    arcs: dict[tuple[int, int], tuple[Arc, float]] = field(default_factory=dict)
    templates: dict[int, tuple[str, float]] = field(default_factory=dict)

    def of(self, head: int, label: Arc) -> list[int]:
        """Words that `head` reaches by arcs of one label, in order."""
        return sorted(to for (start, to), (found, _) in self.arcs.items() if start == head and found is label)


@dataclass(frozen=True)
class Renames:
    """Words FACTUAL writes otherwise, counted on its training captions: "guy" -> "person"."""

    things: Mapping[str, str]
    attributes: Mapping[str, str]


def lemma_of(token: Token) -> str:
    """The verb's base form as predicates have it."""
    lemma = verb_lemma(token.text)
    return VERBS.get(lemma, lemma)


def to_reading(graph: ArcGraph, tokens: Sequence[Token], renames: Renames) -> Reading:
    """The things and links the arcs describe; arcs that fit nothing are left out."""
    reading = Reading(tokens)
    number: dict[int, int] = {}
    for head in sorted(graph.things):
        number[head] = len(reading.mentions)
        reading.mentions.append(_mention(graph, head, tokens, renames))
    for anchor, (template, sure) in sorted(graph.templates.items()):
        verbs = graph.of(anchor, Arc.VERB)
        verb = verbs[-1] if verbs else anchor
        template = _plausible(template, sure, tokens, anchor, bool(verbs))
        place = preposition(tokens, verb) if template.startswith("V ") else None
        if place:  # "NEXT to": the network may take the first word of a preposition for its verb
            template = place[0] if place[1] > anchor else template.removeprefix("V ")
        predicate = " ".join(lemma_of(tokens[verb]) if word == "V" else word for word in template.split())
        start, end = min(verb, anchor), _end(tokens, max(verb, anchor), template)
        for subject in graph.of(anchor, Arc.SUBJECT):
            for thing in graph.of(anchor, Arc.OBJECT):
                if subject in number and thing in number:
                    both = graph.arcs[anchor, subject][1] * graph.arcs[anchor, thing][1]
                    reading.link(number[subject], predicate, number[thing], start, end, sure * both)
    return reading


def _is_free(graph: ArcGraph, k: int, tokens: Sequence[Token]) -> bool:
    """Whether a noun has no part in the graph, so that it can complete a name ("ICE cream cone")."""
    return (
        tokens[k].tag.startswith("NN") and k not in graph.things and all(k not in arc for arc in graph.arcs)
    )


def _plausible(template: str, sure: float, tokens: Sequence[Token], anchor: int, has_verb: bool) -> str:
    """The template, or what the preposition at the anchor says where the template is doubtful.

    The network knows a rare preposition ("alongside") worse than the list does, and V needs a verb.
    """
    found = preposition(tokens, anchor)
    if not found:
        return template
    if template.startswith("V ") and not has_verb:
        return template.removeprefix("V ")
    if sure < DOUBTFUL:
        return f"V {found[0]}" if has_verb else found[0]
    return template


def _end(tokens: Sequence[Token], anchor: int, template: str) -> int:
    """One past the last word of the predicate: "on", "the", "side", "of" for "on side of"."""
    words = [word for word in template.split() if word != "V"]
    end, k = anchor + 1, anchor
    for word in words:
        for ahead in range(k, min(k + 3, len(tokens))):
            if tokens[ahead].text == word:
                end = k = ahead + 1
                break
    return max(end, anchor + 1)


def _mention(graph: ArcGraph, head: int, tokens: Sequence[Token], renames: Renames) -> Mention:
    named = graph.of(head, Arc.NAME)
    positions = [head]
    while positions[0] - 1 in named:
        positions.insert(0, positions[0] - 1)
    before = positions[0] - 1
    if before >= 0 and _is_free(graph, before, tokens):
        pair = f"{tokens[before].text} {tokens[before + 1].text}"
        if pair.replace(" ", "").isalpha() and wordnet.is_known(pair):
            positions.insert(0, before)
    name = " ".join(tokens[k].text for k in positions)
    mention = Mention(
        renames.things.get(name, name), positions[0], positions[-1] + 1, confidence=graph.things[head]
    )
    for attribute in graph.of(head, Arc.ATTRIBUTE):
        parts = sorted({attribute, *graph.of(attribute, Arc.PART)})
        text = " ".join(tokens[k].text for k in parts)
        text = renames.attributes.get(text, text)
        if text in NUMBERS or text.isdecimal():
            if mention.count is None or parts[0] < head:  # the nearest number before the thing is its own
                mention.count = NUMBERS.get(text) or int(text)
        else:
            mention.attributes.append(Words(text, parts[0], parts[-1] + 1))
    mention.definite = mention.start > 0 and any(
        tokens[k].text in ("the", "this", "that", "these", "those")
        for k in range(max(0, mention.start - 3), mention.start)
    )
    return mention
