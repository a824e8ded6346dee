#!/bin/bash
# Run a command with ROS and ser_ros in its environment.
set -e
source "/opt/ros/${ROS_DISTRO}/setup.bash"
source /ws/install/setup.bash
exec "$@"
