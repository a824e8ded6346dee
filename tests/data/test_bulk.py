"""Bulk work in processes and on Ray: the same rows, none lost when a worker is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ser_ros.cli import main
from ser_ros.data.bulk import run_local, run_ray
from tests.train.toy_home import make_toy_home

ITEMS = [{"n": n, "text": f"row {n}"} for n in range(40)]


def double(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"n": item["n"], "twice": 2 * item["n"]} for item in items]


EXPECTED = double(ITEMS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A local Ray of two CPUs; it gets three tries, as it gives up after 30 s on a busy machine."""
    ray = pytest.importorskip("ray")
    for attempt in range(3):
        try:
            ray.init(num_cpus=2, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
            break
        except Exception as error:
            ray.shutdown()
            if attempt == 2:
                pytest.skip(f"Ray does not start here: {error}")
    yield
    ray.shutdown()


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_keep_the_order(workers: int) -> None:
    assert list(run_local(ITEMS, double, workers=workers, batch=7)) == EXPECTED


def test_shards_together_are_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions = str(make_toy_home(tmp_path, 30))
    one = ["pseudo", "--data", captions, "--out", str(tmp_path / "one.jsonl"), "--json"]
    assert main(one) == 0
    for part in ("1/3", "2/3", "3/3"):
        assert main(["pseudo", "--data", captions, "--out", str(tmp_path / "p.jsonl"), "--shard", part]) == 0
    capsys.readouterr()
    parts = [line for path in tmp_path.glob("p.*-of-3.jsonl") for line in path.read_text().splitlines()]
    assert sorted(parts) == sorted((tmp_path / "one.jsonl").read_text().splitlines())


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_ray_gives_the_same_rows() -> None:
    found = sorted(run_ray(ITEMS, double, workers=2, batch=7), key=lambda row: row["n"])
    assert found == EXPECTED


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_ray_loses_nothing_when_a_worker_is_killed(tmp_path: Path) -> None:
    mark = str(tmp_path / "killed")

    def double_or_die(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(item["n"] == 20 for item in items):
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return [{"n": item["n"], "twice": 2 * item["n"]} for item in items]

    found = sorted(run_ray(ITEMS, double_or_die, workers=2, batch=7), key=lambda row: row["n"])
    assert os.path.exists(mark)
    assert found == EXPECTED


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_pseudo_on_ray_is_pseudo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions = str(make_toy_home(tmp_path, 30))
    assert main(["pseudo", "--data", captions, "--out", str(tmp_path / "a.jsonl")]) == 0
    ray = [
        "pseudo",
        "--data",
        captions,
        "--out",
        str(tmp_path / "b.jsonl"),
        "--ray",
        "--workers",
        "2",
        "--json",
    ]
    capsys.readouterr()
    assert main(ray) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 30
    assert (tmp_path / "a.jsonl").read_text() == (tmp_path / "b.jsonl").read_text()
