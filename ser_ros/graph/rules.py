"""Reads one tagged sentence by rules: noun phrases, then the verbs and prepositions between them.

One pass from left to right. The state is the clause's subject, the last group of things
("a cup and a plate") and the predicate that waits for its object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ser_ros.graph import noun_phrases, wordnet
from ser_ros.graph.lemmas import noun_lemma, verb_lemma
from ser_ros.graph.lexicon import LONGEST_PREPOSITION, PARTS, PREPOSITIONS, PRONOUN_NAMES, QUANTITIES
from ser_ros.graph.noun_phrases import NounPhrase
from ser_ros.graph.reading import Mention, Reading, Words
from ser_ros.graph.tokens import Token

_VERB = ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
_BE = frozenset("is are was were be been being 's 're".split())
_SKIPPED_VERBS = frozenset("try go get begin start use appear seem prepare attempt continue look".split())
_REVERSED = frozenset({("cover", "in"), ("cover", "with"), ("surround", "by"), ("surround", "with")})
# Verbs whose object keeps the following preposition for itself: "wearing a shirt with stripes".
_TAKES_OBJECT = frozenset("wear have hold carry contain show include feature of".split())
_PERSONAL = frozenset("he she him her his they their them himself herself".split())


@dataclass
class _Pending:
    """A predicate that waits for its object; `reverse` turns passives around."""

    subjects: list[int]
    predicate: str
    start: int
    end: int
    reverse: bool = False
    negated: bool = False


@dataclass
class _Clause:
    """Where the reading of a sentence stands."""

    reading: Reading
    subject: list[int] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)  # head of a relative clause without "that"
    pending: _Pending | None = None
    last: _Pending | None = None  # the predicate that took the last group as its object
    verb: tuple[str, int] | None = None  # last verb and its token
    actors: list[int] = field(default_factory=list)
    copula: bool = False
    joined: bool = False  # "and" or a comma came just before
    relative: bool = False  # "that", "which", "who" came just before
    absent: bool = False  # the next noun phrase says what is not there
    fronted: _Pending | None = None  # "In front of the sofa": a place whose thing comes later


def read(tokens: Sequence[Token]) -> Reading:
    """The things and links of one sentence; never fails, whatever the tokens are."""
    clause = _Clause(Reading(tokens))
    i = 0
    while i < len(tokens):
        i = _step(clause, tokens, i)
    _finish(clause)
    return clause.reading


def _step(clause: _Clause, tokens: Sequence[Token], i: int) -> int:
    """Take in what begins at token `i`; return where the next begins."""
    token = tokens[i]
    if token.tag == "EX":
        return i + 1
    if token.text in QUANTITIES and _is_pronoun(tokens, i + 2) and tokens[i + 1].text == "of":
        return i + 2
    if token.text in ("'s", "'") and clause.group and i + 1 < len(tokens):
        phrase = noun_phrases.find(tokens, i + 1)
        if phrase and token.text == "'s" and tokens[i - 1].tag != "EX":
            owner = clause.group[-1]
            thing = _add(clause, phrase, tokens)
            clause.reading.link(owner, "have", thing, i, i + 1)
            _replace(clause, owner, thing)
            return phrase.end
    if _is_be(token) and not _verb_follows(tokens, i + 1):
        return _copula(clause, tokens, i)
    found = preposition(tokens, i)
    phrase = None if found and token.tag not in ("JJ",) else noun_phrases.find(tokens, i)
    if phrase and phrase.end > i:
        _noun_phrase(clause, phrase, tokens)
        return phrase.end
    if found:
        return _preposition(clause, tokens, i, *found)
    if token.tag in _VERB:
        return _verb(clause, tokens, i)
    if token.tag == "PRP":
        _pronoun(clause, token, i)
        return i + 1
    if token.tag in ("CC", ","):
        clause.joined = True
        return i + 1
    if token.tag in ("WDT", "WP") or (token.text == "that" and clause.group):
        clause.relative = True
        return i + 1
    if token.tag in ("JJ", "VBN", "VBG") and clause.copula:
        _describe(clause, tokens, i, clause.subject)
        return i + 1
    return i + 1


def _is_be(token: Token) -> bool:
    return token.text in _BE and token.tag in (*_VERB, "POS")


def _verb_follows(tokens: Sequence[Token], i: int) -> bool:
    while i < len(tokens) and tokens[i].tag in ("RB", "RP"):
        i += 1
    if i >= len(tokens) or tokens[i].tag not in ("VBG", "VBN", "VBD"):
        return False
    return i + 1 >= len(tokens) or tokens[i + 1].tag not in ("NN", "NNS")


def preposition(tokens: Sequence[Token], i: int) -> tuple[str, int] | None:
    """FACTUAL's text of the preposition that begins at `i` and its end; the longest that fits."""
    words: list[str] = []
    best = None
    for k in range(i, min(i + 2 * LONGEST_PREPOSITION, len(tokens))):
        if tokens[k].text in ("the", "a", "right", "very") and words and tokens[k].text != "right":
            continue
        words.append(tokens[k].text)
        if len(words) > LONGEST_PREPOSITION:
            break
        text = PREPOSITIONS.get(tuple(words))
        if text:
            best = text, k + 1
    return best


