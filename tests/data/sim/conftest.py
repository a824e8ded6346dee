"""A GL context for the tests that render, or a reason to skip them."""

from __future__ import annotations

import pytest

from ser_ros.data.sim.dataset import RenderOptions, scene_pictures
from ser_ros.errors import UserError


@pytest.fixture(scope="session")
def scene():
    """Options of a small render, and records and pictures of its first scene."""
    options = RenderOptions(split="val", size=96)
    try:
        return options, list(scene_pictures(options, 0))
    except UserError as error:
        pytest.skip(str(error))
