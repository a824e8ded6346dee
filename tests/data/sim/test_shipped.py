"""The shipped checkpoint captions rooms it has never seen; the patrol in the repository is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.data.sim.dataset import RenderOptions, scene_pictures
from ser_ros.data.sim.score import say
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import load_captioner

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "ser_ros/assets/ser-sim"


def test_it_is_small_and_tells_what_it_is():
    assert sum(p.stat().st_size for p in MODEL.iterdir()) < 32e6
    card = (MODEL / "README.md").read_text()
    for word in ("test_novel", "CIDEr", "hallucinated", "sim_clip.yaml"):
        assert word in card


@pytest.mark.parametrize("style", ["default", "detailed"])
def test_it_names_things_of_unseen_rooms(scene, style):
    options = RenderOptions(split="test")
    pictures = [pair for number in (0, 3) for pair in scene_pictures(options, number)]
    captioner = load_captioner(MODEL, backend="torch", device="cpu")
    try:
        found = captioner.describe([p for _, p in pictures], CaptionOptions(style=style))
    finally:
        captioner.close()
    right = total = 0
    for (record, _), description in zip(pictures, found, strict=True):
        there = {noun for noun, _ in record["allowed"]}
        named = say(description.refined).objects
        right, total = right + len(named & there), total + len(named)
    assert total >= len(pictures)
    assert right / total > 0.8


def test_the_patrol_in_the_repository_is_whole():
    truth = json.loads((ROOT / "demo/patrol/ground_truth.json").read_text())
    assert len(truth["frames"]) == 180
    assert {room["name"] for room in truth["rooms"]} == {
        "hallway",
        "living room",
        "kitchen",
        "office",
        "bedroom",
    }
    assert sum(p.stat().st_size for p in (ROOT / "demo/patrol").rglob("*") if p.is_file()) < 12e6
    assert all(len(frame["captions"]["detailed"]) in (0, 5) for frame in truth["frames"])
