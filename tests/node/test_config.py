"""config/*.yaml is what the dataclasses say."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ser_ros.node.parameters import rules, to_yaml
from ser_ros.runtime.captioner import CaptionOptions

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = {
    "caption": ("ser_ros.node.caption_parameters", "CaptionParameters"),
    "memory": ("ser_ros.node.memory_parameters", "MemoryParameters"),
    "viewer": ("ser_ros.node.viewer_parameters", "ViewerParameters"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_yaml_file_is_the_dataclass(name):
    module, kind = CONFIGS[name]
    text = (ROOT / "config" / f"{name}.yaml").read_text()
    assert text == to_yaml(getattr(importlib.import_module(module), kind), f"/**/{name}_node")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_fixed_parameter_says_why_and_every_number_has_a_range(name):
    module, kind = CONFIGS[name]
    for parameter, (default, rule) in rules(getattr(importlib.import_module(module), kind)).items():
        assert rule.description, parameter
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            assert rule.bounds or rule.choices, parameter


def test_caption_options_have_one_source():
    from ser_ros.node.caption_parameters import CaptionParameters

    assert CaptionParameters().options() == CaptionOptions()