def _noun_phrase(clause: _Clause, phrase: NounPhrase, tokens: Sequence[Token]) -> None:
    reading = clause.reading
    if phrase.negated or clause.absent:
        clause.pending, clause.absent = None, False
        return
    thing = _add(clause, phrase, tokens)
    new_clause = clause.joined and _starts_clause(tokens, phrase.end)
    if clause.pending:
        _resolve(clause, clause.pending, thing)
        clause.last, clause.pending = clause.pending, None
        clause.group = [thing]
    elif clause.joined and clause.group and not (new_clause and clause.last):
        if clause.last:
            _resolve(clause, clause.last, thing)
            clause.group.append(thing)
        else:
            clause.group.append(thing)
            clause.subject = list(clause.group)
    else:
        if clause.copula and clause.subject and not clause.joined:
            words = reading.mentions[thing]
            for subject in clause.subject:
                reading.mentions[subject].attributes.append(Words(words.name, words.start, words.end))
            if thing == len(reading.mentions) - 1:
                reading.mentions.pop()
            clause.copula = False
            return
        clause.target = [] if clause.joined else list(clause.group)
        clause.subject = [thing]
        clause.group = [thing]
        clause.last = None
        if clause.fronted:
            _resolve(clause, clause.fronted, thing)
            clause.fronted = None
    clause.joined = clause.relative = clause.copula = False


def _starts_clause(tokens: Sequence[Token], i: int) -> bool:
    return i < len(tokens) and (tokens[i].tag in ("VBZ", "VBG", "VBP") or tokens[i].text in _BE)


def _add(clause: _Clause, phrase: NounPhrase, tokens: Sequence[Token]) -> int:
    reading = clause.reading
    reading.mentions.append(phrase.mention)
    thing = len(reading.mentions) - 1
    if phrase.whole:
        reading.mentions.append(phrase.whole)
        reading.link(thing + 1, "have", thing, phrase.whole.start, phrase.whole.start)
    if phrase.owner:
        owner = _antecedent(clause, phrase.owner, before=thing)
        part = noun_lemma(phrase.mention.name)
        if owner is not None and (
            wordnet.lexname(part) == "noun.body" or part in PARTS or part in ("back", "wing")
        ):
            reading.link(owner, "have", thing, phrase.start, phrase.start + 1)
    return thing


def _replace(clause: _Clause, old: int, new: int) -> None:
    """ "the horse 's mane": what was said of the horse is said of the mane."""
    for link in clause.reading.links:
        if link.object == old and clause.last and link.predicate == clause.last.predicate:
            link.object = new
    clause.group = [new if x == old else x for x in clause.group]
    clause.subject = [new if x == old else x for x in clause.subject]


