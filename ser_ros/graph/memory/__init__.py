"""A memory of the world that a person or a planner can ask. No torch, no ROS."""

from ser_ros.graph.memory.answer import Answer, Match
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.memory import Memory
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.question import Question
from ser_ros.graph.pose import Pose

__all__ = ["Answer", "Match", "Memory", "MemoryConfig", "Observation", "Pose", "Question"]
