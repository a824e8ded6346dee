"""The ROS 2 nodes: rclpy lives here alone."""

import os
import signal
import sys

from ser_ros.errors import UserError
from ser_ros.node.requirements import require_ros


def leave_at_a_signal() -> None:
    """Let SIGINT and SIGTERM end the process with exit code 0 until `lifecycle.run` hears them itself.

    Importing takes seconds on a robot, in which nothing has begun that would need a goodbye.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os._exit(0))


# So Python says that it looks for a module to run: `python -m ser_ros.node.caption_node` gets a sentence
# instead of the traceback of its imports, and none from Ctrl-C.
if sys.argv[:1] == ["-m"]:
    leave_at_a_signal()
    try:
        require_ros()
    except UserError as error:
        print(f"ser_ros: {error}", file=sys.stderr)
        sys.exit(2)
