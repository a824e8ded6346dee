"""What WordNet says of the words of captions."""

from __future__ import annotations

import pytest

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma, verb_lemma


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("sofa", "couch", True), ("couches", "sofa", True), ("tv", "television", True),
        ("man", "woman", False),
        ("chair", "chairs", True), ("bike", "bicycle", True), ("cup", "mug", False), ("xyzzy", "xyzzy", True),
        ("xyzzy", "cup", False), ("", "cup", False),
    ],
)  # fmt: skip
def test_same_thing(a: str, b: str, same: bool) -> None:
    assert wordnet.same_thing(a, b) is same
    assert wordnet.same_thing(b, a) is same


def test_is_a_has_a_direction() -> None:
    assert wordnet.is_a("man", "person")
    assert not wordnet.is_a("person", "man")
    assert wordnet.is_a("dogs", "animal")
    assert wordnet.is_a("sofa", "furniture")
    assert not wordnet.is_a("sofa", "animal")


def test_kinds_are_counted() -> None:
    assert wordnet.count_kinds("puppy", 100) == 1
    assert wordnet.count_kinds("vehicle", 1000) == 509
    assert wordnet.count_kinds("vehicle", 100) >= 100
    assert wordnet.count_kinds("xyzzy", 100) == 0


def test_a_word_is_a_kind_by_its_first_senses() -> None:
    assert wordnet.is_a("table", "furniture")
    assert not wordnet.is_a("table", "furniture", most_senses=1)  # columns and rows come first


@pytest.mark.parametrize("word", ["chair", "water", "cat", "kitchen counter", "unheardofthing", "trees"])
def test_physical(word: str) -> None:
    assert wordnet.is_physical(word)


@pytest.mark.parametrize("word", ["moment", "mood", "idea"])
def test_not_physical(word: str) -> None:
    assert not wordnet.is_physical(word)


@pytest.mark.parametrize("compound", ["coffee table", "computer mouse", "tuna fish", "trash can"])
def test_most_compounds_are_what_they_end_in(compound: str) -> None:
    assert wordnet.is_kind_of_head(compound)


@pytest.mark.parametrize("compound", ["hot dog", "teddy bear", "record player", "gingerbread man"])
def test_some_compounds_are_not(compound: str) -> None:
    assert not wordnet.is_kind_of_head(compound)


@pytest.mark.parametrize("word", ["racket", "wet floor sign", "logo", "dog", "frobnicator"])
def test_visible(word: str) -> None:
    assert wordnet.is_visible(word)


@pytest.mark.parametrize("word", ["happiness", "temperature", "day", "hello"])
def test_not_visible(word: str) -> None:
    assert not wordnet.is_visible(word)


def test_synonyms_leave_out_the_word() -> None:
    assert wordnet.synonyms("sofa") == ("couch", "lounge")
    assert wordnet.synonyms("unheardofthing") == ()


def test_kinds_of_words() -> None:
    assert wordnet.lexname("dog") == "noun.animal"
    assert wordnet.lexname("sitting", "v") == "verb.contact"
    assert wordnet.lexname("unheardofthing") == ""
    assert wordnet.is_known("tennis racket")
    assert wordnet.are_synonyms("big", "large", "a")


@pytest.mark.parametrize(
    ("word", "lemma"),
    [("knives", "knife"), ("men", "man"), ("tennis rackets", "tennis racket"), ("glasses", "glasses"),
     ("🙂", "🙂"),
     ("x" * 5000, "x" * 5000)],
)  # fmt: skip
def test_noun_lemmas(word: str, lemma: str) -> None:
    assert noun_lemma(word) == lemma


@pytest.mark.parametrize(
    ("word", "lemma"),
    [("sitting", "sit"), ("lying", "lie"), ("laying", "lay"), ("worn", "wear"), ("is", "be")],
)
def test_verb_lemmas(word: str, lemma: str) -> None:
    assert verb_lemma(word) == lemma
