"""A replay end to end with a random two-layer model: outputs, determinism, resuming, bad folders."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import networkx as nx
import pytest

from ser_ros.cli import main
from ser_ros.replay.bag import Bag
from ser_ros.replay.record import FrameRecord, read_records
from ser_ros.replay.run import ReplaySettings, RunFiles, caption_frames
from ser_ros.replay.source import open_source
from ser_ros.replay.trajectory import Trajectory
from ser_ros.runtime.load import load_captioner
from tests.model.toys import toy_model
from tests.processes import python_module
from tests.replay.bags import START, picture, write_rosbag2


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "toy"
    toy_model(seed=1).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_rosbag2(tmp_path_factory.mktemp("bags") / "drive", frames=6)


def replay(bag: Path, model: Path, out: Path, *more: str) -> int:
    return main(["replay", str(bag), "--model", str(model), "--out", str(out), "--max-tokens", "12", *more])


def test_replay_writes_everything_it_promises(bag, model, tmp_path, capsys):
    assert replay(bag, model, tmp_path, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["captioned"], summary["unreadable"]) == (6, 6, 0)
    records = read_records(tmp_path / "captions.jsonl")
    assert records[0].stamp == START
    assert records[3].pose is not None
    assert records[3].pose.x == pytest.approx(0.3)
    world = nx.node_link_graph(json.loads((tmp_path / "graph.json").read_text()), edges="edges")
    assert world.graph["kind"] == "memory"
    with Bag(tmp_path / "captions") as captions:
        said = [item.log_time for item in captions.messages(["/caption_node/caption"])]
    assert said == [record.stamp for record in records]
    for name in ("memory.db", "graph.graphml", "frame_graphs.jsonl", "report.html", "timings.jsonl"):
        assert (tmp_path / name).stat().st_size > 0


def test_the_same_bag_gives_the_same_bytes(bag, model, tmp_path):
    for name in ("a", "b"):
        replay(bag, model, tmp_path / name)
    for name in ("captions.jsonl", "graph.json", "frame_graphs.jsonl", "captions/captions.mcap"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_killed_replay_goes_on_where_it_stopped(bag, model, tmp_path):
    replay(bag, model, tmp_path / "whole")
    replay(bag, model, tmp_path / "cut")
    lines = (tmp_path / "cut" / "captions.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "cut" / "captions.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    replay(bag, model, tmp_path / "cut")
    assert (tmp_path / "cut" / "captions.jsonl").read_bytes() == (
        tmp_path / "whole" / "captions.jsonl"
    ).read_bytes()
    timed = [json.loads(line)["index"] for line in (tmp_path / "cut" / "timings.jsonl").open()]
    assert timed == [0, 1, 2, 3, 4, 5]


def begun(model, out: Path, start_process, file: str, lines: int = 0):
    """A replay of 60 pictures in a process that has written so many lines of a file, and its arguments."""
    bag = write_rosbag2(out.parent / "drive", frames=60)
    arguments = ("replay", str(bag), "--model", str(model), "--max-tokens", "12", "--out", str(out))
    process = start_process(python_module("ser_ros.cli", *arguments))
    while not ((out / file).is_file() and (out / file).read_bytes().count(b"\n") >= lines):
        assert process.popen.poll() is None, process.output
        time.sleep(0.01)
    return process, arguments


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_replay_stopped_as_a_process_goes_on_too(model, tmp_path, start_process, stop):
    out = tmp_path / "out"
    process, arguments = begun(model, out, start_process, "captions.jsonl", lines=3)
    lines = out / "captions.jsonl"
    process.popen.send_signal(stop)
    process.wait()
    if stop == signal.SIGINT:
        assert process.popen.returncode == 130
        assert "stopped; " in process.output
        assert "Traceback" not in process.output
    kept = lines.read_bytes()
    assert kept.count(b"\n") < 60
    assert main(list(arguments)) == 0
    assert [record.index for record in read_records(lines)] == list(range(60))
    assert lines.read_bytes().startswith(kept[: kept.rfind(b"\n")])


def test_an_impatient_ctrl_c_ends_a_replay_with_the_same_exit_code(model, tmp_path, start_process):
    out = tmp_path / "out"
    process, arguments = begun(model, out, start_process, "captions.jsonl")
    while process.popen.poll() is None:  # a second one, a third one ..., wherever the first one is by then
        process.popen.send_signal(signal.SIGINT)
        time.sleep(0.001)
    assert process.popen.returncode == 130
    assert "Traceback" not in process.output
    assert main(list(arguments)) == 0


def test_replay_stopped_after_the_captions_says_that_they_are_kept(model, tmp_path, start_process):
    out = tmp_path / "out"
    process, arguments = begun(model, out, start_process, "frame_graphs.jsonl")
    assert process.interrupt() == 130
    assert f"stopped; {out} keeps what was captioned, the same command goes on" in process.output
    assert "Traceback" not in process.output
    assert main(list(arguments)) == 0


@pytest.mark.parametrize(("every", "rate", "last"), [(1, None, 6), (4, None, 5), (1, 1.0, 6)])
def test_progress_counts_the_frames_of_the_recording(bag, model, tmp_path, every, rate, last):
    source, captioner = open_source(bag), load_captioner(str(model))
    settings = ReplaySettings(str(bag), source.camera, str(model), every=every, rate=rate)
    positions: list[int] = []
    caption_frames(source, Trajectory(), captioner, settings, RunFiles(tmp_path), positions.append)
    assert positions == sorted(positions)
    assert positions[-1] == last


def test_recording_without_a_frame_is_one_sentence(model, tmp_path, capsys):
    assert replay(write_rosbag2(tmp_path / "bag", frames=0), model, tmp_path / "out") == 2
    assert "bag: holds no frame on /camera/image_raw" in capsys.readouterr().err


def test_other_settings_do_not_mix_into_a_finished_run(bag, model, tmp_path, capsys):
    replay(bag, model, tmp_path)
    assert replay(bag, model, tmp_path, "--every", "2") == 2
    assert "other settings (every)" in capsys.readouterr().err


def test_a_run_that_captioned_nothing_binds_nobody(bag, model, tmp_path):
    assert replay(bag, model, tmp_path, "--refinements", "9") == 2
    assert replay(bag, model, tmp_path, "--refinements", "1") == 0


@pytest.mark.parametrize("changed", ["model", "recording"])
def test_another_model_or_recording_at_the_same_path_is_noticed(tmp_path, capsys, changed):
    bag = write_rosbag2(tmp_path / "bag", frames=3)
    toy_model(seed=1).save_pretrained(tmp_path / "model")
    assert replay(bag, tmp_path / "model", tmp_path / "out") == 0
    if changed == "model":
        toy_model(seed=2).save_pretrained(tmp_path / "model")
    else:
        shutil.rmtree(bag)
        write_rosbag2(bag, frames=4)
    assert replay(bag, tmp_path / "model", tmp_path / "out") == 2
    differs = {"model": "model_digest", "recording": "source_bytes"}[changed]
    assert f"other settings ({differs})" in capsys.readouterr().err


def test_a_second_replay_does_not_write_into_a_running_one(bag, model, tmp_path, capsys):
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    assert replay(bag, model, tmp_path) == 2
    assert "another replay is writing to it" in capsys.readouterr().err
    os.close(folder)


@pytest.mark.parametrize("below", ["", "run"])
def test_out_that_cannot_be_a_folder_is_one_sentence(bag, model, tmp_path, capsys, below):
    (tmp_path / "file").touch()
    assert replay(bag, model, tmp_path / "file" / below) == 2
    assert "a file stands where a folder should be" in capsys.readouterr().err


def test_a_cut_line_of_timings_is_left_out(bag, model, tmp_path):
    replay(bag, model, tmp_path)
    for name in ("captions.jsonl", "timings.jsonl"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text[:-30])
    assert replay(bag, model, tmp_path) == 0
    assert len((tmp_path / "timings.jsonl").read_text().splitlines()) == 6


def test_every_takes_each_nth_frame(bag, model, tmp_path):
    replay(bag, model, tmp_path, "--every", "3")
    assert [record.index for record in read_records(tmp_path / "captions.jsonl")] == [0, 3]


def test_folder_of_images_with_a_bad_one_is_replayed(model, tmp_path, capsys):
    from PIL import Image

    images = tmp_path / "images"
    images.mkdir()
    for index in range(3):
        Image.fromarray(picture(index)).save(images / f"{index}.png")
    (images / "1.png").write_bytes(b"broken")
    assert replay(images, model, tmp_path / "out", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["captioned"], summary["unreadable"]) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--every", "0"], "--every 0: must be 1 or more"),
        (["--rate", "-1"], "--rate -1.0: must be above 0"),
        (["--rate", "nan"], "--rate nan: must be above 0"),
        (["--references", "/nowhere.json"], "/nowhere.json: cannot be read"),
        (["--refinements", "9"], "refinements is 9"),
        (["--topic", "/nothing"], "/nothing: not an image topic"),
        (["--model", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_arguments_are_one_sentence(bag, model, tmp_path, capsys, arguments, says):
    assert replay(bag, model, tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_records_survive_json():
    record = FrameRecord(
        1, 2, "camera", "frame", None, "a", "b", [{"kind": "replace"}], 0.5, 0.4, ["truncated"]
    )
    assert FrameRecord.from_json(record.to_json()) == record
