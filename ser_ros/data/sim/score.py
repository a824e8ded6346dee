"""How true captions of the simulated home are: objects, attributes and relations against the truth.

A caption is parsed into a graph. Precision asks whether what it says is there to be seen at all;
recall asks whether it says what a person would: for one sentence the objects of the relation that
all references state, for a detailed caption every named object; relations of the closest reference.
Walls, floors and rooms are neither asked for nor counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_ros.data.sim.captions import best_relation
from ser_ros.data.sim.catalogue import kinds
from ser_ros.data.sim.palette import COLOURS
from ser_ros.data.sim.truth import Seen, Truth
from ser_ros.errors import UserError
from ser_ros.graph.parser import parse

_CONTEXT = frozenset({
    "wall", "floor", "room", "kitchen", "bedroom", "hallway", "office", "bathroom", "living room", "stand",
    "rest", "left", "right", "middle", "side", "tile", "carpet",
})  # fmt: skip
_PREDICATES = {
    "next to": "next to", "in front of": "in front of", "left of": "left of", "right of": "right of",
    "left side of": "left of", "right side of": "right of",
    "behind": "behind", "above": "above", "under": "under", "wear": "wear", "in": "in", "on": "on",
}  # fmt: skip
_SHIRTS = {"person": "shirt", "plant": "pot"}

_WORDS = frozenset({*COLOURS, "wooden", "open", "closed", "sitting", "standing", "small", "large", "tall"})

Triple = tuple[str, str, str]


@dataclass(frozen=True)
class Said:
    """What a caption says, in the catalogue's words."""

    objects: frozenset[str]
    attributes: frozenset[tuple[str, str]]
    relations: frozenset[Triple]


