"""A replay onto a disk that is really full: one sentence, the captions stay, the same command goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ser_ros.cli import main
from tests.model.toys import toy_model
from tests.replay.bags import write_rosbag2

FRAMES = 12


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small_disk(size) -> folder` mounts a tmpfs of that size, or changes the size of the one mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")

    def mount(size: str) -> Path:
        option = f"remount,size={size}" if folder.is_mount() else f"size={size}"
        command = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[list[str], bytes]:
    """Arguments of a replay without --out, and the captions that it writes where there is room."""
    folder = tmp_path_factory.mktemp("whole")
    toy_model(seed=1).save_pretrained(folder / "model")
    bag = write_rosbag2(folder / "bag", frames=FRAMES)
    arguments = ["replay", str(bag), "--model", str(folder / "model"), "--max-tokens", "12"]
    assert main([*arguments, "--out", str(folder / "out")]) == 0
    return arguments, (folder / "out" / "captions.jsonl").read_bytes()


@pytest.mark.parametrize("size", ["16k", "40k", "80k", "160k", "240k", "400k"])
def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(small_disk, whole, size, capsys):
    arguments, captions = whole
    out = small_disk(size) / "out"
    assert main([*arguments, "--out", str(out)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{out}: cannot be written (No space left on device)" in said
    kept = (out / "captions.jsonl").read_bytes() if (out / "captions.jsonl").is_file() else b""
    assert captions.startswith(kept)

    small_disk("32m")
    assert main([*arguments, "--out", str(out)]) == 0
    assert (out / "captions.jsonl").read_bytes() == captions
    assert (out / "report.html").stat().st_size > 0
