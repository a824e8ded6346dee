"""Frames from bags, folders and videos; what to do where a recording holds none or too many."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.replay.folder_source import image_files, stamp_of_name
from ser_ros.replay.source import Frame, open_source, select
from tests.replay.bags import PERIOD, START, image, picture, write_rosbag1, write_rosbag2


@pytest.mark.parametrize("jpeg", [False, True])
def test_bag_frames_carry_stamp_frame_and_rgb(tmp_path, jpeg):
    source = open_source(write_rosbag2(tmp_path / "bag", jpeg=jpeg))
    frames = list(source.frames())
    assert (source.camera, source.count) == ("/camera/image_raw", 4)
    assert [frame.stamp for frame in frames] == [START + i * PERIOD for i in range(4)]
    assert frames[1].frame_id == "camera"
    assert np.abs(frames[1].image.astype(int) - picture(1)).max() <= 3  # JPEG rounds


def test_rosbag1_gives_the_same_frames(tmp_path):
    frames = list(open_source(write_rosbag1(tmp_path / "old.bag")).frames())
    assert np.array_equal(frames[2].image, picture(2))


def test_several_image_topics_must_be_chosen_from_a_list(tmp_path):
    path = write_rosbag2(tmp_path / "bag", image_topics=("/left", "/right"))
    with pytest.raises(UserError, match=r"--topic: /left .*4 messages.*, /right"):
        open_source(path)
    assert open_source(path, "/right").camera == "/right"
    with pytest.raises(UserError, match="/odom: not an image topic"):
        open_source(path, "/odom")


def test_bag_without_images_names_what_it_has(tmp_path):
    with pytest.raises(UserError, match="no image topic; it holds /odom"):
        open_source(write_rosbag2(tmp_path / "bag", image_topics=()))


def test_depth_image_is_an_error_of_its_frame_alone(tmp_path):
    from rosbags.rosbag2 import Writer

    from tests.replay.bags import STORE

    kind = "sensor_msgs/msg/Image"
    with Writer(tmp_path / "bag", version=9) as writer:
        topic = writer.add_connection("/camera", kind, typestore=STORE)
        for index in range(3):
            message = image(index)
            if index == 1:
                message.data = message.data[:100]
            writer.write(topic, START + index * PERIOD, STORE.serialize_cdr(message, kind))
    frames = list(open_source(tmp_path / "bag").frames())
    assert [frame.image is None for frame in frames] == [False, True, False]
    assert frames[1].error


def test_folder_is_read_in_numeric_order_and_bad_images_are_named(tmp_path):
    for name in ("img10.png", "img2.png", "img1.png"):
        Image.fromarray(picture(0)).save(tmp_path / name)
    (tmp_path / "img3.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("no image")
    assert [p.name for p in image_files(tmp_path)] == ["img1.png", "img2.png", "img3.png", "img10.png"]
    frames = list(open_source(tmp_path).frames())
    assert [frame.stamp for frame in frames] == [0, 10**9, 2 * 10**9, 3 * 10**9]
    assert [bool(frame.error) for frame in frames] == [False, False, True, False]
    assert "img3.png" in frames[2].error


def test_times_in_file_names_become_stamps():
    assert stamp_of_name("1403636579763555584", 5) == 1403636579763555584
    assert stamp_of_name("1305031102.1753", 5) == 1305031102175300000
    assert stamp_of_name("000042", 5) == 5 * 10**9


def write_video(path: Path, pictures: list[np.ndarray], turned: int = 0) -> Path:
    """At 5 Hz; `turned` is how many degrees counter-clockwise a player must turn the pictures."""
    av = pytest.importorskip("av", reason="PyAV is not installed (extra [video])")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if turned:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("this PyAV cannot write the turn of a video")
            stream.set_display_rotation(turned)
        for one in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(one, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_video_frames_are_stamped_by_its_clock(tmp_path):
    path = write_video(tmp_path / "clip.mp4", [picture(index) for index in range(4)])
    frames = list(open_source(path).frames())
    assert [frame.stamp for frame in frames] == [0, PERIOD, 2 * PERIOD, 3 * PERIOD]
    assert np.abs(frames[0].image.astype(int) - picture(0)).mean() < 12


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_video_of_a_phone_held_upright_is_turned(tmp_path, turned):
    red_left = np.concatenate([picture(0), picture(2)], axis=1)
    frame = next(open_source(write_video(tmp_path / "phone.mp4", [red_left], turned)).frames())
    assert np.abs(frame.image.astype(int) - np.rot90(red_left, turned // 90)).mean() < 12


@pytest.mark.parametrize(
    ("name", "says"), [("clip.mp4", "cannot be read as a video"), ("a.xyz", "is no rosbag")]
)
def test_what_is_no_recording_is_named(tmp_path, name, says):
    if name.endswith("mp4"):
        pytest.importorskip("av", reason="PyAV is not installed (extra [video])")
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(UserError, match=f"{name}: {says}"):
        open_source(tmp_path / name)


def frames_at(stamps):
    return (Frame(i, s, "camera", "", None) for i, s in enumerate(stamps))


def test_every_and_rate_select_frames():
    stamps = [i * 100_000_000 for i in range(20)]
    assert [f.index for f in select(frames_at(stamps), 5, None)] == [0, 5, 10, 15]
    assert [f.index for f in select(frames_at(stamps), 1, 2.0)] == [0, 5, 10, 15]


def test_rate_goes_on_after_a_bag_loop():
    stamps = [0, 10**9, 2 * 10**9, 0, 10**9]
    assert [f.index for f in select(frames_at(stamps), 1, 1.0)] == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(1, 10**9), max_size=60), st.floats(0.5, 20))
def test_rate_is_never_passed_on_average(gaps, rate):
    stamps = [sum(gaps[:i]) for i in range(len(gaps))]
    chosen = [f.stamp for f in select(frames_at(stamps), 1, rate)]
    period = int(1e9 / rate)
    assert all(b > a for a, b in pairwise(chosen))
    assert len(chosen) <= (stamps[-1] if stamps else 0) / period + 1
