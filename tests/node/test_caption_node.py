"""caption_node over real DDS with a small random model: what goes in, what comes out."""

from __future__ import annotations

import time

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from ser_ros.model.description import Edit
from ser_ros.msg import Caption, SceneGraph
from ser_ros.node.annotate import changed_words
from ser_ros.node.caption_node import CaptionNode
from ser_ros.srv import DescribeImage
from tests.node.robot import Robot, image, jpeg, scene, values, wait_until

QUICK = {"max_tokens": 6, "max_rate_hz": 0.0, "keyframe_threshold": 0.0}


@pytest.fixture
def start(start_node, robot, toy_folder):
    """`start(**parameters)` gives an active node; captions and graphs are heard."""
    robot.listen("/caption_node/caption", Caption)
    robot.listen("/caption_node/scene_graph", SceneGraph)

    def start_caption_node(**parameters):
        node = start_node(CaptionNode, model=str(toy_folder), **{**QUICK, **parameters})
        wait_until(lambda: node.state == "active", "active", 120)
        return node

    return start_caption_node


def test_every_image_gives_a_caption_and_a_graph_with_its_header(start, robot):
    start()
    stamp = Time(sec=12, nanosec=345)
    robot.send("image", image(scene(1), stamp, frame_id="optical"))
    wait_until(lambda: robot.heard["/caption_node/scene_graph"], "a graph")
    (caption,) = robot.heard["/caption_node/caption"]
    (graph,) = robot.heard["/caption_node/scene_graph"]
    for message in (caption, graph):
        assert message.header.stamp == stamp
        assert message.header.frame_id == "optical"
        assert message.camera == "image"
    assert caption.initial
    assert caption.refined
    assert graph.caption == caption.refined
    assert 0 < caption.confidence <= 1
    assert 0 < caption.initial_confidence <= 1
    assert caption.inference_time > 0
    assert caption.age > 1e6  # stamped in 1970
    assert caption.flags & Caption.TRUNCATED
    assert not caption.flags & (Caption.INITIAL_ONLY | Caption.REFINEMENT_SKIPPED)
    words = [word for word, _ in changed_words(caption.initial, [_edit(edit) for edit in caption.edits])]
    assert words == caption.refined.split()


def _edit(edit):
    return Edit("replace", edit.start, edit.end, edit.text)


