"""Captions become scene graphs, scene graphs become a memory of the world. No torch, no ROS."""