def _antecedent(clause: _Clause, word: str, before: int | None = None) -> int | None:
    mentions = clause.reading.mentions[:before]
    order = [i for i in [*clause.subject, *range(len(mentions) - 1, -1, -1)] if i < len(mentions)]
    if word in _PERSONAL:
        wanted = [i for i in order if is_animate(mentions[i].name)]
    else:
        wanted = [i for i in order if wordnet.lexname(mentions[i].name) != "noun.person"]
    return (wanted or order or [None])[0]


def _pronoun(clause: _Clause, token: Token, i: int) -> None:
    thing = _antecedent(clause, token.text) if clause.reading.mentions else None
    if thing is None and token.text in PRONOUN_NAMES:
        clause.reading.mentions.append(Mention(token.text, i, i + 1))
        thing = len(clause.reading.mentions) - 1
    if thing is None or token.text.endswith(("self", "selves")):
        clause.pending = None
    elif clause.pending:
        _resolve(clause, clause.pending, thing)
        clause.last, clause.pending, clause.group = clause.pending, None, [thing]
    else:
        clause.subject, clause.group, clause.last = [thing], [thing], None


def is_animate(name: str) -> bool:
    return wordnet.lexname(name) in ("noun.person", "noun.animal") or name in (
        "people",
        "person",
        "men",
        "team",
    )


def _resolve(clause: _Clause, pending: _Pending, thing: int) -> None:
    for subject in pending.subjects:
        if pending.reverse:
            clause.reading.link(thing, pending.predicate, subject, pending.start, pending.end)
        else:
            clause.reading.link(subject, pending.predicate, thing, pending.start, pending.end)


def _copula(clause: _Clause, tokens: Sequence[Token], i: int) -> int:
    clause.copula, clause.joined = True, False
    if clause.relative:
        clause.subject = clause.group
    elif clause.subject:
        clause.group = clause.subject
    clause.actors, clause.verb, clause.relative = clause.subject, None, False
    k = i + 1
    while k < len(tokens) and tokens[k].tag in ("RB",):
        k += 1
    return k


def _verb(clause: _Clause, tokens: Sequence[Token], i: int) -> int:
    """A verb, its particle and its preposition; what it says of whom."""
    start = i
    finite = tokens[i].tag in ("VBZ", "VBP", "VBD", "VB") or tokens[i].text in _BE
    while i + 1 < len(tokens) and (
        tokens[i].text in _BE
        or (verb_lemma(tokens[i].text) in _SKIPPED_VERBS and _infinitive(tokens, i + 1))
        or tokens[i + 1].tag in ("RB",)
    ):
        if tokens[i + 1].tag not in (*_VERB, "RB", "TO", "JJ"):
            break
        i += 1
    while i + 1 < len(tokens) and tokens[i].tag in ("TO", "RB", "JJ"):
        i += 1
    lemma = verb_lemma(tokens[i].text)
    lemma = {"lie": "lay", "seat": "sit", "dress": "wear"}.get(lemma, lemma)
    actors = _actors(clause, tokens[i], lemma, finite)
    clause.actors, clause.verb = actors, (lemma, start)
    k = i + 1
    found = preposition(tokens, k) if k < len(tokens) else None
    if k < len(tokens) and tokens[k].tag in ("RP", "RB") and not found:
        k += 1
        found = preposition(tokens, k) if k < len(tokens) else None
    clause.copula = clause.joined = clause.relative = False
    if found and (noun_phrases.find(tokens, found[1]) or _is_pronoun(tokens, found[1])) and found[0] != "of":
        return _wait(clause, actors, tokens, lemma, i, found)
    if (
        k < len(tokens)
        and (noun_phrases.find(tokens, k) or _is_pronoun(tokens, k))
        and tokens[i].tag != "VBN"
    ):
        clause.pending = _Pending(actors, lemma, i, k)
        return k
    if clause.target and (tokens[i].tag != "VBN" or found):
        end = found[1] if found else k
        for actor in actors:
            for target in clause.target:
                text = f"{lemma} {found[0]}" if found else lemma
                clause.reading.link(actor, text, target, i, end)
        clause.target = []
        return end
    if tokens[i].tag in ("VBG", "VBN", "JJ"):
        _describe(clause, tokens, i, actors)
    return k


