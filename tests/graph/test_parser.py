"""What captions mean, by both readers; any text gives a graph."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.graph import parse
from ser_ros.graph.factual import read_factual, to_factual
from ser_ros.graph.triples import SceneTriples

BOTH = pytest.mark.parametrize("reader", ["rules", "trained"])


def said(caption: str, reader: str = "trained") -> set[tuple[str, ...]]:
    return set(read_factual(to_factual(parse(caption, reader))))


@BOTH
@pytest.mark.parametrize(
    ("caption", "facts"),
    [
        ("a man holding a red umbrella", {("man", "hold", "umbrella"), ("umbrella", "is", "red")}),
        ("Two dogs are sitting on the bench.", {("dogs", "sit on", "bench"), ("dogs", "is", "2")}),
        ("The field is surrounded by trees.", {("trees", "surround", "field")}),
        ("the leg of the man", {("man", "have", "leg")}),
        ("a woman's hand on a laptop", {("woman", "have", "hand"), ("hand", "on", "laptop")}),
        ("a black and white cat", {("cat", "is", "black"), ("cat", "is", "white")}),
        ("trees and bushes next to a fence", {("trees", "next to", "fence"), ("bushes", "next to", "fence")}),
        ("there is a lamp on the table", {("lamp", "on", "table")}),
        ("the wall is white", {("wall", "is", "white")}),
        ("a couple of chairs near a window", {("chairs", "near", "window"), ("chairs", "is", "2")}),
        ("a pot without a lid sits on the stove", {("pot", "sit on", "stove")}),
        ("a dog lying on a rug", {("dog", "lay on", "rug")}),
        ("The lamp is on.", {("lamp", "is", "on")}),
        ("The oven is off and the stove is on", {("oven", "is", "off"), ("stove", "is", "on")}),
        ("The lamp is on the table.", {("lamp", "on", "table")}),
        (
            "The screen is off, the lamp is on, and the door is closed.",
            {("screen", "is", "off"), ("lamp", "is", "on"), ("door", "is", "closed")},
        ),
        ("There is nobody in the kitchen.", {("kitchen",)}),
        ("The boys' bikes are red.", {("boys", "have", "bikes"), ("bikes", "is", "red")}),
        (
            "A picture of a dog hangs above the sofa.",
            {("picture", "have", "dog"), ("picture", "hang above", "sofa")},
        ),
    ],
)  # fmt: skip
def test_one_sentence(caption: str, facts: set[tuple[str, ...]], reader: str) -> None:
    assert said(caption, reader) == facts


@BOTH
@pytest.mark.parametrize(
    ("caption", "wearers"),
    [
        ("a woman in red and a man in black", {"woman": {"red"}, "man": {"black"}}),
        ("a boy in blue, a girl in pink", {"boy": {"blue"}, "girl": {"pink"}}),
        ("a woman in red next to a man in black", {"woman": {"red"}, "man": {"black"}}),
        ("a man in black and white", {"man": {"black", "white"}}),
        ("a woman in black and a dog", {"woman": {"black"}}),
        ("a man and a woman in red", {"woman": {"red"}}),
        ("a woman and a man in a black suit", {"man": {"black"}}),
        ("a man in a black suit and a woman in a red dress", {"man": {"black"}, "woman": {"red"}}),
        ("two men in black suits and a woman", {"man": {"black"}}),
        ("a woman and a man in black suits", {"woman": {"black"}, "man": {"black"}}),
        ("a man in red and black shorts", {"man": {"red", "black"}}),
    ],
)
def test_each_wears_what_is_said_of_him(caption: str, wearers: dict[str, set[str]], reader: str) -> None:
    triples = parse(caption, reader)
    worn: dict[str, set[str]] = {}
    for relation in triples.relations:
        wearer, garment = triples.objects[relation.subject], triples.objects[relation.object]
        worn.setdefault(wearer.label, set()).update(attribute.text for attribute in garment.attributes)
    assert worn == wearers


@pytest.mark.parametrize(
    ("caption", "doors"),
    [
        ("The left door is open and the right one is closed.", [{"open"}, {"closed"}]),
        ("The first door is open and the second is closed.", [{"first", "open"}, {"second", "closed"}]),
        ("The door on the left is open, while the door on the right is closed.", [{"open"}, {"closed"}]),
        (
            "There are two doors. The left one is open, the right one is closed.",
            [set(), {"open"}, {"closed"}],
        ),
    ],
)
def test_the_other_one_is_another_thing(caption: str, doors: list[set[str]]) -> None:
    triples = parse(caption)
    assert [thing.head for thing in triples.objects] == ["door"] * len(doors)
    assert [{attribute.text for attribute in thing.attributes} for thing in triples.objects] == doors


def test_a_forklift_wears_no_vest() -> None:
    facts = said("A forklift, two pallets, and a worker wearing a vest")
    assert {fact for fact in facts if "wear" in fact} == {("worker", "wear", "vest")}


def test_what_a_relative_clause_says_is_said_of_the_noun_before_it() -> None:
    facts = said("A door that is closed and a window that is open.")
    assert facts == {("door", "is", "closed"), ("window", "is", "open")}


@BOTH
@pytest.mark.parametrize(
    "caption",
    [
        "a red chair, a blue table and a green lamp",
        "Red chair, blue table, green lamp.",
        "There is a red chair, a blue table and a green lamp in the room.",
    ],
)
def test_an_adjective_stays_with_its_noun(caption: str, reader: str) -> None:
    looks = {
        (name, text)
        for name, predicate, text in filter(lambda fact: len(fact) == 3, said(caption, reader))
        if predicate == "is"
    }
    assert looks == {("chair", "red"), ("table", "blue"), ("lamp", "green")}


@BOTH
@pytest.mark.parametrize(
    ("caption", "facts"),
    [
        ("The image shows a kitchen with a table.", {("kitchen", "with", "table")}),
        ("In the image, there is a dog lying on a rug.", {("dog", "lay on", "rug")}),
        (
            "A cat is on the sofa. Its eyes are green.",
            {("cat", "on", "sofa"), ("cat", "have", "eyes"), ("eyes", "is", "green")},
        ),
        ("The image captures a peaceful moment. A sense of calm fills the room.", set()),
        ("The overall atmosphere is calm and inviting.", set()),
        ("A chair is next to a table. There is no lamp.", {("chair", "next to", "table")}),
    ],
)  # fmt: skip
def test_detailed_captions(caption: str, facts: set[tuple[str, ...]], reader: str) -> None:
    assert said(caption, reader) == facts


@BOTH
def test_the_thing_named_twice_is_one(reader: str) -> None:
    triples = parse("A red chair stands next to a table. The chair is in front of a window.", reader)
    assert sorted(thing.name for thing in triples.objects) == ["chair", "table", "window"]


@BOTH
def test_two_things_of_one_name_stay_two(reader: str) -> None:
    triples = parse("A red chair is near the door. The blue chair is near the window.", reader)
    assert [thing.name for thing in triples.objects].count("chair") == 2


def test_a_pronoun_is_what_it_stands_for() -> None:
    facts = said("A nightstand is next to the bed. A man is on the bed. He is wearing a hat.", "rules")
    assert ("man", "wear", "hat") in facts


def test_one_and_the_other() -> None:
    facts = said("Two cats lie on the sofa. One is black and the other is white.", "rules")
    assert {("cat", "is", "black"), ("cat", "is", "white")} <= facts


@BOTH
def test_spans_cite_the_words(reader: str) -> None:
    caption = "Two  red cups, on a WOODEN table."
    triples = parse(caption, reader)
    cups, table = triples.objects
    assert (cups.name, cups.label, cups.head, cups.count) == ("cups", "cup", "cup", 2)
    assert caption[cups.span.start : cups.span.end] == "cups"
    assert caption[table.span.start : table.span.end] == "table"
    assert [caption[a.span.start : a.span.end] for a in table.attributes] == ["WOODEN"]
    assert [caption[r.span.start : r.span.end] for r in triples.relations] == ["on"]


def check(triples: SceneTriples) -> None:
    """Ids count up, every index and span is inside, confidences are probabilities."""
    length = len(triples.caption)
    spans = [thing.span for thing in triples.objects]
    spans += [a.span for thing in triples.objects for a in thing.attributes]
    spans += [relation.span for relation in triples.relations]
    assert all(0 <= span.start <= span.end <= length for span in spans)
    assert [thing.id for thing in triples.objects] == list(range(len(triples.objects)))
    assert all(thing.span.start < thing.span.end for thing in triples.objects)
    for relation in triples.relations:
        assert 0 <= relation.subject < len(triples.objects)
        assert 0 <= relation.object < len(triples.objects)
        assert relation.subject != relation.object
    for item in (*triples.objects, *triples.relations):
        assert 0 <= item.confidence <= 1


WORDS = (
    "a the two red blue cat man people tables table's on in of with wearing sitting is are and , . one other "
    "he it its they there no without which that side next to top covered by 's 3 group couple image shows -"
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join), st.sampled_from(["rules", "trained"])
)
def test_any_words_give_a_graph(caption: str, reader: str) -> None:
    check(parse(caption, reader))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["rules", "trained"]))
def test_any_text_gives_a_graph(caption: str, reader: str) -> None:
    triples = parse(caption, reader)
    check(triples)
    assert parse(caption, reader) == triples


@pytest.mark.parametrize(
    "caption",
    ["", "   ", "\n", "...", "🙂🙂 🐈", "\x00\x01\x1b[31m", "el gato está en la mesa", '"the (cat', "'" * 500,
     "a" * 20000,
     "\ud800 cat", "1" * 5000, "." * 5000],
)  # fmt: skip
@BOTH
def test_bad_input_gives_a_graph(caption: str, reader: str) -> None:
    check(parse(caption, reader))


@BOTH
def test_ten_thousand_words(reader: str) -> None:
    words = "a red cup on the table next to his two old chairs and "
    triples = parse(words * 800, reader)
    check(triples)
    assert len(triples.objects) > 100


def test_the_same_reader_every_time() -> None:
    caption = "a young man in a red shirt is riding a bicycle down the street"
    assert parse(caption) == parse(caption)
