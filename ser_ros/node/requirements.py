"""One sentence instead of a traceback where ROS or the compiled interfaces are missing."""

from __future__ import annotations

from importlib.util import find_spec

from ser_ros.errors import UserError


def require_ros() -> None:
    """Check that rclpy and this package's compiled messages can be imported.

    Raises:
        UserError: which of them is missing and what to do.
    """
    if find_spec("rclpy") is None:
        raise UserError(
            "the nodes need ROS 2: source your ROS setup.bash, or install the wheels with "
            "`pip install '.[ros]'` in the source of ser_ros (x86_64)"
        )
    if find_spec("ser_ros.msg") is None:
        raise UserError(
            "the messages of ser_ros are not compiled: build this package with `colcon build`, or run "
            "`pip install '.[ros]'` again in an environment that has rclpy"
        )
