"""What is read at once: openings are cut, empty sentences left out, joined clauses read one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ser_ros.graph import noun_phrases
from ser_ros.graph.asides import without_asides
from ser_ros.graph.ellipsis import with_nouns
from ser_ros.graph.lemmas import verb_lemma
from ser_ros.graph.lexicon import ABSTRACT_SUBJECTS, EFFECTS, PICTURES, SHOWS
from ser_ros.graph.predicates import BE, preposition
from ser_ros.graph.tokens import Token, tokenize

_FINITE = ("VBZ", "VBP", "VBD")
_JOINS = ("and", "while", "but", "where", "as")


def to_read(caption: str) -> list[Sequence[Token]]:
    """The clauses of a caption that can name a thing."""
    sentences = (without_asides(without_opening(tokens)) for tokens in with_nouns(tokenize(caption)))
    return [clause for tokens in sentences if says_things(tokens) for clause in clauses(tokens)]


def without_opening(tokens: Sequence[Token]) -> Sequence[Token]:
    """The sentence after words that only say that there is an image."""
    i = 0
    texts = [token.text for token in tokens[:12]]
    if texts[:1] == ["in"] or texts[:1] == ["overall"]:
        i = 1
    k = i
    while k < len(texts) and tokens[k].tag in ("DT", "JJ", "VBN", "PRP$", "CC"):
        k += 1
    if k < len(texts) and texts[k] in PICTURES:
        k = noun = k + 1
        if is_hung_picture(tokens):
            return tokens
        if texts[k : k + 2] in (["is", "set"], ["takes", "place"]):
            return tokens[k + 2 :]
        if k < len(texts) and verb_lemma(texts[k]) in EFFECTS:
            return []
        while k < len(texts) and (
            texts[k] in (",", "we", "you", "can", "see", "there", "that", "which", "prominently", "a", "view")
            or verb_lemma(texts[k]) in SHOWS
        ):
            if texts[k] in ("is", "are") and texts[k - 1] != "there" and texts[:1] != ["in"]:
                return tokens  # "the image is blurry" is about the image; it has no thing
            k += 1
        if k < len(tokens) and (texts[:1] == ["in"] or k > noun):
            return tokens[k:]
    return tokens


def is_hung_picture(tokens: Sequence[Token]) -> bool:
    """Whether the sentence says how a picture is put up: "A photo of a child hangs on the wall"."""
    texts = [token.text for token in tokens]
    first = next((k for k, token in enumerate(tokens) if token.tag not in ("DT", "JJ", "CC", "VBN")), 0)
    if texts[first : first + 1] and (texts[first] not in PICTURES or texts[first + 1 : first + 2] != ["of"]):
        return False
    for token in tokens:
        if token.tag in ("WDT", "WP", "VBG"):
            return False
        if token.tag in _FINITE:
            return verb_lemma(token.text) in ("hang", "stand", "lean", "lie")
    return False


def says_things(tokens: Sequence[Token]) -> bool:
    """Whether a sentence can name a thing; "A sense of calm fills the room" does not."""
    for token in tokens[:6]:
        if token.text in ABSTRACT_SUBJECTS and token.tag != "JJ":
            return False
        if token.tag not in ("DT", "JJ", "PRP$", "RB", "VBN", "VBG", "CC", ","):
            return True
    return True


def is_inverted(tokens: Sequence[Token]) -> bool:
    """Whether a place comes first and the subject after the verb: "At the desk sits a man".

    Or a place that only a pronoun names: "On it a cat is sleeping".
    """
    i = 0
    while i < len(tokens) and (found := preposition(tokens, i)):
        i = found[1]
        phrase = noun_phrases.find(tokens, i)
        if phrase is None:
            return i < len(tokens) and tokens[i].tag == "PRP"
        i = phrase.end
    return 0 < i < len(tokens) and (tokens[i].tag in _FINITE or tokens[i].text in BE)


def clauses(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The sentence cut before each "and" that begins a clause of its own with subject and verb.

    "The door is closed | and the lights are off" holds two; "a man sits and reads" is one.
    """
    start = 0
    has_verb = False
    tokens = list(tokens)
    for k, token in enumerate(tokens):
        found = preposition(tokens, k) if k > start and k + 1 < len(tokens) else None
        if (
            found and found[1] < len(tokens) and tokens[found[1]].text == "which"
        ):  # "a rug, on WHICH a cat lies"
            tokens[found[1]] = replace(tokens[found[1]], tag="PRP")
            yield tokens[start:k]
            start, has_verb = k, False
        joins = token.text in _JOINS or token.text == ","
        if joins and has_verb and k > start and _begins_clause(tokens, k + 1):
            yield tokens[start:k]
            start, has_verb = k + 1, False
        has_verb |= token.tag in _FINITE or token.text in BE
    yield tokens[start:]


def _begins_clause(tokens: Sequence[Token], i: int) -> bool:
    """Whether a subject and its finite verb, or a place and "there is", stand here."""
    found = preposition(tokens, i) if i < len(tokens) else None
    if found:
        i = found[1]
    if i >= len(tokens):
        return False
    if not found and tokens[i].text == "there":
        return True
    if tokens[i].tag == "PRP":
        i += 1
    else:
        phrase = noun_phrases.find(tokens, i)
        if phrase is None:
            return False
        i = phrase.end
    if found:
        return i < len(tokens) and (tokens[i].text == "there" or tokens[i].tag in _FINITE)
    return i < len(tokens) and (tokens[i].tag in _FINITE or tokens[i].text in BE)
