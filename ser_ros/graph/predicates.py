"""What verbs and prepositions say between the things of a clause."""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import noun_phrases
from ser_ros.graph.clause import Clause, Pending, add_thing, describe, is_animate
from ser_ros.graph.lemmas import noun_lemma, verb_lemma
from ser_ros.graph.lexicon import (
    CONTAINERS,
    LONGEST_PREPOSITION,
    POINTERS,
    PREPOSITIONS,
    QUANTITIES,
    SKIPPED_VERBS,
    TAKES_OBJECT,
    word_set,
)
from ser_ros.graph.reading import Mention
from ser_ros.graph.tokens import Token

VERB = ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
BE = word_set("is are was were be been being 's 're")
SWITCHED = frozenset(("on", "off"))
_REVERSED = frozenset({("cover", "in"), ("cover", "with"), ("surround", "by"), ("surround", "with")})


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


def is_be(token: Token) -> bool:
    """Whether a token is a form of "to be", also the "'s" that taggers take for a genitive."""
    return token.text in BE and token.tag in (*VERB, "POS")


def is_pronoun(tokens: Sequence[Token], i: int) -> bool:
    """Whether a personal pronoun stands at `i`, also after "some of"."""
    if i + 2 < len(tokens) and tokens[i].text in QUANTITIES and tokens[i + 1].text == "of":
        i += 2
    return i < len(tokens) and tokens[i].tag == "PRP"


def verb_follows(tokens: Sequence[Token], i: int) -> bool:
    """Whether a participle stands at `i`, adverbs left out, that is no attribute of a noun after it."""
    while i < len(tokens) and tokens[i].tag in ("RB", "RP"):
        i += 1
    if i >= len(tokens) or tokens[i].tag not in ("VBG", "VBN", "VBD"):
        return False
    return i + 1 >= len(tokens) or tokens[i + 1].tag not in ("NN", "NNS")


def read_copula(clause: Clause, tokens: Sequence[Token], i: int) -> int:
    """Take the form of "to be" at `i`; returns where reading goes on."""
    clause.copula, clause.finite, clause.joined = True, True, False
    if clause.relative:
        clause.subject = clause.group
    elif clause.subject:
        clause.group = clause.subject
    clause.actors, clause.verb, clause.relative = clause.subject, None, False
    k = i + 1
    while k < len(tokens) and tokens[k].tag in ("RB",):
        k += 1
    lifeless = not any(is_animate(clause.reading.mentions[thing].name) for thing in clause.subject)
    if lifeless and not clause.target and _is_switched(tokens, k):  # not "the table the vases are on"
        describe(clause, tokens, k, clause.subject)
        return k + 1
    return k


def _is_switched(tokens: Sequence[Token], k: int) -> bool:
    """Whether "on" or "off" at `k` is what something is, not where: "the lamp is ON", "is OFF in a hall"."""
    if k >= len(tokens) or tokens[k].text not in SWITCHED or (found := preposition(tokens, k)) is None:
        return False
    alone = found[1] == k + 1
    return alone and (k + 1 == len(tokens) or tokens[k + 1].tag in ("CC", "IN", ",", "."))


