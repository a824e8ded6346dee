"""`ser_ros play BAG`: publish a recording on a live ROS graph where `ros2 bag play` is not installed."""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.replay.bag import Bag

LATCHED = ("/tf_static",)


class BagPlayer:
    """Publishes the serialised messages of a bag at the pace they were recorded.

    Args:
        node: the rclpy node that owns the publishers.
        bag: an open rosbag2.
        topics: what to play; None plays every topic whose message type is installed.
        renamed: topic of the bag -> topic to publish on.

    Attributes:
        skipped: topic -> type of what cannot be published here.
    """

    def __init__(
        self,
        node: Any,
        bag: Bag,
        topics: Collection[str] | None = None,
        renamed: dict[str, str] | None = None,
    ):
        self.bag = bag
        self.skipped: dict[str, str] = {}
        self.publishers: dict[str, Any] = {}
        for name in sorted(bag.topics):
            if topics is not None and name not in topics:
                continue
            kind = _message_class(bag.topics[name].type)
            if kind is None:
                self.skipped[name] = bag.topics[name].type
                continue
            self.publishers[name] = node.create_publisher(kind, (renamed or {}).get(name, name), _qos(name))
        missing = set(topics or ()) - set(bag.topics)
        if missing:
            raise UserError(
                f"{bag.path}: has no topic {', '.join(sorted(missing))}; it has {', '.join(bag.topics)}"
            )

    def play(
        self, rate: float = 1.0, published: Callable[[str, int], None] = lambda topic, stamp: None
    ) -> int:
        """Publish everything once, `rate` times as fast as it was recorded; returns the message count.

        `published(topic, log time in nanoseconds)` is called after each message.
        """
        count, first, start = 0, None, time.monotonic()
        for topic, log_time, data in self.bag.serialized(list(self.publishers)):
            first = log_time if first is None else first
            pause = start + (log_time - first) / 1e9 / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self.publishers[topic].publish(data)
            published(topic, log_time)
            count += 1
        return count

    def wait_for_listeners(self, seconds: float = 3.0) -> None:
        """Return half a second after the first subscriber is found; what is published before it is lost."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(publisher.get_subscription_count() for publisher in self.publishers.values()):
                break
            time.sleep(0.05)
        time.sleep(0.5)

    def wait_until_delivered(self, seconds: float = 3.0) -> None:
        """Return when reliable subscribers have everything; a publisher that ends takes the rest with it."""
        from rclpy.duration import Duration

        for publisher in self.publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=seconds))

    def wait_for_subscribers(self, topic: str, seconds: float) -> bool:
        """True as soon as someone listens to `topic`; False after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.publishers[topic].get_subscription_count():
                return True
            time.sleep(0.05)
        return False


def _message_class(name: str) -> Any | None:
    package, kind, message = name.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.{kind}"), message)
    except (ImportError, AttributeError):
        return None


def _qos(topic: str) -> Any:
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

    latched = topic in LATCHED
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    # Reliable publishers serve reliable and best-effort subscribers alike.
    return QoSProfile(
        depth=100 if latched else 10, reliability=ReliabilityPolicy.RELIABLE, durability=durability
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ser_ros play`."""
    parser.add_argument("bag", type=Path, help="rosbag2 folder or storage file")
    parser.add_argument(
        "--rate", type=float, default=1.0, help="speed, 1 is as recorded (default: %(default)s)"
    )
    parser.add_argument("--topics", nargs="+", help="play only these topics")
    parser.add_argument(
        "--remap", nargs="+", default=[], metavar="OLD:=NEW", help="publish a topic under another name"
    )
    parser.add_argument("--loop", action="store_true", help="start again at the end, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """Play until the end, or until Ctrl-C with --loop."""
    from ser_ros.node.requirements import require_ros

    require_ros()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    if not 0 < args.rate < math.inf:
        raise UserError(f"--rate {args.rate}: must be above 0")
    renamed = {}
    for pair in args.remap:
        old, arrow, new = pair.partition(":=")
        if not (old and arrow and new):
            raise UserError(f"--remap {pair}: write it as OLD:=NEW")
        renamed[old] = new
    # Not `with rclpy.init()`: Humble and Jazzy cannot.
    with ExitStack() as stack:
        bag = stack.enter_context(Bag(args.bag))
        # NO: rclpy's own handlers end the context under a publisher that is at work
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        node = rclpy.create_node("bag_player")
        player = BagPlayer(node, bag, args.topics, renamed)
        for topic, kind in player.skipped.items():
            print(f"ser_ros play: {topic} is left out: {kind} is not installed here", file=sys.stderr)
        if not player.publishers:
            raise UserError(f"{args.bag}: none of its topics can be published here")
        player.wait_for_listeners()
        while True:
            count = player.play(args.rate)
            player.wait_until_delivered()
            print(f"published {count} messages of {args.bag}")
            if not args.loop:
                return 0
