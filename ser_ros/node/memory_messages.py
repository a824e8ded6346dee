"""Questions and answers of the memory as messages."""

from __future__ import annotations

import math
from dataclasses import replace

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from geometry_msgs.msg import Pose as PoseMessage

from ser_ros.errors import UserError
from ser_ros.graph.memory import Answer, Match, Memory, Pose, Question
from ser_ros.graph.memory.question import Area
from ser_ros.msg import ObjectMatch
from ser_ros.node.stamps import nanoseconds, time_message
from ser_ros.srv import QueryMemory

DEFAULT_MATCHES, MOST_MATCHES = 5, 100


def ask(memory: Memory, request: QueryMemory.Request, now_ns: int) -> Answer:
    """What the memory answers to a request.

    Raises:
        UserError: the text is no question, or a limit cannot be used.
    """
    question = memory.understand(request.text, now_ns=now_ns)
    return memory.query(_limited(question, request, memory.store.meta("frame_id")), now_ns=now_ns)


def _limited(question: Question, request: QueryMemory.Request, frame_id: str) -> Question:
    """The question with the limits of the request.

    Raises:
        UserError: a limit outside its range, or an area in another frame than the memory's.
    """
    if request.max_matches > MOST_MATCHES:
        raise UserError(f"max_matches is {request.max_matches}; it takes 1 to {MOST_MATCHES}, or 0 for 5")
    if not 0.0 <= request.min_score <= 1.0:
        raise UserError(f"min_score is {request.min_score}; it takes 0 to 1")
    since, until = nanoseconds(request.since), nanoseconds(request.until)
    if until and since > until:
        raise UserError(f"since is {(since - until) / 1e9:g} s after until; nothing can lie between them")
    return replace(
        question,
        max_matches=int(request.max_matches) or DEFAULT_MATCHES,
        min_score=float(request.min_score) or question.min_score,
        since_ns=since or question.since_ns,
        until_ns=until or question.until_ns,
        area=_area(request, frame_id),
    )


def _area(request: QueryMemory.Request, frame_id: str) -> Area | None:
    if not request.use_area:
        return None
    frame = request.center.header.frame_id
    if frame and frame_id and frame != frame_id:
        raise UserError(f"center is in the frame {frame!r}, the memory in {frame_id!r}; transform it first")
    if not request.radius > 0.0:
        raise UserError(f"radius is {request.radius}; it must be above 0")
    x, y = request.center.point.x, request.center.point.y
    if not (math.isfinite(x) and math.isfinite(y)):
        raise UserError(f"center is at {x}, {y}; it must be finite")
    return Area(x, y, float(request.radius))


def match_message(match: Match) -> ObjectMatch:
    """One match; without a pose `pose_valid` is false and `pose` all zero."""
    message = ObjectMatch(
        id=match.id,
        label=match.label,
        attributes=list(match.attributes),
        score=float(match.score),
        pose_valid=match.pose is not None,
        place=match.place,
        room=match.room,
        first_seen=time_message(match.first_seen),
        last_seen=time_message(match.last_seen),
        times_seen=min(int(match.times_seen), 2**32 - 1),
        confidence=float(match.confidence),
        camera=match.camera,
        caption=match.caption,
        start=int(match.start),
        end=int(match.end),
        possibly_same=list(match.possibly_same),
    )
    if match.pose is not None:
        message.pose = pose_message(match.pose, time_message(match.last_seen))
    return message


def pose_message(pose: Pose, stamp: Time) -> PoseStamped:
    """The pose in its frame."""
    message = PoseStamped(
        pose=PoseMessage(
            position=Point(x=float(pose.x), y=float(pose.y), z=float(pose.z)),
            orientation=Quaternion(x=float(pose.qx), y=float(pose.qy), z=float(pose.qz), w=float(pose.qw)),
        )
    )
    message.header.frame_id = pose.frame_id
    message.header.stamp = stamp
    return message
