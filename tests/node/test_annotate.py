"""The picture of a caption with its changed words."""

from __future__ import annotations

from ser_ros.model.description import Edit
from ser_ros.node.annotate import changed_words


def test_changed_words():
    edits = [Edit("replace", 2, 7, "blue"), Edit("insert", 13, 13, "by a door")]
    assert changed_words("a green chair", edits) == [
        ("a", False), ("blue", True), ("chair", False), ("by", True), ("a", True), ("door", True),
    ]  # fmt: skip
