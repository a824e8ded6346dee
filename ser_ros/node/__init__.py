"""The ROS 2 nodes: rclpy lives here alone."""

import sys

from ser_ros.errors import UserError
from ser_ros.node.requirements import require_ros

# So Python says that it looks for a module to run: `python -m ser_ros.node.caption_node` gets a sentence
# instead of the traceback of its imports.
if sys.argv[:1] == ["-m"]:
    try:
        require_ros()
    except UserError as error:
        print(f"ser_ros: {error}", file=sys.stderr)
        sys.exit(2)