def _wait(
    clause: _Clause, actors: list[int], tokens: Sequence[Token], lemma: str, i: int, found: tuple[str, int]
) -> int:
    text, end = found
    passive = tokens[i].tag in ("VBN", "VBD")
    if passive and (
        (lemma, text) in _REVERSED or text == "by" and lemma not in ("park", "sit", "stand", "lay")
    ):
        clause.pending = _Pending(actors, lemma, i, end, reverse=True)
    elif (lemma, text) == ("wear", "in"):
        clause.pending = _Pending(actors, "wear", i, end)
    else:
        clause.pending = _Pending(actors, f"{lemma} {text}", i, end)
    return end


def _is_pronoun(tokens: Sequence[Token], i: int) -> bool:
    if i + 2 < len(tokens) and tokens[i].text in QUANTITIES and tokens[i + 1].text == "of":
        i += 2
    return i < len(tokens) and tokens[i].tag == "PRP"


def _infinitive(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].tag == "TO" or (tokens[i].text in ("ready", "about") and i + 1 < len(tokens))


def _actors(clause: _Clause, token: Token, lemma: str, finite: bool) -> list[int]:
    """Who does it: the clause's subject for a finite verb, else the nearest thing that can."""
    if clause.relative:
        return clause.group
    if finite or clause.copula or clause.joined or not clause.group:
        return clause.subject or clause.group
    if clause.group == clause.subject:
        return clause.group
    mentions = clause.reading.mentions
    if token.tag == "VBG":
        if is_animate(mentions[clause.group[-1]].name):
            return clause.group
        if any(is_animate(mentions[x].name) for x in clause.subject):
            return clause.subject
    return clause.group


def _preposition(clause: _Clause, tokens: Sequence[Token], i: int, text: str, end: int) -> int:
    """A preposition that follows a thing, or an object whose verb it may belong to."""
    clause.joined = False
    if text == "without":
        clause.pending, clause.absent = None, True
        return end
    subjects, predicate = clause.group, text
    if clause.copula:
        subjects = clause.subject
    elif (
        clause.last
        and clause.verb
        and clause.last.start > clause.verb[1] - 1
        and clause.actors != clause.group
    ):
        verb = clause.verb[0]
        direct = clause.last.predicate == verb
        if (
            direct
            and verb not in _TAKES_OBJECT
            and text in ("at", "on", "in", "along", "down", "through", "across")
        ):
            subjects, predicate = clause.actors, f"{verb} {text}"
    if text == "of":
        subjects = clause.group
        if subjects:
            clause.pending = _Pending(subjects, "have", i, end, reverse=not _is_container(clause))
        return end
    if (
        tokens[i].text == "to"
        and end < len(tokens)
        and tokens[end].tag in ("VB", "VBP", "NN")
        and not (noun_phrases.find(tokens, end))
    ):
        return end
    if not subjects:
        phrase = noun_phrases.find(tokens, end)
        if phrase and not phrase.negated and text != "with":
            place = _add(clause, phrase, tokens)
            clause.fronted = _Pending([place], text, i, end, reverse=True)
            return phrase.end
        return end
    clause.pending = _Pending(subjects, predicate, i, end)
    clause.copula = False
    return end


def _is_container(clause: _Clause) -> bool:
    head = noun_lemma(clause.reading.mentions[clause.group[-1]].name).rpartition(" ")[2]
    return head in (
        "plate bowl cup glass box basket bottle field vase tray picture jar pot can bucket bag pan shelf dish mug "
        "painting drawing photo display statue tank pitcher rack container".split()
    )


def _describe(clause: _Clause, tokens: Sequence[Token], i: int, things: list[int]) -> None:
    for thing in things:
        clause.reading.mentions[thing].attributes.append(Words(tokens[i].text, i, i + 1))


def _finish(clause: _Clause) -> None:
    """A predicate without an object that stands at the end: "the boy is riding"."""
    clause.pending = None
