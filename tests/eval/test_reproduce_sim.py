"""The model of each row, as a toy on the simulated home: built, given its DeepLens, asked for a caption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ser_ros.eval.paper_tables import Row, load_table, tables, training_recipe
from ser_ros.eval.reproduce import ONLY_STAGE2, Place
from ser_ros.eval.reproduce_sim import SIDE, toy_recipe
from ser_ros.eval.toy_parts import save_parts
from ser_ros.train.assemble import first_model


def one_row_of_each_model() -> list[Row]:
    """Rows that differ only in training data or in the number of second glances have the same model."""
    rows = [row for name in tables() for row in load_table(name).rows if row.train]
    return list({repr(training_recipe(row).model): row for row in reversed(rows)}.values())[::-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("home")
    save_parts(root / "parts", ["A red chair stands next to a wooden table."], SIDE)
    place = Place(root, root / "runs", lambda row: toy_recipe(row, place))
    return place


@pytest.mark.parametrize("row", one_row_of_each_model(), ids=lambda row: row.name)
def test_the_model_of_a_row(row: Row, place: Place, tmp_path: Path) -> None:
    recipe = place.recipe(row)
    before = [change for change in row.set if not change.startswith(ONLY_STAGE2)]
    if before != row.set:
        first_model(place.recipe(replace(row, set=before)), None).save_pretrained(tmp_path)
        recipe.model.start = str(tmp_path)
    model = first_model(recipe, None)
    wanted = recipe.model.config["deeplens"].get("layers", (13, 18, 23))
    assert model.config.deeplens.layers == tuple(wanted)
    assert len(model.config.towers) == 1 + bool(recipe.model.second_tower)
    (said,) = model.describe([np.zeros((SIDE, SIDE, 3), np.uint8)], max_tokens=2)
    assert said.refined is not None
