"""What the memory answers: matches with their support, and a sentence to speak."""

from __future__ import annotations

from dataclasses import dataclass

from ser_ros.graph.memory.question import Question
from ser_ros.graph.pose import Pose


@dataclass(frozen=True)
class Match:
    """One remembered thing that fits a question; about an earlier time as it was known then.

    Attributes:
        id: node key in the memory graph, "object:<uid>".
        label, attributes, count: what it is called now; count is None where nobody counted.
        score: how well it fits the question, in [0, 1].
        pose: where the ROBOT stood when it last saw the thing; None when nobody knew.
        place: node key of the place it was seen from; "" without a pose.
        room: "" where no caption named one.
        first_seen, last_seen: stamps in nanoseconds.
        times_seen: images that showed it.
        confidence: mean over its observations, in [0, 1].
        gone: stamp since when repeated visits did not find it again; 0 while it is there.
        camera, caption, stamp_ns, start, end: the caption that supports the answer, and its words.
        relation: how it stands to another thing ("near the window"), "" where nothing is known.
        change: for questions about changes what happened to it ("new", "gone", "moved", "open"), else "".
        changed_ns: when that was seen first; 0 otherwise.
        possibly_same: node keys of objects that may be the same thing.
    """

    id: str
    label: str
    attributes: tuple[str, ...]
    count: int | None
    plural: bool
    score: float
    pose: Pose | None
    place: str
    room: str
    first_seen: int
    last_seen: int
    times_seen: int
    confidence: float
    gone: int
    camera: str
    caption: str
    stamp_ns: int
    start: int
    end: int
    relation: str = ""
    change: str = ""
    changed_ns: int = 0
    possibly_same: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes:
        matches: best first.
        speech: one or two sentences to speak.
        understood: what the question was taken to mean.
        question: the same as data.
    """

    matches: tuple[Match, ...]
    speech: str
    understood: str
    question: Question
