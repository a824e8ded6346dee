"""What words mean: synonyms, kinds and physical things, from the WordNet file in the package.

The file (`assets/wordnet/wordnet.npz`, made by `ser_ros.data.wordnet_asset`) holds for nouns (n),
verbs (v) and adjectives (a): `lemmas` (sorted, newline-joined UTF-8), `senses` (synset numbers in
order of frequency) with `sense_ends` (how many each lemma has), and for n and v `hypernyms` with
`hypernym_ends` and the lexicographer file `lexnames` of each synset. Loads in about 0.1 s on
first use. A word may be a plural or inflected form; it is looked up as it stands, then by lemma.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from ser_ros.graph.lemmas import noun_lemma, verb_lemma

ASSET = Path(__file__).resolve().parents[1] / "assets" / "wordnet" / "wordnet.npz"

Part = Literal["n", "v", "a"]

# WordNet's names of its lexicographer files for nouns (3-28) and verbs (29-43), `man 5 lexnames`.
_LEXNAMES = (
    "adj.all adj.pert adv.all noun.tops noun.act noun.animal noun.artifact noun.attribute noun.body "
    "noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location "
    "noun.motive noun.object noun.person noun.phenomenon noun.plant noun.possession noun.process "
    "noun.quantity noun.relation noun.shape noun.state noun.substance noun.time verb.body verb.change "
    "verb.cognition verb.communication verb.competition verb.consumption verb.contact verb.creation "
    "verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative verb.weather"
)
LEXNAMES = _LEXNAMES.split()
_LIVING = frozenset(("noun.animal", "noun.person"))
_UNSEEN = frozenset((
    "noun.act", "noun.attribute", "noun.cognition", "noun.event", "noun.feeling", "noun.motive",
    "noun.process", "noun.relation", "noun.state", "noun.time",
))  # fmt: skip


class _PartOfSpeech:
    """One part of speech of the file, indexed by lemma."""

    def __init__(self, arrays: np.lib.npyio.NpzFile, part: Part):
        lemmas = arrays[f"{part}_lemmas"].tobytes().decode().split("\n")
        self.index = {lemma: i for i, lemma in enumerate(lemmas)}
        self.senses = arrays[f"{part}_senses"]
        self.sense_at = _starts(arrays[f"{part}_sense_ends"])
        if part != "a":
            self.hypernyms = arrays[f"{part}_hypernyms"]
            self.hypernym_at = _starts(arrays[f"{part}_hypernym_ends"])
            self.lexnames = arrays[f"{part}_lexnames"]

    def senses_of(self, lemma: str) -> tuple[int, ...]:
        i = self.index.get(lemma)
        return () if i is None else tuple(self.senses[self.sense_at[i] : self.sense_at[i + 1]].tolist())

    def hypernyms_of(self, synset: int) -> list[int]:
        return self.hypernyms[self.hypernym_at[synset] : self.hypernym_at[synset + 1]].tolist()

    def hyponyms_of(self, synset: int) -> list[int]:
        hyponyms, at = self._hyponyms()
        return hyponyms[at[synset] : at[synset + 1]].tolist()

    def words_of(self, synset: int) -> list[str]:
        return self._words().get(synset, [])

    @cache  # noqa: B019 -- one instance per part of speech, for the life of the process
    def _hyponyms(self) -> tuple[np.ndarray, np.ndarray]:
        """The hypernyms turned round, and where those of each synset begin; few processes ask for them."""
        numbers = np.diff(self.hypernym_at)
        below = np.repeat(np.arange(len(numbers)), numbers)
        at = _starts(np.bincount(self.hypernyms, minlength=len(numbers)))
        return below[np.argsort(self.hypernyms, kind="stable")], at

    @cache  # noqa: B019 -- one instance per part of speech, for the life of the process
    def _words(self) -> dict[int, list[str]]:
        words: dict[int, list[str]] = {}
        for lemma, (start, end) in zip(self.index, pairwise(self.sense_at.tolist()), strict=True):
            for synset in self.senses[start:end].tolist():
                words.setdefault(synset, []).append(lemma)
        return words


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


@cache
def _wordnet(part: Part) -> _PartOfSpeech:
    with np.load(ASSET, allow_pickle=False) as arrays:
        return _PartOfSpeech(arrays, part)


@lru_cache(65536)
def senses(word: str, part: Part = "n") -> tuple[int, ...]:
    """Synset numbers of a word, most frequent sense first; empty when WordNet does not know it."""
    word = " ".join(word.lower().split())
    found = _wordnet(part).senses_of(word)
    if found or part == "a":
        return found
    first, _, last = word.rpartition(" ")
    if part == "n":
        last = noun_lemma(last)
        return _wordnet(part).senses_of(f"{first} {last}".strip())
    return _wordnet(part).senses_of(f"{verb_lemma(first)} {last}" if first else verb_lemma(last))


def is_known(word: str, part: Part = "n") -> bool:
    """Whether WordNet has the word, as it stands or by its lemma."""
    return bool(senses(word, part))


def lexname(word: str, part: Part = "n") -> str:
    """Lexicographer file of the most frequent sense: "noun.artifact", "verb.motion"; "" if unknown."""
    found = senses(word, part)
    return LEXNAMES[_wordnet(part).lexnames[found[0]]] if found and part != "a" else ""


@lru_cache(16384)
def kinds(word: str, most_senses: int = 2) -> frozenset[int]:
    """The synsets of a noun's first senses and everything they are a kind of."""
    nouns = _wordnet("n")
    seen: set[int] = set()
    waiting = list(senses(word)[:most_senses])
    while waiting:
        synset = waiting.pop()
        if synset not in seen:
            seen.add(synset)
            waiting.extend(nouns.hypernyms_of(synset))
    return frozenset(seen)


