"""`ser_ros node caption|memory|viewer [--ros-args ...]`: start a node where `ros2 run` does not exist."""

from __future__ import annotations

import argparse
import importlib

from ser_ros.node import leave_at_a_signal
from ser_ros.node.requirements import require_ros

NODES = {name: f"ser_ros.node.{name}_node" for name in ("caption", "memory", "viewer")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ser_ros node`."""
    parser.set_defaults(print_help=parser.print_help)
    parser.add_argument("node", choices=NODES, help="which node to start")
    parser.add_argument(
        "ros_arguments",
        nargs=argparse.REMAINDER,
        metavar="--ros-args ...",
        help="-p NAME:=VALUE, --params-file FILE, -r image:=/camera/image_raw, --log-level LEVEL",
    )


def run(args: argparse.Namespace) -> int:
    """Run the node until Ctrl-C; returns its exit code.

    Raises:
        UserError: ROS or the compiled messages are missing.
    """
    if {"-h", "--help"} & set(args.ros_arguments):  # argparse leaves what follows the node's name alone
        args.print_help()
        return 0
    leave_at_a_signal()
    require_ros()
    return importlib.import_module(NODES[args.node]).main(args.ros_arguments)
