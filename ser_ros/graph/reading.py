"""What a parser reads from one sentence, in tokens; turned into `SceneTriples` by `assemble`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.tokens import Token
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span


@dataclass
class Words:
    """Tokens [start, end) of the sentence and what they say."""

    text: str
    start: int
    end: int


@dataclass
class Mention:
    """A thing named by the tokens [start, end).

    Attributes:
        name: its words with their number kept, as FACTUAL writes them.
        attributes: its properties.
        count: how many, None where not said.
        definite: whether the words point back ("the table"), so it may be one named before.
        confidence: in [0, 1].
        sentence: which sentence of the caption it stands in.
    """

    name: str
    start: int
    end: int
    attributes: list[Words] = field(default_factory=list)
    count: int | None = None
    definite: bool = False
    confidence: float = 1.0
    sentence: int = 0


@dataclass
class Link:
    """`subject` stands in `predicate` to `object`: indices of mentions, and the predicate's tokens."""

    subject: int
    predicate: str
    object: int
    start: int
    end: int
    confidence: float = 1.0


@dataclass
class Reading:
    """The mentions and links of one sentence."""

    tokens: Sequence[Token]
    mentions: list[Mention] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _linked: set[tuple[int, str, int]] = field(default_factory=set)

    def link(
        self, subject: int, predicate: str, object: int, start: int, end: int, sure: float = 1.0
    ) -> None:
        """Add a link once; a thing stands in no relation to itself."""
        key = (subject, predicate, object)
        if subject != object and key not in self._linked:
            self._linked.add(key)
            self.links.append(Link(subject, predicate, object, start, end, sure))

    def keep(self, kept: Sequence[bool]) -> Reading:
        """The same without the mentions that are not kept, and without their links."""
        number = {old: new for new, old in enumerate(i for i, keep in enumerate(kept) if keep)}
        links = [
            replace(x, subject=number[x.subject], object=number[x.object])
            for x in self.links
            if x.subject in number and x.object in number
        ]
        mentions = [mention for mention, keep in zip(self.mentions, kept, strict=True) if keep]
        return Reading(self.tokens, mentions, links)


def assemble(caption: str, reading: Reading) -> SceneTriples:
    """The scene graph of a whole caption, objects in the order of their words."""
    order = sorted(range(len(reading.mentions)), key=lambda i: reading.mentions[i].start)
    ids = {old: new for new, old in enumerate(order)}
    objects = tuple(_scene_object(ids[i], reading.mentions[i], reading.tokens) for i in order)
    relations = tuple(
        SceneRelation(
            ids[link.subject],
            link.predicate,
            ids[link.object],
            _span(reading.tokens, link.start, link.end),
            link.confidence,
        )
        for link in reading.links
    )
    return SceneTriples(caption, objects, relations)


def _scene_object(i: int, mention: Mention, tokens: Sequence[Token]) -> SceneObject:
    label = noun_lemma(mention.name)
    attributes: dict[str, Attribute] = {}
    for words in sorted(mention.attributes, key=lambda words: words.start):
        attributes.setdefault(words.text, Attribute(words.text, _span(tokens, words.start, words.end)))
    return SceneObject(
        id=i,
        label=label,
        head=label.rpartition(" ")[2],
        name=mention.name,
        count=mention.count,
        attributes=tuple(attributes.values()),
        span=_span(tokens, mention.start, mention.end),
        confidence=mention.confidence,
    )


def _span(tokens: Sequence[Token], start: int, end: int) -> Span:
    """Characters of the tokens [start, end); an empty range lies before the token `start`."""
    if start >= end:
        at = tokens[min(start, len(tokens) - 1)].start
        return Span(at, at)
    return Span(tokens[start].start, tokens[end - 1].end)