def same_thing(a: str, b: str) -> bool:
    """Whether two nouns can name the same thing: equal lemma, or a shared first or second sense.

    `same_thing("sofa", "couches")` is true, `same_thing("man", "woman")` is not.
    """
    if noun_lemma(a.lower()) == noun_lemma(b.lower()):
        return True
    return not set(senses(a)[:2]).isdisjoint(senses(b)[:2])


def is_a(a: str, b: str, most_senses: int = 2) -> bool:
    """Whether `a` is a kind of `b` ("man", "person"); by the first sense of `b`, or the same thing."""
    if same_thing(a, b):
        return True
    target = senses(b)[:1]
    return bool(target) and target[0] in kinds(a, most_senses)


@lru_cache(16384)
def is_kind_of_head(compound: str) -> bool:
    """Whether a compound is what its last word says: a coffee table is a table, a hot dog no dog.

    False only where the last word names first of all an animal or a person, and WordNet has the compound
    as something else. Other gaps of its hierarchy ("trash can" is no kind of "can") tell nothing.
    """
    found, head = senses(compound)[:2], compound.rpartition(" ")[2]
    if not found or head == compound or lexname(compound) == lexname(head):
        return True
    if senses("organism")[0] not in kinds(head, 1):
        return True
    if not kinds(compound).isdisjoint(senses(head)):  # a computer mouse is the mouse of the fourth sense
        return True
    return not _lexnames(found).isdisjoint(_lexnames(senses(head)[:3]) - _LIVING)  # fish is food, too


def _lexnames(synsets: Iterable[int]) -> set[str]:
    return {LEXNAMES[_wordnet("n").lexnames[synset]] for synset in synsets}


@lru_cache(4096)
def count_kinds(word: str, most: int) -> int:
    """How many synsets are a kind of a noun's first sense, itself included; counted up to about `most`."""
    nouns = _wordnet("n")
    waiting = list(senses(word)[:1])
    seen = set(waiting)
    while waiting and len(seen) < most:
        below = [synset for synset in nouns.hyponyms_of(waiting.pop()) if synset not in seen]
        seen.update(below)
        waiting.extend(below)
    return len(seen)


@lru_cache(4096)
def synonyms(word: str, part: Part = "n", most_senses: int = 2) -> tuple[str, ...]:
    """Other words for the first senses of a word, without the word itself, in alphabetical order."""
    index = _wordnet(part)
    found = {other for synset in senses(word, part)[:most_senses] for other in index.words_of(synset)}
    return tuple(sorted(found - {word.lower(), noun_lemma(word.lower())}))


def are_synonyms(a: str, b: str, part: Part) -> bool:
    """Whether two words share any sense; an unknown word is only its own synonym."""
    return a.lower() == b.lower() or not set(senses(a, part)).isdisjoint(senses(b, part))


@lru_cache(16384)
def is_physical(word: str) -> bool:
    """Whether a noun's most frequent senses include a physical thing; True for unknown words.

    Falls back from a compound to its head: "kitchen counter" is what "counter" is.
    """
    found = senses(word)
    if not found and " " in word:
        return is_physical(word.rpartition(" ")[2])
    return not found or senses("physical entity")[0] in kinds(word, 3)


def is_visible(word: str) -> bool:
    """Whether a camera may see what a noun names: in no sense a feeling, an act, a time; True if unknown.

    A racket is a noise first, and only in its fourth sense a thing. Greetings are not seen, signs are.
    """
    found = senses(word)
    if not found and " " in word:
        return is_visible(word.rpartition(" ")[2])
    greets = bool(found) and senses("greeting")[0] in kinds(word, 1)
    return not found or not (greets or _lexnames(found) <= _UNSEEN)
