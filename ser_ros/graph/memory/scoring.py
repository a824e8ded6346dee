"""How well a remembered object fits what was asked, in [0, 1]: a product of simple factors."""

from __future__ import annotations

from ser_ros.graph import wordnet
from ser_ros.graph.memory.identity import PERSONS, Name, NameRule, Verdict, is_person, look_of
from ser_ros.graph.memory.question import ANYTHING, Description
from ser_ros.graph.memory.vocabulary import FIGURES, STATES, STRUCTURE, conflict

# The kinds that people ask for when they mean any member ("animal", "furniture"); and what is only known as
# the kind of what was asked for: a "dog" where a poodle is wanted, offered as something else.
_HYPONYM, _HYPERNYM, _SAME_HEAD = 0.8, 0.45, 0.6
# The figure of what was asked for, a stuffed dog where a dog is wanted: offered as something else, too.
_FIGURE = 0.45
# A name for so many kinds of things says nothing of them: "vehicle" has 509 in WordNet, "container" 733.
# Living things and food have many that look alike. Chosen on tests/graph/nearest_things.json.
_MOST_KINDS = 600
# Where another room is asked for than the one that is known, or none is known.
OTHER_ROOM, NO_ROOM = 0.2, 0.5


def name_score(asked: Description, known: Name, names: NameRule) -> float:
    """How well a known name answers for the asked one; 0 when it does not."""
    if asked.label == ANYTHING:
        return 0.0 if known.head in STRUCTURE else _HYPONYM
    if asked.label == known.label:
        return 1.0
    name = Name(asked.label, asked.head)
    if name.shares_head(known):
        return 0.95 if asked.label == asked.head else 0.8 if known.label == known.head else _SAME_HEAD
    if known.head in PERSONS and is_person(name.kind) and asked.head not in PERSONS:
        return _HYPERNYM
    likeness = names.compare(name, known)
    if likeness.verdict is Verdict.SAME:
        return 0.85 * max(likeness.score, 0.9)
    if likeness.verdict is Verdict.POSSIBLY:
        return 0.8 * likeness.score
    if is_person(name.kind) != is_person(known.kind):
        return 0.0
    lives = wordnet.is_a(asked.label, "organism", most_senses=1)
    if not lives and wordnet.are_synonyms(asked.label, known.label, "n"):  # less used: "tap", "faucet"
        return _SAME_HEAD
    if asked.head == asked.label and wordnet.is_a(known.kind, asked.head):
        return _HYPONYM
    return _HYPERNYM if _is_close_kind(asked.label, known.label) else 0.0


def _is_close_kind(asked: str, known: str) -> bool:
    """Whether a known thing may be what was asked for, named by its kind: "dog" for a poodle."""
    return wordnet.is_a(asked, known, most_senses=1) and (
        wordnet.count_kinds(known, _MOST_KINDS) < _MOST_KINDS
        or wordnet.is_a(known, "organism", most_senses=1)
        or known == "food"
    )


def look_score(asked: Description, label: str, attributes: frozenset[str]) -> float:
    """How well the attributes of a known thing fit what was asked; a toy car is not the car asked for."""
    wanted, known = look_of(asked.label, asked.attributes), look_of(label, attributes)
    figure = known & FIGURES and not wanted & FIGURES and asked.label != ANYTHING
    return attribute_score(wanted, known) * (_FIGURE if figure else 1.0)


def attribute_score(asked: frozenset[str], known: frozenset[str]) -> float:
    """1 when all asked attributes are known of the thing; less where unknown, little where contradicted."""
    score = 1.0
    for attribute in asked:
        if attribute in known or (attribute in FIGURES and known & FIGURES):
            continue
        if any(wordnet.are_synonyms(attribute, other, "a") for other in known):
            continue
        state = STATES.get(attribute)
        if state is not None and any(STATES.get(other) == state for other in known):
            score *= 0.5
        elif conflict(frozenset((attribute,)), known - FIGURES):
            score *= 0.35
        else:
            score *= 0.6
    return score


def room_score(asked: str, known: str) -> float:
    """1 in the asked room, half where the room is not known, little elsewhere."""
    return 1.0 if not asked or asked == known else NO_ROOM if not known else OTHER_ROOM
