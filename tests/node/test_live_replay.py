"""A bag played to the real node over DDS gives, frame by frame, the captions of the offline replay."""

from __future__ import annotations

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.msg import Caption
from ser_ros.node.bag_player import BagPlayer
from ser_ros.node.live_record import record_of
from ser_ros.replay.bag import Bag
from ser_ros.replay.record import read_records
from tests.node.robot import wait_until
from tests.processes import python_module
from tests.replay.bags import write_rosbag1, write_rosbag2

SETTINGS = {
    "cameras": "['/camera/image_raw']",
    "image_reliability": "reliable",
    "max_rate_hz": "0.0",
    "keyframe_threshold": "0.0",
    "max_tokens": "12",
}


@pytest.mark.parametrize("jpeg", [False, True])
def test_live_and_offline_captions_agree(tmp_path, toy_folder, robot, start_process, jpeg):
    bag = write_rosbag2(
        tmp_path / "bag", jpeg=jpeg, image_topics=("/camera/image_raw" + "/compressed" * jpeg,)
    )
    out = tmp_path / "out"
    replayed = ["replay", str(bag), "--model", str(toy_folder), "--out", str(out), "--max-tokens", "12"]
    assert main(replayed) == 0
    offline = {record.stamp: record for record in read_records(out / "captions.jsonl")}

    heard = robot.listen("/caption_node/caption", Caption)
    settings = {**SETTINGS, "model": toy_folder, "compressed": str(jpeg).lower()}
    arguments = [word for key, value in settings.items() for word in ("-p", f"{key}:={value}")]
    node = start_process(python_module("ser_ros.node.caption_node", "--ros-args", *arguments))
    node.wait_for("active")
    player = start_process(python_module("ser_ros.cli", "play", str(bag), "--rate", "0.25"))
    player.wait_for("published 8 messages")
    wait_until(lambda: sum(1 + m.dropped_frames for m in heard) >= 4, "all captions")

    assert sum(1 + message.dropped_frames for message in heard) == 4
    for message in heard:
        live, said = record_of(message), offline[record_of(message).stamp]
        assert (live.initial, live.refined, live.edits) == (said.initial, said.refined, said.edits)
        assert live.confidence == pytest.approx(said.confidence, abs=1e-5)
        assert live.flags == said.flags


def test_ctrl_c_ends_a_loop(tmp_path, start_process):
    bag = write_rosbag2(tmp_path / "bag")
    player = start_process(python_module("ser_ros.cli", "play", str(bag), "--loop", "--rate", "50"))
    player.wait_for("published")
    assert player.interrupt() == 130
    assert "Traceback" not in player.output
    assert "Failed" not in player.output


def test_player_leaves_out_types_that_are_not_installed(tmp_path, robot, capfd):
    from rosbags.rosbag2 import Writer

    from tests.replay.bags import START, STORE, odometry

    with Writer(tmp_path / "bag", version=9) as writer:
        known = writer.add_connection("/odom", "nav_msgs/msg/Odometry", typestore=STORE)
        unknown = writer.add_connection("/tf", "tf2_msgs/msg/TFMessage", typestore=STORE)
        message = STORE.types["tf2_msgs/msg/TFMessage"](transforms=[])
        writer.write(known, START, STORE.serialize_cdr(odometry(START, 1.0), "nav_msgs/msg/Odometry"))
        writer.write(unknown, START, STORE.serialize_cdr(message, "tf2_msgs/msg/TFMessage"))
    with Bag(tmp_path / "bag") as bag:
        player = BagPlayer(robot.node, bag, renamed={"/odom": "/other"})
        try:
            import tf2_msgs  # noqa: F401
        except ImportError:
            assert player.skipped == {"/tf": "tf2_msgs/msg/TFMessage"}
        assert player.publishers["/odom"].topic_name == "/other"


def test_player_names_what_it_cannot_play(tmp_path, robot):
    with Bag(write_rosbag2(tmp_path / "bag")) as bag, pytest.raises(UserError, match="has no topic /no"):
        BagPlayer(robot.node, bag, topics=["/no"])
    with Bag(write_rosbag1(tmp_path / "old.bag")) as bag:
        player = BagPlayer(robot.node, bag)
        with pytest.raises(UserError, match="is a rosbag1"):
            player.play()


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf"])
def test_a_rate_at_which_nothing_can_be_played_is_refused(tmp_path, rate, capsys):
    assert main(["play", str(write_rosbag2(tmp_path / "bag")), f"--rate={rate}"]) == 2
    assert "must be above 0" in capsys.readouterr().err
