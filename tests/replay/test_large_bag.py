"""A recording far larger than what a replay may hold of it at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from tests.model.toys import toy_model
from tests.replay.bags import START, STORE, header

KIND = "sensor_msgs/msg/Image"
MEASURE = """
import resource, sys
from ser_ros.cli import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def write_megabytes(path: Path, megabytes: int, storage: StoragePlugin) -> Path:
    """A bag of raw 640x480 images at 30 Hz."""
    noise = np.random.default_rng(0).integers(0, 256, 640 * 480 * 3, np.uint8)
    with Writer(path, version=9, storage_plugin=storage) as writer:
        topic = writer.add_connection("/camera", KIND, typestore=STORE)
        for index in range(megabytes * 10**6 // len(noise)):
            stamp = START + index * 33_333_333
            message = STORE.types[KIND](
                header=header(stamp),
                height=480,
                width=640,
                encoding="rgb8",
                is_bigendian=0,
                step=1920,
                data=np.roll(noise, index),
            )
            writer.write(topic, stamp, STORE.serialize_cdr(message, KIND))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("storage", list(StoragePlugin))
def test_memory_does_not_grow_with_the_recording(tmp_path, storage):
    toy_model(seed=1).save_pretrained(tmp_path / "model")
    peaks = []
    for megabytes in (30, 1500):
        bag = write_megabytes(tmp_path / f"bag_{megabytes}", megabytes, storage)
        options = ["--model", tmp_path / "model", "--every", "16", "--max-tokens", "8"]
        command = [sys.executable, "-c", MEASURE, "replay", bag, *options, "--out", tmp_path / str(megabytes)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split("peak")[1]) / 1024)  # kB to MB
    assert peaks[1] - peaks[0] < 100
