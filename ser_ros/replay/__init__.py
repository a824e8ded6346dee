"""A rosbag in, captions, graphs, scores and one HTML report out; needs no ROS install."""
