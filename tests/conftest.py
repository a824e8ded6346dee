"""What all tests share: where the labelled development data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled data beside the checkout (or $SER_ROS_SHARED_DATA); skips without it."""
    folder = Path(os.environ.get("SER_ROS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no labelled data at {folder} (set SER_ROS_SHARED_DATA)")
    return folder