@dataclass(frozen=True)
class Counts:
    """True positives and totals of one kind of statement."""

    said_right: int = 0
    said: int = 0
    found: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.said_right + other.said_right,
            self.said + other.said,
            self.found + other.found,
            self.wanted + other.wanted,
        )

    def scores(self) -> dict[str, float]:
        """Precision, recall and F1, in [0, 1]."""
        precision, recall = self.said_right / max(self.said, 1), self.found / max(self.wanted, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def say(caption: str) -> Said:
    """Parse a caption into the catalogue's words; things that are not in it keep their own."""
    triples = parse(caption)
    names = [_noun(o.label, o.head) for o in triples.objects]
    objects = frozenset(n for n in names if n not in _CONTEXT)
    attributes = {
        (name, a.text)
        for name, o in zip(names, triples.objects, strict=True)
        for a in o.attributes
        if name in objects and a.text in _WORDS
    }
    relations = set()
    for r in triples.relations:
        subject, predicate, other = names[r.subject], _predicate(r.predicate), names[r.object]
        if predicate and subject in objects and other in objects:
            relations.add((subject, "in" if (subject, other) in _SHIRTS.items() else predicate, other))
    return Said(objects, frozenset(attributes), frozenset(relations))


def score(predictions: Mapping[int, str], folder: Path, style: str) -> dict:
    """Scores of `predictions` (image id -> caption) against the split in `folder`.

    Args:
        predictions: one caption per picture; every picture of the split, or a part of them.
        folder: as `ser_ros sim render` wrote it.
        style: "default" or "detailed": what the captions answer.

    Returns:
        objects, attributes, relations (precision, recall, f1), hallucination_rate, pictures.

    Raises:
        UserError: an image id is not in the split, or there is no prediction.
    """
    truths, references = _truths(folder), _references(folder, style)
    unknown = sorted(set(predictions) - set(truths))
    if unknown or not predictions:
        raise UserError(f"predictions do not fit {folder}: unknown image ids {unknown[:5]}")
    objects, attributes, relations = Counts(), Counts(), Counts()
    wrong: Counter[str] = Counter()
    for image_id, caption in predictions.items():
        truth, allowed = truths[image_id]
        said = say(caption)
        wanted = truth.objects if style == "detailed" else _core(truth)
        nouns = {noun for noun, _ in allowed}
        asked = {o.noun for o in wanted} | {o.part[0] for o in wanted if o.part}
        wrong.update(said.objects - nouns)
        objects += Counts(len(said.objects & nouns), len(said.objects), len(said.objects & asked), len(asked))
        true_words = {(noun, word) for noun, words in allowed for word in words}
        true_words |= {(o.noun, o.size) for o in truth.objects if o.size}
        asked_words = {(o.noun, w) for o in wanted for w in o.attributes if o.noun != "person"}
        asked_words |= {o.part for o in wanted if o.part}
        attributes += Counts(
            len(said.attributes & true_words),
            len(said.attributes),
            len(said.attributes & asked_words),
            len(asked_words),
        )
        true_relations = _true_relations(truth)
        best = max(
            (say(r).relations for r in references[image_id]),
            key=lambda r: len(r & said.relations) / max(len(r), 1),
        )
        relations += Counts(
            len(said.relations & true_relations), len(said.relations), len(said.relations & best), len(best)
        )
    return {
        "style": style, "pictures": len(predictions), "objects": objects.scores(),
        "attributes": attributes.scores(), "relations": relations.scores(),
        "hallucination_rate": round(1 - objects.said_right / objects.said, 4) if objects.said else 0.0,
        "most_hallucinated": dict(wrong.most_common(5)),
    }  # fmt: skip


def read_predictions(path: Path) -> dict[int, str]:
    """`[{image_id, caption}]` as the evaluation tools write it.

    Raises:
        UserError: the file is missing or no such list.
    """
    try:
        return {int(row["image_id"]): str(row["caption"]) for row in json.loads(path.read_text())}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no prediction file [{{image_id, caption}}] ({error})") from error


def _truths(folder: Path) -> dict[int, tuple[Truth, list[tuple[str, list[str]]]]]:
    path = folder / "graphs.jsonl"
    if not path.is_file():
        raise UserError(f"{path} is missing: run `ser_ros sim render --out {folder}` first")
    found = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        objects = [Seen(**{**o, "part": tuple(o["part"]) if o["part"] else None}) for o in row["objects"]]
        relations = [(i, str(p), j) for i, p, j in row["relations"]]
        allowed = [(noun, words) for noun, words in row["allowed"]]
        found[row["image_id"]] = (Truth(row["room"], row["floor"], objects, relations, allowed), allowed)
    return found


def _references(folder: Path, style: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in json.loads((folder / "captions.json").read_text())["annotations"]:
        if row["style"] == style:
            found.setdefault(row["image_id"], []).append(row["caption"])
    return found


def _core(truth: Truth) -> list[Seen]:
    relation = best_relation(truth)
    index = {0} if relation is None else {relation[0], relation[2]}
    return [truth.objects[i] for i in sorted(index)]


def _true_relations(truth: Truth) -> set[Triple]:
    found = {
        (truth.objects[i].noun, _predicate(p), truth.objects[j].noun) for i, p, j in truth.relations if j >= 0
    }
    found |= {(o.noun, "in", o.part[0]) for o in truth.objects if o.part}
    return found


def _noun(label: str, head: str) -> str:
    known = _nouns()
    for words in (label, head):
        if words in known:
            return known[words]
    ending = [noun for noun in known if noun.endswith(" " + label)]
    return known[ending[0]] if len(ending) == 1 else label


def _nouns() -> dict[str, str]:
    found = {}
    for kind in kinds().values():
        found[kind.noun] = kind.noun
        found[kind.noun.removesuffix("s")] = kind.noun
    return {**found, "sign": "wet floor sign", "shirt": "shirt"}


def _predicate(words: str) -> str:
    for phrase, name in _PREDICATES.items():
        if words == phrase or words.endswith(" " + phrase) or words.startswith(phrase + " "):
            return name
    return ""


def table(results: Iterable[dict]) -> list[tuple[str, ...]]:
    """Rows for people: style, objects F1, attributes F1, relations F1, hallucination rate."""
    return [
        (
            r["style"],
            *(f"{r[k]['f1']:.3f}" for k in ("objects", "attributes", "relations")),
            f"{r['hallucination_rate']:.3f}",
        )
        for r in results
    ]
