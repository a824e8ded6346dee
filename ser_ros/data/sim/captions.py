"""Reference captions of both styles, written from the truth the way several people would write them."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim.catalogue import PLURAL_ONLY, article
from ser_ros.data.sim.truth import Seen, Truth

REFERENCES = 5
DETAILED_WORDS = (35, 55)
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_STRONG = ("on", "in", "under")
_WEAK = ("next to", "in front of", "above", "behind", "to the left of", "to the right of")
_LYING = frozenset({"book", "rug", "shoes", "umbrella", "ball", "toy car", "pillow"})
_HANGING = frozenset({"picture", "clock", "mirror", "window", "towel", "shelf", "whiteboard", "curtains"})


def write(truth: Truth, rng: np.random.Generator) -> dict[str, list[str]]:
    """Five captions of each style: {"default": [...], "detailed": [...]}."""
    return {
        "default": [_sentence(truth, rng, i) for i in range(REFERENCES)],
        "detailed": [_detailed(truth, rng, i) for i in range(REFERENCES)],
    }


def name(seen: Seen, *, size: bool = True, state: bool = True) -> str:
    """ "a red chair", "two red chairs", "a person in a red shirt", "an open white door"."""
    words = [seen.size] if seen.size and size else []
    if seen.part is not None:
        part, colour = seen.part
        if seen.count > 1:
            return " ".join([_NUMBERS[seen.count], *words, seen.plural, "in", colour, part + "s"])
        phrase = " ".join([*words, seen.noun])
        return f"{article(phrase)} {phrase} in {article(colour)} {colour} {part}"
    words += seen.attributes if state else seen.attributes[-1:]
    if seen.noun == "shoes":
        return (
            f"a pair of {' '.join(words)} shoes"
            if seen.count == 1
            else f"{_NUMBERS[seen.count]} pairs of {' '.join(words)} shoes"
        )
    if seen.count > 1 or seen.noun in PLURAL_ONLY:
        number = [_NUMBERS[seen.count]] if seen.count > 1 and seen.noun not in PLURAL_ONLY else []
        return " ".join([*number, *words, seen.plural])
    phrase = " ".join([*words, seen.noun])
    return f"{article(phrase)} {phrase}"


def again(seen: Seen, truth: Truth) -> str:
    """ "the chair", with its colour where another one of that name is there."""
    same = [other for other in truth.objects if other.noun == seen.noun]
    noun = seen.plural if seen.count > 1 else seen.noun
    if len(same) > 1 and seen.part is not None:
        return f"the {noun} in {article(seen.part[1])} {seen.part[1]} {seen.part[0]}"
    if len(same) > 1:
        return f"the {' '.join(seen.attributes)} {noun}"
    return f"the {noun}"


def best_relation(truth: Truth) -> tuple[int, str, int] | None:
    """The relation of the most salient object that a person would state first."""
    mine = [r for r in truth.relations if 0 in (r[0], r[2]) and r[2] >= 0]
    for predicates in (_STRONG, *((p,) for p in _WEAK)):
        found = [r for r in mine if r[1] in predicates]
        # "behind" and "to the right of" are stated from the salient one; a support from what it bears.
        if predicates != _STRONG:
            found = [r for r in found if r[0] == 0]
        if found:
            return min(found, key=lambda r: max(r[0], r[2]))
    return None


def _verb(seen: Seen) -> str:
    many = seen.count > 1 or (seen.noun in PLURAL_ONLY and seen.noun != "shoes")
    if seen.noun == "person":
        verb = "sit" if "sitting" in seen.attributes else "stand"
    elif seen.noun == "cat":
        verb = "sit"
    elif seen.noun in _LYING:
        verb = "lie"
    elif seen.noun == "teddy bear":
        verb = "sit"
    elif seen.noun in _HANGING:
        verb = "hang"
    else:
        verb = "stand"
    return verb if many else verb + "s"


def _be(seen: Seen) -> str:
    return "are" if seen.count > 1 or (seen.noun in PLURAL_ONLY and seen.noun != "shoes") else "is"


def _acting(seen: Seen) -> str:
    """The present participle where people use one."""
    if seen.noun == "person":
        return " sitting" if "sitting" in seen.attributes else " standing"
    return {"cat": " sitting", "dog": " standing", "rug": " lying"}.get(seen.noun, "")


def _sentence(truth: Truth, rng: np.random.Generator, index: int) -> str:
    relation, first = best_relation(truth), truth.objects[0]
    place = f" in {article(truth.room)} {truth.room}"
    bare = {"size": bool(rng.random() < 0.5)}
    if relation is None:
        others = [o for o in truth.objects[1:2]]
        subject = name(first, **bare) + _acting(first)
        if others:
            subject += f" and {name(others[0], **bare)}"
            verb = "are"
        else:
            verb = _be(first)
        wall = " on the wall" if not others and (0, "on", -1) in truth.relations else ""
        forms = [
            f"{subject}{wall}{place}",
            f"there {_be(first)} {subject}{wall}{place}",
            f"{article(truth.room)} {truth.room} with {subject}{wall}",
            f"{subject} {verb}{wall}{place}",
        ]
    else:
        i, predicate, j = relation
        a, b = truth.objects[i], truth.objects[j]
        left, right = name(a, **bare), name(b, **bare)
        end = place if rng.random() < 0.55 else ""
        forms = [
            f"{left}{_acting(a)} {predicate} {right}{end}",
            f"{left} {_verb(a) if rng.random() < 0.6 else _be(a)} {predicate} {right}{end}",
            f"there {_be(a)} {left}{_acting(a)} {predicate} {right}{end}",
            f"{article(truth.room)} {truth.room} with {left}{_acting(a)} {predicate} {right}",
        ]
        third = [o for k, o in enumerate(truth.objects[:3]) if k not in (i, j)]
        if third and index == 4:
            forms = [f"{left}{_acting(a)} {predicate} {right} and {name(third[0], **bare)}"]
    form = forms[index % len(forms)] if index < 4 else forms[int(rng.integers(len(forms)))]
    return _finish(form)


def _position(seen: Seen) -> str:
    if seen.centre < 0.36:
        return "on the left"
    return "on the right" if seen.centre > 0.64 else "in the middle"


def _opening(truth: Truth, rng: np.random.Generator, index: int, said: set[int]) -> list[str]:
    relation, room = best_relation(truth), f"{article(truth.room)} {truth.room}"
    first = truth.objects[0]
    said.add(0)
    if relation is None:
        left, rest, verb = name(first), _position(first), _verb(first)
        acting = _acting(first)
    else:
        i, predicate, j = relation
        said.update((i, j))
        a = truth.objects[i]
        left, rest, verb = name(a), f"{predicate} {name(truth.objects[j])}", _verb(a)
        acting = _acting(a)
    forms = (
        f"{left} {verb} {rest} in {room}",
        f"this is {room} with {left}{acting} {rest}",
        f"in {room}, {left} {verb} {rest}",
        f"{left} {verb} {rest} in this {truth.room}",
        f"this is {room} where {left} {verb} {rest}",
    )
    return [_finish(forms[(index + int(rng.integers(2))) % len(forms)])]


def _clause(truth: Truth, k: int, said: set[int], rng: np.random.Generator) -> str:
    """One sentence about object `k` in relation to what was said already, or to the picture."""
    seen = truth.objects[k]
    if (k, "on", -1) in truth.relations:
        above = [r for r in truth.relations if r[0] == k and r[1] == "above" and r[2] in said]
        if above and rng.random() < 0.6:
            return f"{name(seen)} {_verb(seen)} above {again(truth.objects[above[0][2]], truth)}"
        return f"{name(seen)} {_verb(seen)} on the wall {_position(seen)}"
    mine = [r for r in truth.relations if r[0] == k and r[2] in said]
    for predicates in (_STRONG, _WEAK):
        found = sorted((r for r in mine if r[1] in predicates), key=lambda r: (predicates.index(r[1]), r[2]))
        if found and (predicates == _STRONG or rng.random() < 0.75):
            _, predicate, j = found[0]
            other = again(truth.objects[j], truth)
            if predicate.startswith("to the") and rng.random() < 0.4:
                return f"{predicate} {other} {_be(seen)} {name(seen)}"
            verb = _verb(seen) if rng.random() < 0.5 else _be(seen)
            if seen.noun == "person":
                verb = _verb(seen)
            return f"{name(seen)} {verb} {predicate} {other}"
    bears = [r for r in truth.relations if r[2] == k and r[0] in said and r[1] in _STRONG]
    if bears:
        borne = truth.objects[bears[0][0]]
        return f"{again(borne, truth)} {_be(borne)} {bears[0][1]} {name(seen)}"
    where = _position(seen)
    forms = (
        f"{where} there {_be(seen)} {name(seen)}",
        f"{name(seen)} {_verb(seen) if seen.noun == 'person' else 'can be seen'} {where}",
        f"{where}, {name(seen)} {'is visible' if _be(seen) == 'is' else 'are visible'}",
    )
    return forms[int(rng.integers(3))]


def _detailed(truth: Truth, rng: np.random.Generator, index: int) -> str:
    said: set[int] = set()
    sentences = _opening(truth, rng, index, said)
    least, most = DETAILED_WORDS
    for k in range(len(truth.objects)):
        if k in said:
            continue
        clause = _finish(_clause(truth, k, said, rng))
        if _count(sentences) + len(clause.split()) > most:
            continue
        said.add(k)
        sentences.append(clause)
    for filler in _fillers(truth, rng):
        if _count(sentences) >= least:
            break
        sentences.append(_finish(filler))
    return " ".join(sentences)


def _fillers(truth: Truth, rng: np.random.Generator) -> list[str]:
    first, *rest = truth.objects
    near = min(truth.objects, key=lambda o: o.depth)
    lines = [
        f"the floor of the {truth.room} is {truth.floor}"
        if rng.random() < 0.5
        else f"the {truth.room} has a {truth.floor} floor",
        f"{again(first, truth)} {_be(first)} {_position(first)}",
    ]
    lines += [f"{again(other, truth)} {_be(other)} {_position(other)}" for other in rest]
    if near is not first and len(truth.objects) > 1:
        lines.append(f"{again(near, truth)} {_be(near)} very near")
    return [*lines, "nothing else stands close by", "the rest of the room is empty from here"]


def _count(sentences: list[str]) -> int:
    return sum(len(s.split()) for s in sentences)


def _finish(text: str) -> str:
    return text[0].upper() + text[1:] + "."
