"""~/query of memory_node: limits, goals, and questions that have no answer."""

from __future__ import annotations

import math

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PointStamped

from ser_ros.srv import QueryMemory
from tests.node.memory_robot import START, ask, odometry, scene, tell
from tests.node.robot import wait_until
from tests.processes import PATIENCE


def test_a_goal_is_sent_only_when_asked_for_and_sure(start_memory_node, robot):
    start_memory_node()
    robot.send("odom", odometry(0.0, 4.0))
    tell(robot, scene("a red chair", 0.0))
    goals = robot.heard["/goal_pose"]
    assert not ask(robot, "red chair").goal_sent
    assert not ask(robot, "green chair", publish_goal=True).goal_sent
    assert not ask(robot, "elephant", publish_goal=True).goal_sent
    assert ask(robot, "red chair", publish_goal=True).goal_sent
    wait_until(lambda: goals, "a goal")
    assert (goals[0].header.frame_id, goals[0].pose.position.x) == ("odom", 4.0)
    assert len(goals) == 1
    robot.set("memory_node", goal_min_score=1.0)
    tell(robot, scene("a blue ball", 0.0, camera="rear"))
    assert not ask(robot, "chair", publish_goal=True).goal_sent or goals[-1] != goals[0]


def test_questions_that_cannot_be_answered_say_why(start_memory_node, robot):
    start_memory_node(pose_source="none")
    nowhere = PointStamped(point=Point(x=math.nan))
    for request, reason in (
        ({"text": ""}, "names nothing to look for"),
        ({"text": "chair", "max_matches": 101}, "max_matches"),
        ({"text": "chair", "min_score": 2.0}, "min_score"),
        ({"text": "chair", "use_area": True}, "radius"),
        ({"text": "chair", "use_area": True, "radius": 1.0, "center": nowhere}, "center is at nan"),
        ({"text": "chair", "since": Time(sec=9), "until": Time(sec=4)}, "since is 5 s after until"),
    ):
        answer = robot.call("/memory_node/query", QueryMemory, QueryMemory.Request(**request))
        assert not answer.success
        assert reason in answer.message
    assert ask(robot, "chair").speech == "I have not seen a chair."


def test_time_and_area_limit_a_question(start_memory_node, robot):
    start_memory_node()
    robot.send("odom", odometry(0.0, 0.0))
    tell(robot, scene("a red chair", 0.0))
    robot.send("odom", odometry(0.5, 10.0))
    robot.send("odom", odometry(1.0, 10.0))
    tell(robot, scene("a blue chair", 1.0))
    assert len(ask(robot, "chair").matches) == 2
    (match,) = ask(robot, "chair", since=Time(sec=START, nanosec=500_000_000)).matches
    assert list(match.attributes) == ["blue"]
    area = QueryMemory.Request(text="chair", use_area=True, radius=2.0)
    assert [list(m.attributes) for m in robot.call("/memory_node/query", QueryMemory, area).matches] == [
        ["red"]
    ]
    area.center.header.frame_id = "elsewhere"
    assert "frame 'elsewhere'" in robot.call("/memory_node/query", QueryMemory, area).message


def test_a_burst_of_questions_is_answered_whole(start_memory_node, robot):
    start_memory_node(pose_source="none")
    tell(robot, scene("a red chair", 0.0))
    client = robot.node.create_client(QueryMemory, "/memory_node/query")
    assert client.wait_for_service(PATIENCE)
    asked = [client.call_async(QueryMemory.Request(text="where is the red chair?")) for _ in range(100)]
    wait_until(lambda: all(one.done() for one in asked), "a hundred answers")
    assert all(one.result().matches for one in asked)
