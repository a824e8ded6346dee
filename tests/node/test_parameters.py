"""Dataclass to ROS parameters: types, ranges, fixed ones, values that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rcl_interfaces.srv import DescribeParameters, SetParametersAtomically
from rclpy.parameter import Parameter

from ser_ros.errors import UserError
from ser_ros.node.lifecycle import ManagedNode
from ser_ros.node.parameters import NodeParameters, constraint, convert, parameter, rules, to_yaml
from tests.node.robot import wait_until
from tests.processes import python_module


@dataclass(frozen=True)
class Sample(NodeParameters):
    topics: tuple[str, ...] = parameter(
        ("image",), "topics", check=lambda names: None if names and all(names) else "name one"
    )
    rate: float = parameter(2.0, "rate", unit="Hz", bounds=(0.0, 60.0))
    count: int = parameter(1, "how many", bounds=(0, 4))
    mode: str = parameter("auto", "mode", choices=("auto", "cpu"), fixed="it is read once")
    loud: bool = parameter(False, "loud")


class SampleNode(ManagedNode[Sample]):
    def __init__(self, **options):
        self.changes = []
        super().__init__("sample", Sample, **options)

    def parameters_changed(self, old, new):
        self.changes.append((old, new))


GOOD = [
    ("rate", 3, 3.0),
    ("rate", 60.0, 60.0),
    ("topics", ["a", "b"], ("a", "b")),
    ("count", 4, 4),
    ("mode", "cpu", "cpu"),
]
BAD = [
    ("rate", 60.1, "parameter rate is 60.1: it must be 0.0 to 60.0 Hz"),
    ("rate", float("nan"), "must be a number"),
    ("rate", True, "must be a number"),
    ("rate", "2", "must be a number"),
    ("count", 5, "must be 0 to 4"),
    ("count", 1.0, "must be a whole number"),
    ("mode", "gpu", "one of: auto, cpu"),
    ("topics", "image", "a list of texts"),
    ("topics", [1], "a list of texts"),
    ("topics", [], "name one"),
    ("loud", "yes", "true or false"),
    ("loud", None, "parameter loud has no value: it must be true or false"),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_convert_accepts(name, value, expected):
    converted = convert(name, value, *rules(Sample)[name])
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_convert_refuses_with_a_sentence(name, value, sentence):
    with pytest.raises(UserError, match=sentence):
        convert(name, value, *rules(Sample)[name])


anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())
)


@given(name=st.sampled_from(list(rules(Sample))), value=anything)
def test_convert_returns_the_type_or_raises(name, value):
    default, rule = rules(Sample)[name]
    try:
        converted = convert(name, value, default, rule)
    except UserError:
        return
    assert type(converted) is type(default)
    assert rule.bounds is None or rule.bounds[0] <= converted <= rule.bounds[1]


def test_yaml_holds_every_default_with_its_range():
    text = to_yaml(Sample, "sample")
    loaded = yaml.safe_load(text)["sample"]["ros__parameters"]
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in loaded.items()} == {
        name: default for name, (default, _) in rules(Sample).items()
    }
    for default, rule in rules(Sample).values():
        assert constraint(default, rule) in " ".join(text.replace("#", "").split())


def test_run_time_changes(start_node, robot):
    node = start_node(SampleNode)
    wait_until(lambda: node.state == "active", "active")
    assert robot.set("sample", rate=5).successful  # an integer for a float
    assert node.parameters.current.rate == 5.0
    assert robot.get("sample", "rate") in (5, 5.0)
    for name, value in (("rate", 61.0), ("count", 9), ("topics", [""])):
        result = robot.set("sample", **{name: value})
        assert not result.successful
        assert name in result.reason
    for name, value, words in (("count", 1.5, "a whole number"), ("mode", 3, "a text")):
        assert (
            robot.set("sample", **{name: value}).reason == f"parameter {name} is {value}: it must be {words}"
        )
    refused = robot.set("sample", use_sim_time=3).reason
    assert refused == "parameter use_sim_time is 3: it must be true or false"
    assert node.parameters.current.rate == 5.0
    (old, new) = node.changes[-1]
    assert (old.rate, new.rate) == (2.0, 5.0)


def test_fixed_parameters_say_why_and_change_while_unconfigured(start_node, robot):
    node = start_node(SampleNode)
    wait_until(lambda: node.state == "active", "active")
    result = robot.set("sample", mode="cpu")
    assert not result.successful
    assert "it is read once" in result.reason
    assert "cleanup" in result.reason
    assert robot.set("sample", mode="auto").successful  # no change
    assert robot.change_state("sample", "deactivate")
    assert robot.change_state("sample", "cleanup")
    assert robot.set("sample", mode="cpu").successful
    assert robot.change_state("sample", "configure")
    assert node.parameters.current.mode == "cpu"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("rat", "there is no parameter rat; did you mean rate?"),
        ("use_sim_tim", "there is no parameter use_sim_tim; did you mean use_sim_time?"),
        ("zzz", "there is no parameter zzz"),
    ],
)
def test_a_parameter_that_does_not_exist_is_named(start_node, robot, name, sentence):
    node = start_node(SampleNode, **{name: 1})
    wait_until(lambda: node.state == "active", "active")
    assert robot.set("sample", **{name: 1}).reason == sentence
    values = [Parameter(one, value=5).to_parameter_msg() for one in ("rate", name)]
    request = SetParametersAtomically.Request(parameters=values)
    result = robot.call("/sample/set_parameters_atomically", SetParametersAtomically, request).result
    assert (result.successful, result.reason) == (False, sentence)
    assert node.parameters.current.rate == 2.0


def test_a_mistyped_parameter_of_the_command_line_is_a_warning(start_process):
    arguments = ["--ros-args", "-p", "stor:=memory.db", "-p", "autostart:=false"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments])
    process.wait_for("stor is ignored: there is no parameter stor; did you mean store?")


def test_simulated_time_of_another_type_ends_with_one_sentence(start_process):
    arguments = ["--ros-args", "-p", "use_sim_time:=3"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments])
    assert process.wait() == 2
    assert process.output.strip() == "ser_ros: parameter use_sim_time must be true or false"


def test_descriptors_tell_ranges(start_node, robot):
    start_node(SampleNode)
    request = DescribeParameters.Request(names=["rate", "count", "mode"])
    rate, count, mode = robot.call("/sample/describe_parameters", DescribeParameters, request).descriptors
    assert rate.description == "rate [Hz]"
    assert (rate.floating_point_range[0].from_value, rate.floating_point_range[0].to_value) == (0.0, 60.0)
    assert (count.integer_range[0].from_value, count.integer_range[0].to_value) == (0, 4)
    assert mode.additional_constraints == "one of: auto, cpu; fixed while configured: it is read once"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("rate", 99.0, "parameter rate is 99.0: it must be 0.0 to 60.0 Hz"),
        ("rate", "fast", "parameter rate is 'fast': it must be a number"),
        ("count", 9, "parameter count is 9: it must be 0 to 4"),
        ("mode", "gpu", "parameter mode is 'gpu': it must be one of: auto, cpu"),
        ("topics", "image", "parameter topics is 'image': it must be a list of texts"),
    ],
)
def test_a_bad_value_at_start_leaves_the_node_alive_and_can_be_mended(
    start_node, robot, name, value, sentence
):
    node = start_node(SampleNode, **{name: value})
    status = robot.wait_for_status("sample", sentence, level=b"\x02")
    assert status.message == sentence
    assert node.state == "unconfigured"
    default = rules(Sample)[name][0]
    assert robot.set("sample", **{name: list(default) if isinstance(default, tuple) else default}).successful
    assert robot.change_state("sample", "configure")
    robot.wait_for_status("sample", "ok", level=b"\x00")
