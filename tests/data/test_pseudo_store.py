"""The JSONL of pseudo captions: nothing lost by a kill, nothing made twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.data.pseudo.store import PseudoFile, PseudoRecord
from ser_ros.data.sample import Sample
from ser_ros.data.shard import Shard
from ser_ros.errors import UserError

SAMPLES = [Sample(f"{n}.jpg", f"a picture of {n}", str(n)) for n in range(5)]


def record(sample: Sample, status: str = "ok") -> PseudoRecord:
    made = PseudoRecord.of(sample, "test")
    made.status = status  # type: ignore[assignment]
    made.pseudo = [sample.caption.replace("a", "the")] if status == "ok" else []
    return made


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "p.jsonl"
    file = PseudoFile(path, SAMPLES)
    for sample in (SAMPLES[3], SAMPLES[1]):
        file.add(record(sample))
    again = PseudoFile(path, SAMPLES)
    assert [sample.key for sample in again.todo()] == ["0#0", "2#0", "4#0"]
    again.add(record(SAMPLES[0]))
    counts = again.finish()
    assert (counts["done"], counts["failed"], counts["pseudo"]) == (3, 0, 3)
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert keys == ["0#0", "1#0", "3#0"]


def test_failed_lines_are_kept_and_tried_again(tmp_path: Path) -> None:
    file = PseudoFile(tmp_path / "p.jsonl", SAMPLES)
    file.add(record(SAMPLES[0], "failed"))
    assert file.finish()["failed"] == 1
    again = PseudoFile(tmp_path / "p.jsonl", SAMPLES)
    assert SAMPLES[0] in again.todo()
    again.add(record(SAMPLES[0]))
    assert again.finish() | {"captions": 5} == again.finish()
    assert len((tmp_path / "p.jsonl").read_text().splitlines()) == 1


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder; --out is the file to write"):
        PseudoFile(tmp_path, SAMPLES)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*p\.jsonl: File exists"):
        PseudoFile(tmp_path / "file" / "p.jsonl", SAMPLES).add(record(SAMPLES[0]))


def test_a_full_disk_is_named_and_keeps_the_lines(small_disk: Callable[[str], Path]) -> None:
    path = small_disk("4k") / "p.jsonl"
    long = replace(record(SAMPLES[1]), pseudo=["a red chair " * 500])
    file = PseudoFile(path, SAMPLES)
    file.add(record(SAMPLES[0]))
    with pytest.raises(UserError, match=r"No space left.*; free some space.*goes on where it stopped"):
        file.add(long)
    small_disk("1m")
    assert SAMPLES[0] not in PseudoFile(path, SAMPLES).todo()


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 400))
def test_a_kill_at_any_byte_loses_at_most_the_last_line(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("kill") / "p.jsonl"
    file = PseudoFile(path, SAMPLES)
    for sample in SAMPLES:
        file.add(record(sample))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])
    complete = whole[: len(whole) - cut].count(b"\n")
    again = PseudoFile(path, SAMPLES)
    assert len(again.todo()) in (5 - complete, 5 - complete - 1)
    for sample in again.todo():
        again.add(record(sample))
    again.finish()
    assert path.read_bytes() == whole


def test_a_file_of_another_dataset_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    file = PseudoFile(path, SAMPLES)
    file.add(record(SAMPLES[0]))
    with pytest.raises(UserError, match=r"p\.jsonl, line 1: '0#0' with this caption is not in the dataset"):
        PseudoFile(path, [Sample("0.jpg", "another caption", "0")])
    path.write_text("[1]\n")
    with pytest.raises(UserError, match="line 1 is no line of"):
        PseudoFile(path, SAMPLES)


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shards_are_everything_once(items: list[int], count: int) -> None:
    parts = [Shard(index, count).take(items) for index in range(1, count + 1)]
    assert sorted(x for part in parts for x in part) == sorted(items)


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shards_keep_groups_together(items: list[int], count: int) -> None:
    parts = [Shard(index, count).take(items, lambda x: x % 5) for index in range(1, count + 1)]
    assert sorted(x for part in parts for x in part) == sorted(items)
    groups = [{x % 5 for x in part} for part in parts]
    assert sum(map(len, groups)) == len({x % 5 for x in items})


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "a/b", "1/0"])
def test_wrong_shards(text: str) -> None:
    with pytest.raises(UserError, match="--shard"):
        Shard.parse(text)


def test_shard_files() -> None:
    assert Shard.parse("2/8").path(Path("a/p.jsonl")) == Path("a/p.2-of-8.jsonl")
    assert Shard().path(Path("p.jsonl")) == Path("p.jsonl")


def test_a_line_cut_in_the_middle_of_a_letter_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    samples = [Sample("1.jpg", "un café", "1"), Sample("2.jpg", "un bébé", "2")]
    file = PseudoFile(path, samples)
    for sample in samples:
        file.add(record(sample))
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex("é".encode()) + 1])
    again = PseudoFile(path, samples)
    assert again.todo() == samples[1:]
    again.add(record(samples[1]))
    assert again.finish()["done"] == 2


@pytest.mark.parametrize("line", [b"\xff\n", b'{"key": "0#0", "image": "", "caption": "", "pseudo": [5]}\n'])
def test_lines_of_something_else_are_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(line)
    with pytest.raises(UserError, match=r"p\.jsonl, line 1 is no line of `ser_ros pseudo`"):
        PseudoFile(path, SAMPLES)
