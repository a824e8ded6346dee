"""Which images caption_node captions, by the real clock and by a simulated one."""

from __future__ import annotations

import time
from functools import partial

from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock

from tests.node.robot import image, scene, wait_until


def test_an_unchanged_picture_is_captioned_once(start_caption_node, robot):
    start_caption_node(keyframe_threshold=0.05, keyframe_max_interval=0.0)
    for _ in range(5):
        robot.send("image", image(scene(1)))
        time.sleep(0.1)
    robot.send("image", image(scene(2)))
    wait_until(lambda: len(robot.heard["/caption_node/caption"]) == 2, "two captions")
    robot.wait_for_status("caption_node: camera image", "2")
    time.sleep(0.3)
    assert len(robot.heard["/caption_node/caption"]) == 2


def stamp(second: float) -> Time:
    """As in a message, to the millisecond."""
    return Time(sec=int(second), nanosec=round(second % 1 * 1000) * 10**6)


def test_rate_limit_and_its_change_at_run_time(start_caption_node, robot):
    """By a clock that the test moves: which images are looked at does not depend on the machine."""
    node = start_caption_node(use_sim_time=True, max_rate_hz=2.0)
    captions = robot.heard["/caption_node/caption"]
    film = partial(robot.film, "image")
    robot.set_clock(1000)
    film(scene(0), lambda: captions, "the first caption", stamp(1000))

    too_soon = [1000.1, 1000.2, 1000.3, 1000.4]
    for number, second in enumerate(too_soon, start=1):
        robot.set_clock(second)
        robot.send("image", image(scene(number), stamp(second)))
        time.sleep(0.1)
    assert len(captions) == 1
    robot.set_clock(1000.5)
    wait_until(lambda: len(captions) == 2, "the caption of an image that waited")
    assert captions[1].header.stamp in [stamp(second) for second in too_soon]
    assert captions[1].dropped_frames, "only the newest image waits"

    assert robot.set("caption_node", max_rate_hz=0.0, refinements=0, max_tokens=1).successful
    assert node.parameters.current.max_rate_hz == 0.0
    for number in range(3, 6):  # the clock stands still
        film(scene(number), lambda: len(captions) == number, "a caption without a limit", stamp(1000.5))  # noqa: B023
    assert captions[-1].initial == captions[-1].refined


def test_clock_that_jumps_back_forgets_keyframes(start_caption_node, robot):
    start_caption_node(use_sim_time=True, keyframe_threshold=0.05, keyframe_max_interval=0.0)
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


def test_two_clocks_are_named(start_caption_node, robot):
    """As where a bag is played twice, or beside a simulator: time jumps with each message."""
    start_caption_node(use_sim_time=True)
    robot.set_clock(100)
    second = robot.node.create_publisher(Clock, "/clock", 1)
    second.publish(Clock(clock=Time(sec=500)))
    robot.wait_for_status("caption_node", "2 nodes publish /clock", level=b"\x01")


def test_rate_limit_follows_simulated_time(start_caption_node, robot):
    start_caption_node(use_sim_time=True, max_rate_hz=1.0)
    captions = robot.heard["/caption_node/caption"]

    def film(second: float) -> int:
        robot.send("image", image(scene(int(5 * second)), Time(sec=int(second))))
        time.sleep(0.02)
        return len(captions)

    for second in range(1000, 1010):
        robot.set_clock(second)
        wait_until(lambda: film(second) > second - 1000, "the caption of this second")  # noqa: B023
        for fraction in (0.2, 0.4, 0.6, 0.8):
            robot.set_clock(second + fraction)
            film(second + fraction)
    assert len(captions) == 10
