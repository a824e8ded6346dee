"""The torch captioner on a saved toy: deadline, full memory, initial captions first, devices and dtypes."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import load_captioner
from ser_ros.runtime.two_glances import TwoGlanceCaptioner
from tests.model.toys import toy_model

SHORT = CaptionOptions(max_tokens=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy")
    toy_model(1).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (24, 32 + i, 3)).astype(np.uint8) for i in range(3)]


def test_describes_images_of_different_sizes(folder, images):
    captioner = load_captioner(folder, device="cpu")
    assert (captioner.backend, captioner.device) == ("torch", "cpu")
    descriptions = captioner.describe(images, SHORT)
    assert len(descriptions) == 3
    for description in descriptions:
        assert 0 < description.confidence <= 1
        assert set(description.timings) >= {
            "preprocess",
            "tower",
            "connector",
            "prefill",
            "deeplens",
            "refine",
        }
    assert captioner.describe([], SHORT) == []


def test_tells_initial_captions_before_refining(folder, images):
    told = []
    descriptions = load_captioner(folder).describe(
        images, SHORT, on_initial=lambda index, d: told.append((index, d.initial, "refine" in d.timings))
    )
    assert told == [(i, d.initial, False) for i, d in enumerate(descriptions)]


def test_a_passed_deadline_skips_the_refinement(folder, images):
    captioner = load_captioner(folder)
    late = captioner.describe(images, SHORT, deadline=time.monotonic() - 1)
    assert all("refinement_skipped" in d.flags and d.refined == d.initial for d in late)
    in_time = captioner.describe(images, SHORT, deadline=time.monotonic() + 60)
    assert not any("refinement_skipped" in d.flags for d in in_time)


def test_the_expected_time_is_learnt_from_earlier_calls(folder, images):
    captioner = load_captioner(folder)
    captioner.describe(images, SHORT)
    captioner._expected[(3, 1)] = 30.0  # as after slow refinements
    skipped = captioner.describe(images, SHORT, deadline=time.monotonic() + 10)
    assert all("refinement_skipped" in d.flags for d in skipped)


def test_one_slow_refinement_does_not_end_refining(folder, images):
    captioner = load_captioner(folder, device="cpu")
    captioner.describe(images, SHORT)
    captioner._expected[(3, 1)] = 90.0  # as after a first refinement that recorded its graphs
    for _ in range(20):
        found = captioner.describe(images, SHORT, deadline=time.monotonic() + 60)
        if "refinement_skipped" not in found[0].flags:
            return
    pytest.fail("a deadline that every refinement keeps rules all of them out")


class FullMemory:
    """A real toy whose device is full when `fails` says so."""

    def __init__(self, fails):
        self.model, self.fails = toy_model(1), fails
        self.tokenizer, self.out_of_memory = self.model.tokenizer, self.model.out_of_memory
        self.rows = self.model.rows

    def encode(self, images, clock):
        self._check("encode", len(images))
        return self.model.encode(images, clock)

    def open_glance(self, features, prompts, top, clock):
        return self.model.open_glance(features, prompts, top, clock)

    def open_refine(self, features, prompts, initials, top, clock):
        self._check("refine", len(prompts))
        return self.model.open_refine(features, prompts, initials, top, clock)

    def _check(self, stage, count):
        if self.fails(stage, count):
            raise torch.OutOfMemoryError("full")


def test_full_memory_in_a_refinement_keeps_the_initial_caption(images):
    captioner = TwoGlanceCaptioner(FullMemory(lambda stage, _: stage == "refine"), "torch", "cpu")
    for description in captioner.describe(images, SHORT):
        assert "refinement_skipped" in description.flags
        assert description.refined == description.initial


def test_full_memory_of_a_batch_refines_one_by_one(images):
    whole = TwoGlanceCaptioner(toy_model(1), "torch", "cpu").describe(images, SHORT)
    for fails in (lambda stage, n: stage == "refine" and n > 1, lambda stage, n: n > 1):
        told = []
        captioner = TwoGlanceCaptioner(FullMemory(fails), "torch", "cpu")
        one_by_one = captioner.describe(images, SHORT, on_initial=lambda i, d: told.append(i))  # noqa: B023
        assert [d.refined for d in one_by_one] == [d.refined for d in whole]
        assert told == [0, 1, 2]


def test_an_image_that_does_not_fit_is_one_sentence(images):
    captioner = TwoGlanceCaptioner(FullMemory(lambda *_: True), "torch", "cpu")
    with pytest.raises(UserError, match="not enough memory for one image"):
        captioner.describe(images[:1], SHORT)


@pytest.mark.parametrize("dtype", ["bf16", "fp16", "fp32"])
def test_every_dtype_captions(folder, images, dtype):
    assert len(load_captioner(folder, device="cpu", dtype=dtype).describe(images, SHORT)) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"backend": "tpu"}, "no backend 'tpu'"),
        ({"device": "quantum"}, "no device 'quantum'"),
        ({"device": "cuda:99"}, "cuda:99 is not there"),
        ({"dtype": "int3", "backend": "torch"}, "no dtype 'int3'"),
        ({"model": "/nowhere/at/all"}, "no model folder"),
    ],
)
def test_bad_choices_are_one_sentence(folder, arguments, says):
    with pytest.raises(UserError, match=says):
        load_captioner(**{"model": folder, **arguments})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (CaptionOptions(style="haiku"), "no style 'haiku'"),
        (CaptionOptions(max_tokens=0), "max_tokens is 0"),
        (CaptionOptions(beams=9), "beams is 9"),
        (CaptionOptions(refinements=5), "refinements is 5"),
        (CaptionOptions(max_tokens=500), "lower max_tokens"),
    ],
)
def test_bad_options_are_one_sentence(folder, images, options, says):
    with pytest.raises(UserError, match=says):
        load_captioner(folder).describe(images, options)


def test_a_wrong_array_is_one_sentence(folder):
    with pytest.raises(UserError, match="must be RGB"):
        load_captioner(folder).describe([np.zeros((4, 4), np.uint8)], SHORT)
    with pytest.raises(UserError, match=r"must be RGB .*, this one is a PIL\.Image\.Image"):
        load_captioner(folder).describe([Image.new("RGB", (4, 4))], SHORT)


def test_a_closed_captioner_says_so(folder, images):
    captioner = load_captioner(folder)
    captioner.close()
    captioner.close()
    with pytest.raises(RuntimeError, match="closed"):
        captioner.describe(images)
