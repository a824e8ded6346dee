"""How caption_node hears its cameras, and how it explains that it hears none."""

from __future__ import annotations

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from ser_ros.node.caption_node import CaptionNode
from tests.node.robot import QUICK, Robot, image, scene, wait_until


def test_silence_is_explained(start_caption_node, robot):
    start_caption_node(camera_timeout=0.5)
    robot.publisher("/somewhere/image_raw", Image)
    hint = "nobody publishes /image; image topics with a publisher: /somewhere/image_raw"
    robot.wait_for_status("caption_node: camera image", hint)
    robot.send("image", image(scene(1)))
    robot.wait_for_status("caption_node: camera image", "no image on /image for", level=b"\x02")
    robot.stream("image", 10)
    robot.wait_for_status("caption_node: camera image", "ok", level=b"\x00")


def test_a_topic_of_the_other_image_type_is_named(start_caption_node, robot):
    start_caption_node()
    driver = Robot()  # a participant of its own: one participant cannot have a topic in two types
    try:
        driver.publisher("image", CompressedImage)
        sentence = "sensor_msgs/msg/CompressedImage, not sensor_msgs/msg/Image"
        robot.wait_for_status("caption_node: camera image", sentence)
    finally:
        driver.close()


def test_reliable_subscription_tells_of_a_best_effort_publisher(start_caption_node, robot):
    robot.publisher("image", Image)
    start_caption_node(image_reliability="reliable")
    robot.wait_for_status("caption_node", "set image_reliability to best_effort", level=b"\x02")


def test_reliable_subscription_hears_a_reliable_publisher(start_caption_node, robot):
    start_caption_node(image_reliability="reliable")
    robot.send("image", image(scene(1)), qos=QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")


def test_qos_overrides(start_caption_node, robot):
    start_caption_node(**{"qos_overrides./image.subscription.reliability": "reliable"})
    (info,) = robot.node.get_subscriptions_info_by_topic("/image")
    assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE


def test_a_changed_reliability_counts_when_the_node_is_activated_again(start_caption_node, robot):
    start_caption_node()
    for transition in ("deactivate", "cleanup"):
        assert robot.change_state("caption_node", transition)
    assert robot.set("caption_node", image_reliability="reliable").successful
    for transition in ("configure", "activate"):
        assert robot.change_state("caption_node", transition)

    def reliable() -> bool:
        infos = robot.node.get_subscriptions_info_by_topic("/image")
        return [info.qos_profile.reliability for info in infos] == [ReliabilityPolicy.RELIABLE]

    wait_until(reliable, "a reliable subscription")


@pytest.mark.parametrize(("policy", "value"), [("depth", "two"), ("reliability", "sometimes")])
def test_an_override_that_is_none_is_named(start_node, robot, toy_folder, policy, value):
    override = {f"qos_overrides./image.subscription.{policy}": value}
    node = start_node(CaptionNode, model=str(toy_folder), **override, **QUICK)
    status = robot.wait_for_status("caption_node", "qos_overrides of /image cannot be used: ", level=b"\x02")
    assert policy in status.message
    assert value in status.message
    assert node.state == "inactive"
