"""What people, or the simulation, say of the frames of a recording: the measure of a replay.

A ground_truth.json beside the bag holds {"frames": [{"stamp": nanoseconds, "captions": [text, …], …}]}.
A frame may add what is true of it, "graph" (node-link data of a frame graph). `captions` may be lists by
style.

The file of `ser_ros sim patrol` also lists every object of a frame and every relation between any two. No
sentence says them all, so its sentences are the measure, and the list only where it has none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.graph.frame_graph import from_networkx, from_node_link
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span

NAME = "ground_truth.json"


@dataclass(frozen=True)
class Reference:
    """What is true of one frame: sentences, and the graph where it is known."""

    captions: tuple[str, ...]
    triples: SceneTriples | None


def beside(bag: Path) -> Path | None:
    """ground_truth.json in the bag's folder or next to it, None where there is none."""
    folder = bag if bag.is_dir() else bag.parent
    return next((path for path in (folder / NAME, folder.parent / NAME) if path.is_file()), None)


def read_references(path: Path, style: str = "") -> dict[int, Reference]:
    """References by image stamp (ns).

    Args:
        path: the file.
        style: where a frame has captions by style take these; all of them when it has none of this style.

    Raises:
        UserError: the file is missing or of another form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {int(frame["stamp"]): _reference(frame, style) for frame in data["frames"]}
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f'{path}: is no ground truth of a bag; it needs {{"frames": [{{"stamp", "captions"}}]}}'
        ) from error


def _reference(frame: dict[str, Any], style: str) -> Reference:
    captions = frame["captions"]
    if isinstance(captions, dict):
        captions = captions.get(style) or [text for texts in captions.values() for text in texts]
    triples = None
    if frame.get("graph"):
        triples = from_networkx(from_node_link(frame["graph"]))
    elif not captions and "objects" in frame:
        triples = _simulated(frame)
    return Reference(tuple(captions), triples)


def _simulated(frame: dict[str, Any]) -> SceneTriples:
    """The graph of a simulated frame; it cites no words, so its spans are empty."""
    nowhere = Span(0, 0)
    objects = tuple(
        SceneObject(
            id=number,
            label=thing["noun"],
            head=thing["noun"].split()[-1],
            name=thing["plural"] if thing["count"] > 1 else thing["noun"],
            count=thing["count"] if thing["count"] > 1 else None,
            attributes=tuple(Attribute(text, nowhere) for text in thing["attributes"]),
            span=nowhere,
        )
        for number, thing in enumerate(frame["objects"])
    )
    relations = tuple(
        SceneRelation(subject, predicate, thing, nowhere)
        for subject, predicate, thing in frame["relations"]
        if thing >= 0  # -1 is the wall, which is no object
    )
    return SceneTriples("", objects, relations)
