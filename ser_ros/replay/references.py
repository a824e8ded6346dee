"""What people, or the simulation, say of the frames of a recording: the measure of a replay.

A ground_truth.json beside the bag holds {"frames": [{"stamp": nanoseconds, "captions": [text, …],
"graph": node_link data or null}, …]}; `ser_ros sim patrol` writes one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.graph.frame_graph import from_networkx, from_node_link
from ser_ros.graph.triples import SceneTriples

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


def read_references(path: Path) -> dict[int, Reference]:
    """References by image stamp (ns).

    Raises:
        UserError: the file is missing or of another form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {int(frame["stamp"]): _reference(frame) for frame in data["frames"]}
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f'{path}: is no ground truth of a bag; it needs {{"frames": [{{"stamp", "captions", "graph"}}]}}'
        ) from error


def _reference(frame: dict) -> Reference:
    graph = frame.get("graph")
    return Reference(tuple(frame["captions"]), from_networkx(from_node_link(graph)) if graph else None)