def test_an_image_without_a_stamp_has_no_age(start, robot):
    start()
    robot.send("image", image(scene(1)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.heard["/caption_node/caption"][0].age == -1


def test_the_same_image_gives_the_same_caption(start, robot):
    start()
    for seed in (1, 2, 1):
        heard = len(robot.heard["/caption_node/caption"])
        robot.send("image", image(scene(seed)))
        wait_until(lambda: len(robot.heard["/caption_node/caption"]) > heard, "a caption")  # noqa: B023
    first, _, third = robot.heard["/caption_node/caption"]
    assert (first.initial, first.refined, first.confidence) == (
        third.initial,
        third.refined,
        third.confidence,
    )


def test_initial_caption_first(start, robot):
    start(publish_initial=True, publish_text=True)
    text = robot.listen("/caption_node/text", String)
    robot.send("image", image(scene(1), Time(sec=5)))
    wait_until(lambda: len(robot.heard["/caption_node/caption"]) == 2 and text, "two captions and a text")
    early, late = robot.heard["/caption_node/caption"]
    assert early.flags & Caption.INITIAL_ONLY
    assert not late.flags & Caption.INITIAL_ONLY
    assert early.initial == early.refined == late.initial
    assert early.header == late.header
    assert text[0].data == late.refined
    assert len(robot.heard["/caption_node/scene_graph"]) == 1


def test_deadline_leaves_out_the_second_glance(start, robot):
    start(deadline=0.001)
    robot.send("image", image(scene(1), robot.now()))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    (caption,) = robot.heard["/caption_node/caption"]
    assert caption.flags & Caption.REFINEMENT_SKIPPED
    assert caption.refined == caption.initial
    assert robot.status("caption_node") is None or robot.status("caption_node").level != b"\x02"


def test_several_cameras_take_turns_in_batches(start, robot):
    cameras = ["front/image", "left/image", "right/image", "/rear"]
    start(cameras=cameras, max_batch=4)
    for _ in range(3):
        for number, camera in enumerate(cameras):
            robot.send(camera, image(scene(number), robot.now()))
        time.sleep(0.2)
    wait_until(
        lambda: {m.camera for m in robot.heard["/caption_node/caption"]} == set(cameras), "four cameras"
    )
    status = robot.wait_for_status("caption_node: camera front/image", "/front/image")
    assert int(values(status)["captioned"]) >= 1


def test_compressed_images(start, robot):
    start(compressed=True)
    robot.send("image/compressed", jpeg(scene(3), Time(sec=1)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.heard["/caption_node/caption"][0].camera == "image"


def test_bad_images_are_counted_and_the_next_one_is_captioned(start, robot):
    node = start()
    bad = [
        image(scene(1), encoding="16UC1"),
        image(scene(1), data=b"short"),
        image(scene(1), height=0),
        image(scene(1), height=2**31, width=2**31),
        image(scene(1), encoding="nonsense"),
        image(scene(1), step=3),
    ]
    for number, message in enumerate(bad, 1):
        robot.send("image", message)
        wait_until(lambda: node.cameras.by_name["image"].unreadable == number, "the count")  # noqa: B023
    status = robot.wait_for_status("caption_node", "step 3 is shorter", level=b"\x02")
    assert "camera image" in status.message
    camera = robot.wait_for_status("caption_node: camera image", "step 3", level=b"\x02")
    assert values(camera)["unreadable"] == str(len(bad))
    robot.send("image", image(scene(1)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert len(robot.heard["/caption_node/caption"]) == 1


def test_an_unchanged_picture_is_captioned_once(start, robot):
    start(keyframe_threshold=0.05, keyframe_max_interval=0.0)
    for _ in range(5):
        robot.send("image", image(scene(1)))
        time.sleep(0.1)
    robot.send("image", image(scene(2)))
    wait_until(lambda: len(robot.heard["/caption_node/caption"]) == 2, "two captions")
    robot.wait_for_status("caption_node: camera image", "2")
    time.sleep(0.3)
    assert len(robot.heard["/caption_node/caption"]) == 2


def test_rate_limit_and_its_change_at_run_time(start, robot):
    node = start(max_rate_hz=2.0)
    robot.stream("image", 20)
    captions = robot.heard["/caption_node/caption"]
    wait_until(lambda: captions, "a caption")
    begin, count = time.monotonic(), len(captions)
    time.sleep(3)
    limited = (len(captions) - count) / (time.monotonic() - begin)
    assert limited < 2.6
    assert robot.set("caption_node", max_rate_hz=0.0, refinements=0, max_tokens=1).successful
    assert node.parameters.current.max_rate_hz == 0.0
    count = len(captions)
    wait_until(lambda: len(captions) >= count + 10, "10 captions", 8)
    assert captions[-1].initial == captions[-1].refined
    assert any(caption.dropped_frames for caption in captions)


def test_fixed_parameters_are_refused_while_active(start, robot):
    start()
    result = robot.set("caption_node", model="/elsewhere")
    assert not result.successful
    assert "the model is loaded when the node is configured" in result.reason


def ask(robot, **fields):
    request = DescribeImage.Request(refinements=-1)
    for name, value in fields.items():
        setattr(request, name, value)
    return robot.call("/caption_node/describe", DescribeImage, request)


def test_describe_service(start, robot):
    start()
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
        ({"image": image(scene(1), encoding="32FC1")}, "depth image"),
        ({"style": "poem"}, "poem"),
    ):
        answer = ask(robot, **fields)
        assert not answer.success
        assert sentence in answer.message


def test_describe_answers_while_the_worker_is_busy(start, robot):
    start(max_tokens=77)
    robot.stream("image", 30)
    wait_until(lambda: len(robot.heard["/caption_node/caption"]) > 2, "captions", 60)
    assert all(ask(robot).success for _ in range(3))


def test_annotated_image(start, robot):
    start(publish_annotated=True)
    annotated = robot.listen("/caption_node/annotated", Image)
    wait_until(lambda: robot.node.count_publishers("/caption_node/annotated"), "the topic")
    for seed in range(40):
        robot.send("image", image(scene(seed, 480, 640), Time(sec=7)))
        time.sleep(0.1)
        if annotated:
            break
    (message, *_) = annotated
    assert message.header.stamp.sec == 7
    assert message.height > 480
    assert message.step == 3 * message.width
    assert len(message.data) == message.height * message.step


def test_changed_words():
    edits = [Edit("replace", 2, 7, "blue"), Edit("insert", 13, 13, "by a door")]
    assert changed_words("a green chair", edits) == [
        ("a", False), ("blue", True), ("chair", False), ("by", True), ("a", True), ("door", True),
    ]  # fmt: skip


def test_rotation_turns_the_picture(start, robot):
    node = start(rotation=90)
    picture = scene(4)
    robot.send("image", image(picture))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.set("caption_node", rotation=0).successful
    assert node.parameters.current.rotation == 0
    turned = ask(robot, image=image(np.ascontiguousarray(np.rot90(picture, -1))))
    assert turned.caption.refined == robot.heard["/caption_node/caption"][0].refined
    assert not robot.set("caption_node", rotation=45).successful


def test_lifecycle_by_hand(start_node, robot, toy_folder):
    captions = robot.listen("/caption_node/caption", Caption)
    node = start_node(CaptionNode, model=str(toy_folder), autostart=False, **QUICK)
    assert robot.state("caption_node") == "unconfigured"
    assert "activate it first" in ask(robot).message
    for _ in range(2):
        assert robot.change_state("caption_node", "configure")
        assert robot.change_state("caption_node", "activate")
        heard = len(captions)
        robot.send("image", image(scene(1)))
        wait_until(lambda: len(captions) > heard, "a caption")  # noqa: B023
        assert robot.change_state("caption_node", "deactivate")
        assert robot.node.count_subscribers("/image") == 0
        assert "inactive" in ask(robot).message
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
    status = robot.wait_for_status("caption_node", sentence, level=b"\x02", timeout=90)
    assert "Traceback" not in status.message
    assert node.state == "unconfigured"


def test_cameras_that_are_no_topics(start_node, robot, toy_folder):
    node = start_node(CaptionNode, model=str(toy_folder), cameras=["not a topic!"], **QUICK)
    robot.wait_for_status("caption_node", "parameter cameras is ['not a topic!']", level=b"\x02", timeout=90)
    assert node.state == "inactive"


def test_silence_is_explained(start, robot):
    start(camera_timeout=0.5)
    robot.publisher("/somewhere/image_raw", Image)
    hint = "nobody publishes /image; image topics with a publisher: /somewhere/image_raw"
    robot.wait_for_status("caption_node: camera image", hint)
    robot.send("image", image(scene(1)))
    robot.wait_for_status("caption_node: camera image", "no image on /image for", level=b"\x02")
    robot.stream("image", 10)
    robot.wait_for_status("caption_node: camera image", "ok", level=b"\x00")


def test_a_topic_of_the_other_image_type_is_named(start, robot):
    start()
    driver = Robot()  # a participant of its own: one participant cannot have a topic in two types
    try:
        driver.publisher("image", CompressedImage)
        sentence = "sensor_msgs/msg/CompressedImage, not sensor_msgs/msg/Image"
        robot.wait_for_status("caption_node: camera image", sentence, timeout=60)
    finally:
        driver.close()


def test_reliable_subscription_tells_of_a_best_effort_publisher(start, robot):
    robot.publisher("image", Image)
    start(image_reliability="reliable")
    robot.wait_for_status("caption_node", "set image_reliability to best_effort", level=b"\x02")


def test_reliable_subscription_hears_a_reliable_publisher(start, robot):
    start(image_reliability="reliable")
    robot.send("image", image(scene(1)), qos=QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")


def test_qos_overrides(start_node, robot, toy_folder):
    overrides = {"qos_overrides./image.subscription.reliability": "reliable"}
    node = start_node(CaptionNode, model=str(toy_folder), **QUICK, **overrides)
    wait_until(lambda: node.state == "active", "active", 120)
    (info,) = robot.node.get_subscriptions_info_by_topic("/image")
    assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE


def test_clock_that_jumps_back_forgets_keyframes(start, robot):
    start(use_sim_time=True, keyframe_threshold=0.05, keyframe_max_interval=0.0)
    captions = robot.heard["/caption_node/caption"]
    robot.wait_for_status("caption_node", "nothing publishes /clock", level=b"\x01")
    reliable = QoSProfile(depth=5)
    for lap in range(2):
        for second in range(100, 104):
            robot.set_clock(second)
            time.sleep(0.05)
            robot.send("image", image(scene(1), Time(sec=second)), qos=reliable)
            time.sleep(0.1)
        wait_until(lambda: len(captions) == lap + 1, f"{lap + 1} captions")  # noqa: B023
    assert [caption.header.stamp.sec for caption in captions] == [100, 100]
    assert all(caption.age < 10 for caption in captions)


def test_rate_limit_follows_simulated_time(start, robot):
    start(use_sim_time=True, max_rate_hz=1.0)
    captions = robot.heard["/caption_node/caption"]
    # ten times as fast as real: 20 simulated seconds at 5 images a second
    for tick in range(100):
        robot.set_clock(1000 + tick / 5)
        robot.send("image", image(scene(tick), Time(sec=1000 + tick // 5)))
        time.sleep(0.02)
    time.sleep(0.3)
    assert 10 <= len(captions) <= 22
