"""~/describe: a caption on request."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time

from ser_ros.srv import DescribeImage
from tests.node.robot import image, scene, wait_until


def ask(robot, **fields):
    request = DescribeImage.Request(refinements=-1)
    for name, value in fields.items():
        setattr(request, name, value)
    return robot.call("/caption_node/describe", DescribeImage, request)


def test_describe_service(start_caption_node, robot):
    start_caption_node()
    assert "no image of camera image has arrived" in ask(robot).message
    given = ask(robot, image=image(scene(1), Time(sec=3), frame_id="sent"))
    assert given.success, given.message
    assert given.caption.header.frame_id == "sent"
    assert given.caption.camera == ""
    assert given.scene_graph.caption == given.caption.refined
    robot.send("image", image(scene(1), Time(sec=9)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    newest = ask(robot, camera="image")
    assert newest.success
    assert newest.caption.header.stamp.sec == 9
    assert newest.caption.refined == given.caption.refined
    glance = ask(robot, refinements=0)
    assert glance.caption.refined == glance.caption.initial
    for fields, sentence in (
        ({"camera": "tail"}, "there is no camera 'tail'; the cameras are image"),
        ({"refinements": 9}, "0 to 4"),
        ({"refinements": -5}, "0 to 4"),
        ({"image": image(scene(1), encoding="32FC1")}, "depth image"),
        ({"style": "poem"}, "poem"),
    ):
        answer = ask(robot, **fields)
        assert not answer.success
        assert sentence in answer.message


def test_describe_answers_while_the_worker_is_busy(start_caption_node, robot):
    start_caption_node(max_tokens=77)
    robot.stream("image", 30)
    wait_until(lambda: len(robot.heard["/caption_node/caption"]) > 2, "captions")
    assert all(ask(robot).success for _ in range(3))


def test_rotation_turns_the_picture(start_caption_node, robot):
    node = start_caption_node(rotation=90)
    picture = scene(4)
    robot.send("image", image(picture))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.set("caption_node", rotation=0).successful
    assert node.parameters.current.rotation == 0
    turned = ask(robot, image=image(np.ascontiguousarray(np.rot90(picture, -1))))
    assert turned.caption.refined == robot.heard["/caption_node/caption"][0].refined
    assert not robot.set("caption_node", rotation=45).successful
