"""PEP 517 backend: setuptools, plus the ROS code generators where the interfaces are wanted."""

from __future__ import annotations

from ros_wheels import GENERATORS, wanted_distribution
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 - the hooks that stay as they are


def get_requires_for_build_wheel(config_settings=None):
    return build_meta.get_requires_for_build_wheel(config_settings) + _generators()


def get_requires_for_build_editable(config_settings=None):
    return build_meta.get_requires_for_build_editable(config_settings) + _generators()


def _generators() -> list[str]:
    distribution = wanted_distribution()
    return GENERATORS[distribution] if distribution else []
