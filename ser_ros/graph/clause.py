"""Where the reading of a sentence by rules stands: the clause's subject, its last things, its predicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import PARTS, word_set
from ser_ros.graph.noun_phrases import NounPhrase
from ser_ros.graph.reading import Reading, Words
from ser_ros.graph.tokens import Token

_PERSONAL = word_set("he she him her his they their them himself herself")


@dataclass
class Pending:
    """A predicate that waits for its object; `reverse` turns passives around.

    Attributes:
        outer: the predicate and the things before a preposition that hangs on a thing, for what is
            listed after its object: "a cup of tea AND A PLATE", "a cat on a bed AND A DOG on a rug".
    """

    subjects: list[int]
    predicate: str
    start: int
    end: int
    reverse: bool = False
    outer: tuple[Pending | None, list[int]] | None = None


@dataclass
class Clause:
    """Where the reading of a sentence stands."""

    reading: Reading
    subject: list[int] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)  # head of a relative clause without "that"
    pending: Pending | None = None
    last: Pending | None = None  # the predicate that took the last group as its object
    verb: tuple[str, int] | None = None  # last verb and its token
    actors: list[int] = field(default_factory=list)
    copula: bool = False
    joined: bool = False  # "and" or a comma came just before
    finite: bool = False  # the subject had its verb
    relative: bool = False  # "that", "which", "who" came just before
    around: list[int] = field(default_factory=list)  # subject of the clause around the relative one
    absent: bool = False  # the next noun phrase says what is not there
    fronted: Pending | None = None  # "In front of the sofa": a place whose thing comes later


def add_thing(clause: Clause, phrase: NounPhrase, tokens: Sequence[Token]) -> int:
    """Add what a noun phrase names, with its whole and its owner; returns the index of its mention."""
    reading = clause.reading
    reading.mentions.append(phrase.mention)
    thing = len(reading.mentions) - 1
    if phrase.whole:
        reading.mentions.append(phrase.whole)
        reading.link(thing + 1, "have", thing, phrase.whole.start, phrase.whole.start)
    if phrase.owner:
        owner = antecedent(clause, phrase.owner, before=thing)
        part = noun_lemma(phrase.mention.name)
        if owner is not None and (
            wordnet.lexname(part) == "noun.body" or part in PARTS or part in ("back", "wing")
        ):
            reading.link(owner, "have", thing, phrase.start, phrase.start + 1)
    return thing


def antecedent(clause: Clause, word: str, before: int | None = None) -> int | None:
    """The thing of this sentence that a pronoun stands for; None leaves it to the sentences before."""
    mentions = clause.reading.mentions[:before]
    order = [i for i in [*clause.subject, *range(len(mentions) - 1, -1, -1)] if i < len(mentions)]
    if word in _PERSONAL:
        wanted = [i for i in order if is_animate(mentions[i].name)]
    else:
        wanted = [i for i in order if wordnet.lexname(mentions[i].name) != "noun.person"]
    return wanted[0] if wanted else None


def is_animate(name: str) -> bool:
    """Whether a pronoun of persons may stand for a thing of this name."""
    return wordnet.lexname(name) in ("noun.person", "noun.animal") or name in (
        "people",
        "person",
        "men",
        "team",
    )


def link_object(clause: Clause, pending: Pending, thing: int) -> None:
    """Link the subjects that waited for an object with the thing that came."""
    for subject in pending.subjects:
        if pending.reverse:
            clause.reading.link(thing, pending.predicate, subject, pending.start, pending.end)
        else:
            clause.reading.link(subject, pending.predicate, thing, pending.start, pending.end)


def describe(clause: Clause, tokens: Sequence[Token], i: int, things: list[int]) -> None:
    """Give `things` the word at `i` as an attribute."""
    for thing in things:
        clause.reading.mentions[thing].attributes.append(Words(tokens[i].text, i, i + 1))
