"""Rows become exactly the ids the model is asked with, and caching the tower changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.config import IGNORE
from ser_ros.model.images import load_image
from ser_ros.model.vision_tower import FeatureBuffer
from ser_ros.train.dataset import CaptionDataset, collate, encode
from ser_ros.train.features import FeatureStore, tower_features
from ser_ros.train.learner import Learner
from ser_ros.train.rows import Row
from tests.model.toys import toy_model
from tests.train.toy_home import make_toy_home

CAPTION = "a red ball on the left"
WRONG = "a blue ball on the left"


@pytest.fixture(scope="module")
def model():
    return toy_model()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("home")
    make_toy_home(folder, 6)
    return [str(folder / "images" / f"{number}.png") for number in range(6)]


def test_first_glance_ids(model) -> None:
    encoded = encode(Row("", CAPTION), model.tokenizer, 2048)
    prompt, answer = model.tokenizer.glance_prompt(), model.tokenizer.answer_ids(CAPTION)
    assert encoded.ids == prompt + answer
    assert encoded.labels == [IGNORE] * len(prompt) + answer
    assert encoded.initial is None
    assert answer[-1] == model.config.language.eos


def test_second_glance_ids(model) -> None:
    initial = model.tokenizer.caption_ids(WRONG)
    told = encode(Row("", CAPTION, initial=WRONG), model.tokenizer, 2048)
    assert told.ids == model.tokenizer.refine_prompt(initial) + model.tokenizer.answer_ids(CAPTION)
    assert told.initial == initial
    untold = encode(Row("", CAPTION, initial=WRONG, in_prompt=False), model.tokenizer, 2048)
    assert untold.ids == model.tokenizer.glance_prompt() + model.tokenizer.answer_ids(CAPTION)
    assert untold.initial == initial


def test_plain_template_has_no_end_token(model) -> None:
    encoded = encode(Row("", CAPTION, "plain"), model.tokenizer, 2048)
    assert encoded.ids[-1] != model.config.language.eos


def test_long_captions_are_cut_and_too_little_room_is_an_error(model) -> None:
    long = encode(Row("", "word " * 500), model.tokenizer, 2048)
    positions = len(long.ids) - 1 + model.config.patches
    assert positions == model.config.language.max_positions
    with pytest.raises(UserError, match="max_length 8 leaves no room"):
        encode(Row("", CAPTION), model.tokenizer, 8)


def test_the_loss_is_the_models_and_does_not_depend_on_the_cut(model, images: list[str]) -> None:
    rows = [
        Row(image, CAPTION if n % 2 else "a yellow box on the right", initial=WRONG if n > 2 else None)
        for n, image in enumerate(images)
    ]
    dataset = CaptionDataset(rows, model.tokenizer)
    learner = Learner(model, model.config.buffer_layers)
    items = [dataset[n] for n in range(len(rows))]
    whole = collate(items)
    total = (whole["labels"] != IGNORE).sum()
    together = learner(**whole)["loss"]
    in_parts = sum(learner(**collate([item]), num_items_in_batch=total)["loss"] for item in items)
    torch.testing.assert_close(together, in_parts)
    first = collate(items[:1])
    torch.testing.assert_close(
        learner(**first)["loss"],
        model(first["input_ids"], first["pixel_values"], first["labels"]).loss,
    )


def test_cached_features_are_the_towers(model, images: list[str], tmp_path: Path) -> None:
    store = FeatureStore.of_model(tmp_path, model)
    assert store.build(images[:4], tower_features(model), progress=False) == 4
    assert store.build(images, tower_features(model), progress=False) == 2
    again = FeatureStore.of_model(tmp_path, model)
    assert again.missing(images) == []
    rows = [Row(image, CAPTION, initial=WRONG) for image in images]
    layers = model.config.buffer_layers
    seen = collate([CaptionDataset(rows, model.tokenizer)[n] for n in range(6)])
    cached = collate([CaptionDataset(rows, model.tokenizer, features=again)[n] for n in range(6)])
    expected: FeatureBuffer = model.see(seen["pixel_values"])
    for number, layer in enumerate(layers):
        torch.testing.assert_close(
            cached["features"][:, number].float(), expected.layers[layer], atol=5e-3, rtol=2e-3
        )
    learner = Learner(model, layers)
    torch.testing.assert_close(learner(**seen)["loss"], learner(**cached)["loss"], atol=2e-3, rtol=1e-3)
    one = again.only(layers[:1]).read(images[5])
    np.testing.assert_array_equal(one, again.read(images[5])[:1])


def test_another_tower_gets_another_store(model, tmp_path: Path) -> None:
    other = toy_model(seed=1)
    assert FeatureStore.of_model(tmp_path, model).folder != FeatureStore.of_model(tmp_path, other).folder


def test_a_killed_build_goes_on(model, images: list[str], tmp_path: Path) -> None:
    store = FeatureStore.of_model(tmp_path, model)
    store.build(images[:3], tower_features(model), progress=False)
    with (store.folder / "features.f16").open("ab") as file:
        file.write(b"half a row")
    store = FeatureStore.of_model(tmp_path, model)
    store.build(images, tower_features(model), progress=False)
    fresh = FeatureStore.of_model(tmp_path / "fresh", model)
    fresh.build(images, tower_features(model), progress=False)
    for image in images:
        np.testing.assert_allclose(store.read(image), fresh.read(image), atol=1e-3)
    with pytest.raises(UserError, match="does not exist"):
        store.read("/none.png")


def test_two_runs_that_share_a_cache_do_not_mix_their_rows(images: list[str], tmp_path: Path) -> None:
    def bright(pictures) -> np.ndarray:
        return np.array([[[[picture.mean() / 255]]] for picture in pictures])

    def second_run() -> None:
        FeatureStore(tmp_path, (1,), (1, 1)).build(images, bright, progress=False)

    second = threading.Thread(target=second_run)

    def while_the_second_begins(pictures) -> np.ndarray:
        second.start()
        second.join(0.5)  # it would be done by then, did it not wait
        return bright(pictures)

    FeatureStore(tmp_path, (1,), (1, 1)).build(images[1::2], while_the_second_begins, progress=False)
    second.join()
    kept = FeatureStore(tmp_path, (1,), (1, 1))
    assert not kept.missing(images)
    for image in images:
        assert kept.read(image) == bright([load_image(image)]).astype(np.float16)


def test_broken_pictures_stop_or_are_replaced(model, images: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"x")
    rows = [Row(str(broken), "never"), Row(images[0], CAPTION)]
    with pytest.raises(UserError, match=r"broken\.png"):
        CaptionDataset(rows, model.tokenizer)[0]
    item = CaptionDataset(rows, model.tokenizer, skip_broken=True)[0]
    assert item["ids"] == CaptionDataset(rows, model.tokenizer)[1]["ids"]
