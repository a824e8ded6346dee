"""Aligns FACTUAL's labelled graphs with the words of their captions: what the reader learns.

FACTUAL says what a caption means, not which words say it. Names and attributes are found by lemma;
a predicate is anchored at its preposition, its verb, or the word between its things that implies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ser_ros.graph.arcs import Arc, ArcGraph, lemma_of
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import NUMBERS, word_set
from ser_ros.graph.predicates import preposition
from ser_ros.graph.tokens import Token

# Words that may stand for a relation they do not name: possession, apposition, coordination.
_IMPLIES = word_set(
    "'s ' of with has have having in on his her its their and , that which who where for from to by at is "
    "are full wearing"
)
# Words that name a thing without being a noun; FACTUAL writes what they mean.
_STAND_INS = word_set("someone somebody anyone he she him her they them it i we you one")
_COUNTS = {str(count): {word for word, n in NUMBERS.items() if n == count} for count in NUMBERS.values()}


@dataclass
class Aligned:
    """One caption with its arcs and what no word could be found for.

    Attributes:
        tokens: all words of the caption.
        graph: the arcs.
        renamed_things: (words of the caption, name in the label) for each thing.
        renamed_attributes: the same for attributes.
        lost: facts without words.
    """

    tokens: list[Token]
    graph: ArcGraph = field(default_factory=ArcGraph)
    renamed_things: list[tuple[str, str]] = field(default_factory=list)
    renamed_attributes: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, ...]] = field(default_factory=list)


def align(tokens: list[Token], facts: Sequence[tuple[str, ...]]) -> Aligned:
    """Arcs for the facts of one caption.

    Args:
        tokens: the caption's words.
        facts: from `read_factual`.
    """
    aligned = Aligned(tokens)
    names = list(dict.fromkeys(name for fact in facts for name in _names(fact)))
    heads = _place_things(aligned, names)
    for fact in facts:
        if len(fact) == 3 and fact[1] == "is" and not _attribute(aligned, heads.get(fact[0], []), fact[2]):
            aligned.lost.append(fact)
    relations = [fact for fact in facts if len(fact) == 3 and fact[1] != "is"]
    taken: dict[int, tuple] = {}
    for subject, predicate, thing in relations:
        if not _relation(aligned, heads.get(subject, []), predicate, heads.get(thing, []), taken):
            aligned.lost.append((subject, predicate, thing))
    aligned.lost += [fact for fact in facts if len(fact) == 1 and not heads.get(fact[0])]
    return aligned


def _names(fact: tuple[str, ...]) -> Iterator[str]:
    yield fact[0]
    if len(fact) == 3 and fact[1] != "is":
        yield fact[2]


def _place_things(aligned: Aligned, names: list[str]) -> dict[str, list[int]]:
    """Head words of each name; a name that several words fit has them all."""
    heads: dict[str, list[int]] = {}
    used: set[int] = set()
    for name in sorted(names, key=lambda name: -len(name.split())):
        for positions in _occurrences(aligned.tokens, name, used):
            used.update(positions)
            _thing(aligned, heads, name, positions)
    missing = [name for name in names if name not in heads]
    left = [k for k, token in enumerate(aligned.tokens) if k not in used and token.tag.startswith("NN")]
    left += [
        k
        for k, token in enumerate(aligned.tokens)
        if token.text in ("someone", "somebody", "one") and k not in left
    ]
    if len(missing) == 1 and left:
        close = [k for k in left if _similar(aligned.tokens[k].text, missing[0])]
        if close or len(left) == 1:
            _thing(aligned, heads, missing[0], [(close or left)[0]])
    return heads


def _thing(aligned: Aligned, heads: dict[str, list[int]], name: str, positions: list[int]) -> None:
    head = positions[-1]
    heads.setdefault(name, []).append(head)
    aligned.graph.things[head] = 1.0
    for k in positions[:-1]:
        aligned.graph.arcs[head, k] = (Arc.NAME, 1.0)
    aligned.renamed_things.append((" ".join(aligned.tokens[k].text for k in positions), name))


def _occurrences(tokens: Sequence[Token], name: str, used: set[int]) -> list[list[int]]:
    """Runs of unused words that are the name: by lemma, or written together ("cell phone")."""
    words = name.replace("-", " ").split()
    joined = noun_lemma("".join(words))
    found: list[list[int]] = []
    for start in range(len(tokens)):
        for length in (len(words), 2, 1, 3):
            run = list(range(start, min(start + length, len(tokens))))
            if len(run) < length or any(k in used for k in run) or (found and start <= found[-1][-1]):
                continue
            texts = [tokens[k].text for k in run]
            same = length == len(words) and all(map(_same_word, texts, words))
            if same or noun_lemma("".join(texts).replace("-", "")) == joined:
                found.append(run)
                break
    return found


def _same_word(text: str, word: str) -> bool:
    """Whether a caption's word is a label's word: the lemma, or its adjective ("haired", "hair")."""
    lemma = noun_lemma(word)
    return text == word or noun_lemma(text) == lemma or text in (lemma + "ed", lemma + "d")


def _similar(a: str, b: str) -> bool:
    """Whether one is a likely misspelling of the other."""
    import difflib

    return difflib.SequenceMatcher(None, noun_lemma(a), noun_lemma(b)).ratio() >= 0.7


def _attribute(aligned: Aligned, heads: Sequence[int], text: str) -> bool:
    """Arcs for one attribute of the thing at `heads`; False when no words say it."""
    tokens = aligned.tokens
    runs = _attribute_runs(tokens, text)
    if not runs or not heads:
        return False
    best = min(
        ((run, head) for run in runs for head in heads if head not in run),
        key=lambda pair: _distance(pair[0][-1], pair[1], text),
        default=None,
    )
    if best is None:
        return False
    run, head = best
    for k in run[:-1]:
        aligned.graph.arcs[run[-1], k] = (Arc.PART, 1.0)
    aligned.graph.arcs[head, run[-1]] = (Arc.ATTRIBUTE, 1.0)
    aligned.renamed_attributes.append((" ".join(tokens[k].text for k in run), text))
    return True


def _distance(attribute: int, head: int, text: str) -> int:
    """Attributes stand before their thing more often than after it."""
    return head - attribute if attribute < head else 3 + attribute - head


def _attribute_runs(tokens: Sequence[Token], text: str) -> list[list[int]]:
    texts = [token.text for token in tokens]
    words = text.split()
    if text in _COUNTS or text.isdecimal():
        return [[k] for k, word in enumerate(texts) if word == text or word in _COUNTS.get(text, ())]
    if len(words) == 2 and words[1] == "of":
        return [[k] for k, word in enumerate(texts) if noun_lemma(word) == words[0]]
    runs = [list(range(k, k + len(words))) for k in range(len(texts)) if texts[k : k + len(words)] == words]
    if not runs and len(words) == 1:
        wanted = {text, noun_lemma(text), text.replace("-", "")}
        runs = [
            [k] for k, token in enumerate(tokens)
            if token.text in wanted or noun_lemma(token.text) in wanted or lemma_of(token) in wanted
        ]  # fmt: skip
    if not runs and len(words) == 1 and len(text) > 4:
        runs = [
            [k]
            for k, token in enumerate(tokens)
            if token.tag[:2] in ("JJ", "VB", "NN") and _similar(token.text, text)
        ]
    return runs


def _relation(
    aligned: Aligned, subjects: Sequence[int], predicate: str, objects: Sequence[int], taken: dict[int, tuple]
) -> bool:
    """An anchor with arcs to the nearest fitting pair; False when nothing implies the relation."""
    pairs = [(s, o) for s in subjects for o in objects if s != o]
    if not pairs:
        return False
    candidates = [
        (cost, anchor, verb, template, pair)
        for pair in pairs
        for cost, anchor, verb, template in _anchors(aligned.tokens, predicate, *pair)
    ]
    for _, anchor, verb, template, (subject, thing) in sorted(candidates, key=lambda c: c[0]):
        key = (template, verb)
        if (
            taken.get(anchor, key) != key
            or (
                (anchor, subject) in aligned.graph.arcs
                and (aligned.graph.arcs[anchor, subject][0] is not Arc.SUBJECT)
            )
            or (
                (anchor, thing) in aligned.graph.arcs
                and aligned.graph.arcs[anchor, thing][0] is not Arc.OBJECT
            )
        ):
            continue
        taken[anchor] = key
        aligned.graph.templates[anchor] = (template, 1.0)
        aligned.graph.arcs[anchor, subject] = (Arc.SUBJECT, 1.0)
        aligned.graph.arcs[anchor, thing] = (Arc.OBJECT, 1.0)
        if verb is not None and verb != anchor:
            aligned.graph.arcs[anchor, verb] = (Arc.VERB, 1.0)
        return True
    return False


def _anchors(
    tokens: Sequence[Token], predicate: str, subject: int, thing: int
) -> Iterator[tuple[float, int, int | None, str]]:
    """(cost, anchor, verb, template) for each way the words between and around the pair say it."""
    low, high = sorted((subject, thing))
    first, _, rest = predicate.partition(" ")
    prepositions = {k: found[0] for k in range(len(tokens)) if (found := preposition(tokens, k))}
    verbs = [
        k for k, token in enumerate(tokens) if lemma_of(token) == first and token.text not in ("in", "on")
    ]
    for verb in verbs:
        far = min(abs(verb - low), abs(verb - high)) + (0 if low < verb < high else 2)
        if not rest:
            yield far * 0.1, verb, verb, "V"
            continue
        for k, text in prepositions.items():
            if k > verb and (text == rest or tokens[k].text == rest.split()[0]):
                outside = 0 if low < k < high else 1.5
                yield far * 0.1 + outside + abs(thing - k) * 0.1, k, verb, f"V {rest}"
        yield 4 + far * 0.1, verb, verb, f"V {rest}"
    for k, text in prepositions.items():
        if text == predicate or tokens[k].text == predicate:
            outside = 0 if low < k < high else 2
            yield 0.5 + outside + abs(thing - k) * 0.1, k, None, predicate
        elif rest and text == rest and low < k < high:
            yield 6 + abs(thing - k) * 0.1, k, None, predicate
    for k in range(low, high + 1):
        inside = low < k < high
        if inside and (tokens[k].text in _IMPLIES or tokens[k].tag.startswith("VB") or k in prepositions):
            implied = 0 if tokens[k].text in ("'s", "of", "with", "his", "her", "its", "their") else 1
            yield 7 + implied + abs(thing - k) * 0.1, k, None, predicate
    if high - low <= 2:
        yield 9, low, None, predicate
    yield 12, high, None, predicate
