"""Reads one tagged sentence by rules: noun phrases, then the verbs and prepositions between them.

One pass from left to right. The state is the clause's subject, the last group of things
("a cup and a plate") and the predicate that waits for its object.
"""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import noun_phrases
from ser_ros.graph.clause import Clause, add_thing, antecedent, describe, link_object
from ser_ros.graph.lexicon import PRONOUN_NAMES, QUANTITIES
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
    if token.tag == "EX":
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
        return i + 1
    if token.tag in ("WDT", "WP") or (token.text == "that" and clause.group):
        clause.relative = True
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
    new_clause = clause.joined and _starts_clause(tokens, phrase.end)
    if clause.pending:
        link_object(clause, clause.pending, thing)
        clause.last, clause.pending = clause.pending, None
        clause.group = [thing]
    elif clause.joined and clause.group and not (new_clause and clause.last):
        if clause.last:
            link_object(clause, clause.last, thing)
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
            link_object(clause, clause.fronted, thing)
            clause.last, clause.fronted = clause.fronted, None
    clause.joined = clause.relative = clause.copula = False


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
    thing = antecedent(clause, token.text) if clause.reading.mentions else None
    if thing is None and token.text in PRONOUN_NAMES:
        clause.reading.mentions.append(Mention(token.text, i, i + 1))
        thing = len(clause.reading.mentions) - 1
    if thing is None or token.text.endswith(("self", "selves")):
        clause.pending = None
    elif clause.pending:
        link_object(clause, clause.pending, thing)
        clause.last, clause.pending, clause.group = clause.pending, None, [thing]
    else:
        clause.subject, clause.group, clause.last = [thing], [thing], None
