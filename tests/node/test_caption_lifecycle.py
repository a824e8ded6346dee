"""States of caption_node, and what it says when it cannot reach one."""

from __future__ import annotations

import pytest

from ser_ros.msg import Caption
from ser_ros.node.caption_node import CaptionNode
from ser_ros.srv import DescribeImage
from tests.node.robot import QUICK, image, scene, wait_until


def refusal(robot) -> str:
    return robot.call("/caption_node/describe", DescribeImage, DescribeImage.Request()).message


def test_lifecycle_by_hand(start_node, robot, toy_folder):
    captions = robot.listen("/caption_node/caption", Caption)
    node = start_node(CaptionNode, model=str(toy_folder), autostart=False, **QUICK)
    assert robot.state("caption_node") == "unconfigured"
    assert "activate it first" in refusal(robot)
    for _ in range(2):
        assert robot.change_state("caption_node", "configure")
        assert robot.change_state("caption_node", "activate")
        heard = len(captions)
        robot.send("image", image(scene(1)))
        wait_until(lambda: len(captions) > heard, "a caption")  # noqa: B023
        assert robot.change_state("caption_node", "deactivate")
        assert robot.node.count_subscribers("/image") == 0
        assert "inactive" in refusal(robot)
        assert robot.change_state("caption_node", "cleanup")
    assert node.state == robot.state("caption_node") == "unconfigured"
    assert not robot.change_state("caption_node", "activate")  # not from here


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"model": "/nowhere"}, "/nowhere"),
        ({"device": "cuda:7"}, "cuda:7"),
        ({"device": "toaster"}, "toaster"),
        ({"style": "poem"}, "poem"),
        ({"max_tokens": 500}, "max_tokens"),
    ],
)
def test_a_model_that_cannot_be_used_leaves_the_node_unconfigured(
    start_node, robot, toy_folder, parameters, sentence
):
    node = start_node(CaptionNode, **{"model": str(toy_folder), **parameters})
    status = robot.wait_for_status("caption_node", sentence, level=b"\x02")
    assert "Traceback" not in status.message
    assert node.state == "unconfigured"


def test_cameras_that_are_no_topics(start_node, robot, toy_folder):
    node = start_node(CaptionNode, model=str(toy_folder), cameras=["not a topic!"], **QUICK)
    status = robot.wait_for_status("caption_node", "parameter cameras is ['not a topic!']", level=b"\x02")
    assert node.state == "inactive"
    assert ".c:" not in status.message  # rcl tells where in its source it says so


def test_one_topic_under_two_names_is_refused(start_node, robot, toy_folder):
    start_node(CaptionNode, model=str(toy_folder), cameras=["image", "/image"], **QUICK)
    robot.wait_for_status("caption_node", "/image stands there twice", level=b"\x02")


def test_a_node_of_the_same_name_is_told_of(start_caption_node, start_node, robot, toy_folder):
    start_caption_node()
    start_node(CaptionNode, model=str(toy_folder), autostart=False)
    robot.wait_for_status("caption_node", "2 nodes are called /caption_node", level=b"\x01")


def test_fixed_parameters_are_refused_while_active(start_caption_node, robot):
    start_caption_node()
    result = robot.set("caption_node", model="/elsewhere")
    assert not result.successful
    assert "the model is loaded when the node is configured" in result.reason


@pytest.mark.parametrize(("name", "value"), [("style", "poem"), ("max_tokens", 500)])
def test_what_the_loaded_model_does_not_have_is_refused_at_once(start_caption_node, robot, name, value):
    """Accepted, it would have lost every image from then on."""
    node = start_caption_node()
    before = node.parameters.current
    result = robot.set("caption_node", **{name: value})
    assert not result.successful
    assert name in result.reason
    assert node.parameters.current == before
    assert robot.set("caption_node", style="default").successful
