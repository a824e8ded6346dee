"""A checkpoint saved over another: should the process die or the disk fill up, one of the two is whole."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model import SerModel
from ser_ros.model.checkpoint import save
from ser_ros.model.config import Prompt
from ser_ros.model.replace_files import OLD, WHOLE, finish
from ser_ros.model.tokenizer import CaptionTokenizer
from tests.model.toys import toy_config, toy_model, toy_tokenizer

SHARDS = {"one file": 10**9, "shards": 40_000, "more shards": 20_000}
CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree")


def other_model() -> SerModel:
    """Of another seed, depth, prompt and vocabulary than `toy_model()`."""
    config = toy_config(prompts={"default": Prompt(glance="<image>Look.")})
    config = replace(config, connector=replace(config.connector, hidden=48))
    tokenizer = toy_tokenizer(config).tokenizer
    tokenizer.add_tokens(["chaise"])
    torch.manual_seed(7)
    return SerModel(config, CaptionTokenizer(tokenizer, config)).eval()


def same(one: SerModel, other: SerModel) -> bool:
    first, second = one.state_dict(), other.state_dict()
    assert one.tokenizer
    assert other.tokenizer
    return (
        one.config == other.config
        and one.tokenizer.tokenizer.to_str() == other.tokenizer.tokenizer.to_str()
        and first.keys() == second.keys()
        and all(torch.equal(weight, second[name]) for name, weight in first.items())
    )


def killed_at_change(number: int, work: Callable[[], None]) -> bool:
    """Do the work in a process of its own, killed before its change of that number of the file system."""
    child = os.fork()
    if child == 0:
        left = number

        def count(event: str, _: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status != 0


@pytest.mark.parametrize("before", ["one file", "shards"])
@pytest.mark.parametrize("after", SHARDS)
def test_a_killed_save_leaves_the_old_or_the_new_checkpoint(before: str, after: str, tmp_path: Path) -> None:
    old, new = toy_model(), other_model()
    save(old, tmp_path / "old", shard_bytes=SHARDS[before])
    (tmp_path / "old/notes.txt").write_text("mine")
    save(new, tmp_path / "new", shard_bytes=SHARDS[after])
    whole = {path.name for path in (tmp_path / "new").iterdir()} | {"notes.txt"}
    found = []
    folder = tmp_path / "model"
    for number in range(1, 100):
        shutil.copytree(tmp_path / "old", folder)
        killed = killed_at_change(number, lambda: save(new, folder, card="new", shard_bytes=SHARDS[after]))
        loaded = SerModel.from_pretrained(folder)
        found.append("new" if same(loaded, new) else "old" if same(loaded, old) else "a mixture")
        # The next save leaves nothing of the killed one behind.
        save(new, folder, shard_bytes=SHARDS[after])
        assert {path.name for path in folder.iterdir()} == whole
        shutil.rmtree(folder)
        if not killed:
            break
    assert found == sorted(found, reverse=True), "old ones first, then new ones, and nothing else"
    assert set(found) == {"old", "new"}


@pytest.mark.parametrize("room", range(1, 10))
def test_a_full_disk_leaves_the_old_checkpoint(
    room: int, small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    old, new = toy_model(), other_model()
    save(old, tmp_path / "old")
    needed = sum(path.stat().st_size for path in (tmp_path / "old").iterdir())
    folder = small_disk(f"{needed * (10 + room) // 10000}k") / "model"
    save(old, folder)
    with pytest.raises(UserError, match=rf"cannot write {folder}.*free some space on its disk$"):
        save(new, folder)
    assert same(SerModel.from_pretrained(folder), old)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    small_disk("16m")
    save(new, folder)
    assert same(SerModel.from_pretrained(folder), new)


def test_a_checkpoint_from_elsewhere_removes_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    whole = tmp_path / "model" / WHOLE
    whole.mkdir(parents=True)
    (whole / OLD).write_text(f"../mine\n{tmp_path}/mine\n..\n\n")
    finish(tmp_path / "model")
    assert (tmp_path / "mine").exists()
    assert not list((tmp_path / "model").iterdir())
