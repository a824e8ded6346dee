"""caption_node over real DDS with a small random model: what goes in, what comes out."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import String

from ser_ros.model.description import Edit
from ser_ros.msg import Caption
from ser_ros.node.annotate import changed_words
from tests.node.robot import image, jpeg, scene, values, wait_until


def test_every_image_gives_a_caption_and_a_graph_with_its_header(start_caption_node, robot):
    start_caption_node()
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


def test_an_image_without_a_stamp_has_no_age(start_caption_node, robot):
    start_caption_node()
    robot.send("image", image(scene(1)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.heard["/caption_node/caption"][0].age == -1


def test_an_image_has_no_age_before_simulated_time_begins(start_caption_node, robot):
    start_caption_node(use_sim_time=True)
    robot.send("image", image(scene(1), Time(sec=1_800_000_000)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.heard["/caption_node/caption"][0].age == -1


def test_the_same_image_gives_the_same_caption(start_caption_node, robot):
    start_caption_node()
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


def test_initial_caption_first(start_caption_node, robot):
    start_caption_node(publish_initial=True, publish_text=True)
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


def test_deadline_leaves_out_the_second_glance(start_caption_node, robot):
    start_caption_node(deadline=0.001)
    robot.send("image", image(scene(1), robot.now()))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    (caption,) = robot.heard["/caption_node/caption"]
    assert caption.flags & Caption.REFINEMENT_SKIPPED
    assert caption.refined == caption.initial
    assert robot.status("caption_node") is None or robot.status("caption_node").level != b"\x02"


def test_several_cameras_take_turns_in_batches(start_caption_node, robot):
    cameras = ["front/image", "left/image", "right/image", "/rear"]
    start_caption_node(cameras=cameras, max_batch=4)
    for _ in range(3):
        for number, camera in enumerate(cameras):
            robot.send(camera, image(scene(number), robot.now()))
        time.sleep(0.2)
    wait_until(
        lambda: {m.camera for m in robot.heard["/caption_node/caption"]} == set(cameras), "four cameras"
    )
    name = "caption_node: camera front/image"
    robot.wait_for_status(name, "/front/image")
    wait_until(lambda: int(values(robot.status(name))["captioned"]) >= 1, "the count")


def test_compressed_images(start_caption_node, robot):
    start_caption_node(compressed=True)
    robot.send("image/compressed", jpeg(scene(3), Time(sec=1)))
    wait_until(lambda: robot.heard["/caption_node/caption"], "a caption")
    assert robot.heard["/caption_node/caption"][0].camera == "image"


def test_bad_images_are_counted_and_the_next_one_is_captioned(start_caption_node, robot):
    node = start_caption_node()
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


def test_annotated_image(start_caption_node, robot):
    start_caption_node()
    annotated = robot.listen("/caption_node/annotated", Image)
    wait_until(lambda: robot.node.count_publishers("/caption_node/annotated"), "the topic")
    robot.film("image", scene(1, 480, 640), lambda: annotated, "an annotated image", stamp=Time(sec=7))
    (message, *_) = annotated
    assert message.header.stamp.sec == 7
    assert message.height > 480
    assert message.step == 3 * message.width
    assert len(message.data) == message.height * message.step