def read_verb(clause: Clause, tokens: Sequence[Token], i: int) -> int:
    """A verb, its particle and its preposition; what it says of whom."""
    start = i
    finite = tokens[i].tag in ("VBZ", "VBP", "VBD", "VB") or tokens[i].text in BE
    while i + 1 < len(tokens) and (
        tokens[i].text in BE
        or (verb_lemma(tokens[i].text) in SKIPPED_VERBS and _infinitive(tokens, i + 1))
        or tokens[i + 1].tag in ("RB",)
    ):
        if tokens[i + 1].tag not in (*VERB, "RB", "TO", "JJ"):
            break
        i += 1
    while i + 1 < len(tokens) and tokens[i].tag in ("TO", "RB", "JJ"):
        i += 1
    lemma = verb_lemma(tokens[i].text)
    lemma = {"lie": "lay", "seat": "sit", "dress": "wear"}.get(lemma, lemma)
    if clause.fronted and not clause.subject:  # "At the desk SITS an old man"
        clause.fronted.predicate = f"{lemma} {clause.fronted.predicate}"
        return i + 1
    actors = _actors(clause, tokens[i], lemma, finite)
    clause.finite |= finite
    clause.actors, clause.verb = actors, (lemma, start)
    k = i + 1
    found = preposition(tokens, k) if k < len(tokens) else None
    if k < len(tokens) and tokens[k].tag in ("RP", "RB") and not found:
        k += 1
        found = preposition(tokens, k) if k < len(tokens) else None
    clause.copula = clause.joined = clause.relative = False
    if found and (noun_phrases.find(tokens, found[1]) or is_pronoun(tokens, found[1])) and found[0] != "of":
        return _wait(clause, actors, tokens, lemma, i, found)
    if k < len(tokens) and (noun_phrases.find(tokens, k) or is_pronoun(tokens, k)) and tokens[i].tag != "VBN":
        clause.pending = Pending(actors, lemma, i, k)
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
        describe(clause, tokens, i, actors)
    return k


def _wait(
    clause: Clause, actors: list[int], tokens: Sequence[Token], lemma: str, i: int, found: tuple[str, int]
) -> int:
    text, end = found
    passive = tokens[i].tag in ("VBN", "VBD")
    active = lemma in ("park", "sit", "stand", "lay")
    if passive and ((lemma, text) in _REVERSED or (text == "by" and not active)):
        clause.pending = Pending(actors, lemma, i, end, reverse=True)
    elif (lemma, text) == ("wear", "in"):
        clause.pending = Pending(actors, "wear", i, end)
    else:
        clause.pending = Pending(actors, f"{lemma} {text}", i, end)
    return end


def _infinitive(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].tag == "TO" or (tokens[i].text in ("ready", "about") and i + 1 < len(tokens))


def _actors(clause: Clause, token: Token, lemma: str, finite: bool) -> list[int]:
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


def read_preposition(clause: Clause, tokens: Sequence[Token], i: int, text: str, end: int) -> int:
    """A preposition that follows a thing, or an object whose verb it may belong to."""
    clause.joined = False
    if text == "without":
        clause.pending, clause.absent = None, True
        return end
    subjects, predicate = clause.group, text
    outer = clause.last, clause.group
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
            and verb not in TAKES_OBJECT
            and text in ("at", "on", "in", "along", "down", "through", "across")
        ):
            subjects, predicate = clause.actors, f"{verb} {text}"
    if text == "of":
        subjects = clause.group
        if subjects:
            reverse = not _is_container(clause)
            clause.pending = Pending(subjects[-1:], "have", i, end, reverse, outer)
        return end
    if (
        tokens[i].text == "to"
        and end < len(tokens)
        and tokens[end].tag in ("VB", "VBP", "NN")
        and not (noun_phrases.find(tokens, end))
    ):
        return end
    if not subjects and clause.fronted:
        subjects = clause.fronted.subjects
    elif not subjects:
        place, after = _fronted_place(clause, tokens, end)
        if place is not None and text != "with":
            clause.fronted = Pending([place], text, i, end, reverse=True)
        return after
    clause.pending = Pending(subjects, predicate, i, end, outer=outer if predicate == text else None)
    clause.copula = False
    return end


def _fronted_place(clause: Clause, tokens: Sequence[Token], i: int) -> tuple[int | None, int]:
    """The thing or pronoun after a preposition that begins the sentence, and the token after it."""
    if i < len(tokens) and tokens[i].text in POINTERS and tokens[i].tag == "PRP":
        clause.reading.mentions.append(Mention(tokens[i].text, i, i + 1))
        return len(clause.reading.mentions) - 1, i + 1
    phrase = noun_phrases.find(tokens, i)
    if phrase and not phrase.negated:
        return add_thing(clause, phrase, tokens), phrase.end
    return None, i


def _is_container(clause: Clause) -> bool:
    head = noun_lemma(clause.reading.mentions[clause.group[-1]].name).rpartition(" ")[2]
    return head in CONTAINERS
