"""Reads one tagged sentence by rules: noun phrases, then the verbs and prepositions between them.

One pass from left to right. The state is the clause's subject, the last group of things
("a cup and a plate") and the predicate that waits for its object.
"""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import noun_phrases
from ser_ros.graph.clause import Clause, Pending, add_thing, antecedent, describe, is_animate, link_object
from ser_ros.graph.lexicon import ITS, POINTERS, PRONOUN_NAMES, QUANTITIES
from ser_ros.graph.noun_phrases import NounPhrase
from ser_ros.graph.predicates import (
    BE,
    VERB,
    is_be,
    is_pronoun,
    preposition,
    read_copula,
    read_preposition,
    read_verb,
    verb_follows,
)
from ser_ros.graph.reading import Mention, Reading, Words
from ser_ros.graph.tokens import Token


def read(tokens: Sequence[Token]) -> Reading:
    """The things and links of one sentence; never fails, whatever the tokens are."""
    clause = Clause(Reading(tokens))
    i = 0
    while i < len(tokens):
        i = _step(clause, tokens, i)
    return clause.reading


def _step(clause: Clause, tokens: Sequence[Token], i: int) -> int:
    """Take in what begins at token `i`; return where the next begins."""
    token = tokens[i]
    if token.tag == "EX" or (token.text == "," and clause.fronted and not clause.subject):
        clause.group, clause.pending, clause.last, clause.joined = [], None, None, False
        return i + 1
    if token.text in QUANTITIES and is_pronoun(tokens, i + 2) and tokens[i + 1].text == "of":
        return i + 2
    if token.text in ("'s", "'") and clause.group and i + 1 < len(tokens):
        phrase = noun_phrases.find(tokens, i + 1)
        if phrase and token.text == "'s" and tokens[i - 1].tag != "EX":
            owner = clause.group[-1]
            thing = add_thing(clause, phrase, tokens)
            clause.reading.link(owner, "have", thing, i, i + 1)
            _replace(clause, owner, thing)
            return phrase.end
    if is_be(token) and not verb_follows(tokens, i + 1):
        return read_copula(clause, tokens, i)
    found = preposition(tokens, i)
    phrase = None if found and token.tag not in ("JJ",) else noun_phrases.find(tokens, i)
    if phrase and phrase.end > i:
        _noun_phrase(clause, phrase, tokens)
        return phrase.end
    if found:
        return read_preposition(clause, tokens, i, *found)
    if token.tag in VERB:
        return read_verb(clause, tokens, i)
    if token.tag == "PRP":
        _pronoun(clause, token, i)
        return i + 1
    if token.tag in ("CC", ","):
        clause.joined = True
        if token.text == "," and clause.around and _is_finite(tokens, i + 1):
            clause.subject = clause.group = clause.around  # "A cup, which is full, STANDS there"
            clause.around, clause.joined, clause.relative, clause.last = [], False, False, None
        return i + 1
    if token.tag in ("WDT", "WP") or (token.text == "that" and clause.group):
        _relative(clause, token)
        return i + 1
    if token.tag in ("JJ", "VBN", "VBG") and clause.copula:
        describe(clause, tokens, i, clause.subject)
        return i + 1
    return i + 1


def _noun_phrase(clause: Clause, phrase: NounPhrase, tokens: Sequence[Token]) -> None:
    reading = clause.reading
    if phrase.negated or clause.absent:
        clause.pending, clause.absent = None, False
        return
    thing = add_thing(clause, phrase, tokens)
    new_clause = clause.joined and clause.finite and _starts_clause(tokens, phrase.end)
    if clause.pending:
        link_object(clause, clause.pending, thing)
        clause.last, clause.pending = clause.pending, None
        clause.group = [thing]
    elif clause.joined and clause.group and not (new_clause and clause.last):
        if clause.last and clause.last.outer and _is_parallel(clause.last, phrase, tokens):
            clause.last, before = clause.last.outer
            if clause.last:
                link_object(clause, clause.last, thing)
            else:
                clause.subject = [*before, thing]
            clause.group = [thing]
        elif clause.last:
            link_object(clause, clause.last, thing)
            clause.group.append(thing)
        else:
            clause.group.append(thing)
            clause.subject = list(clause.group)
    else:
        if clause.copula and clause.subject and not clause.joined:
            words = reading.mentions[thing]
            if all(reading.mentions[subject].name in ITS for subject in clause.subject):
                clause.subject = clause.group = [thing]  # "It is a bedroom" names the bedroom
                clause.copula = False
                return
            for subject in clause.subject:
                reading.mentions[subject].attributes.append(Words(words.name, words.start, words.end))
            if thing == len(reading.mentions) - 1:
                reading.mentions.pop()
            clause.copula = False
            return
        clause.target = [] if clause.joined else list(clause.group)
        clause.subject = [thing]
        clause.group = [thing]
        clause.last, clause.finite = None, False
        if clause.fronted:
            link_object(clause, clause.fronted, thing)
            clause.last, clause.fronted = clause.fronted, None
    clause.joined = clause.relative = clause.copula = False


def _is_parallel(last: Pending, phrase: NounPhrase, tokens: Sequence[Token]) -> bool:
    """Whether a thing after "and" stands beside what bears the last preposition, not beside its object.

    "a cup of tea and A PLATE", "a clock on the wall and A MIRROR above the sink".
    """
    if tokens[last.start].text == "of":
        return tokens[phrase.start].tag in ("DT", "CD", "PRP$")
    found = preposition(tokens, phrase.end) if phrase.end < len(tokens) else None
    return found is not None and found[0] != "of" and (last.predicate != "with" or found[0] == "with")


def _relative(clause: Clause, token: Token) -> None:
    """ "who" is somebody named before; what follows is said of the thing before "which"."""
    clause.relative, clause.around = True, clause.subject
    mentions = clause.reading.mentions
    if token.text in ("who", "whom") and clause.group and not is_animate(mentions[clause.group[-1]].name):
        alive = [k for k, mention in enumerate(mentions) if is_animate(mention.name)]
        clause.group = alive[-1:] or clause.group


def _is_finite(tokens: Sequence[Token], i: int) -> bool:
    return i < len(tokens) and (tokens[i].tag in ("VBZ", "VBP", "VBD") or tokens[i].text in BE)


def _starts_clause(tokens: Sequence[Token], i: int) -> bool:
    return i < len(tokens) and (tokens[i].tag in ("VBZ", "VBG", "VBP") or tokens[i].text in BE)


def _replace(clause: Clause, old: int, new: int) -> None:
    """ "the horse 's mane": what was said of the horse is said of the mane."""
    for link in clause.reading.links:
        if link.object == old and clause.last and link.predicate == clause.last.predicate:
            link.object = new
    clause.group = [new if x == old else x for x in clause.group]
    clause.subject = [new if x == old else x for x in clause.subject]


def _pronoun(clause: Clause, token: Token, i: int) -> None:
    thing = antecedent(clause, token.text)
    if thing is None and (token.text in PRONOUN_NAMES or token.text in POINTERS):
        clause.reading.mentions.append(Mention(token.text, i, i + 1))  # `discourse` finds what it is
        thing = len(clause.reading.mentions) - 1
    if thing is None or token.text.endswith(("self", "selves")):
        clause.pending = None
    elif clause.pending:
        link_object(clause, clause.pending, thing)
        clause.last, clause.pending, clause.group = clause.pending, None, [thing]
    else:
        clause.subject, clause.group, clause.last = [thing], [thing], None
