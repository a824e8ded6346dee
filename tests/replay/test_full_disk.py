"""A replay onto a disk that is really full: one sentence, the captions stay, the same command goes on."""

from __future__ import annotations

import pytest

from ser_ros.cli import main
from tests.model.toys import toy_model
from tests.replay.bags import write_rosbag2

FRAMES = 12


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
    assert f"cannot write {out}: No space left on device; free some space on its disk" in said
    kept = (out / "captions.jsonl").read_bytes() if (out / "captions.jsonl").is_file() else b""
    assert captions.startswith(kept)

    small_disk("32m")
    assert main([*arguments, "--out", str(out)]) == 0
    assert (out / "captions.jsonl").read_bytes() == captions
    assert (out / "report.html").stat().st_size > 0
