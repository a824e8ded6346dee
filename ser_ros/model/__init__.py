"""The network, in torch: two glances over one feature buffer, decoding, checkpoints. No ROS, no graphs."""
