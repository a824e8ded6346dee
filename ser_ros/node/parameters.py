"""A frozen dataclass becomes ROS parameters: typed, range-checked, documented, changeable or fixed.

The dataclass is the only place of the defaults; `config/*.yaml` repeats them for people and a
test holds the two together.

    @dataclass(frozen=True)
    class CaptionParameters(NodeParameters):
        max_rate_hz: float = parameter(2.0, "most captions a second", unit="Hz", bounds=(0.0, 60.0))

A parameter with `fixed="why"` can be set while the node is unconfigured only; the sentence is the
reason that `ros2 param set` prints otherwise.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import textwrap
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from ser_ros.errors import UserError

T = TypeVar("T")

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list of texts",
}
_TYPES = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
    tuple: Parameter.Type.STRING_ARRAY,
}


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a parameter may be.

    Attributes:
        description: what it does, one sentence.
        unit: physical unit, empty where it has none.
        bounds: lowest and highest value, both allowed.
        choices: allowed texts.
        check: returns what is wrong with a value, or None.
        fixed: why it cannot change while the node is configured; empty where it can.
    """

    description: str
    unit: str = ""
    bounds: tuple[float, float] | None = None
    choices: tuple[Any, ...] | None = None
    check: Callable[[Any], str | None] | None = None
    fixed: str = ""


def parameter(default: Any, description: str, **rule: Any) -> Any:
    """A dataclass field that is a ROS parameter; keyword arguments as in `Rule`."""
    return dataclasses.field(default=default, metadata={"rule": Rule(description, **rule)})


@dataclasses.dataclass(frozen=True)
class NodeParameters:
    """What every node of this package has."""

    autostart: bool = parameter(
        True,
        "configure and activate at start; false waits for lifecycle commands",
        fixed="it is read once, when the process starts",
    )


_OF_RCLPY = {"use_sim_time": (False, Rule("time comes from /clock"))}
"""What rclpy declares in every node."""


def rules(kind: type) -> dict[str, tuple[Any, Rule]]:
    """name -> (default, rule), in the order of the dataclass."""
    return {field.name: (field.default, field.metadata["rule"]) for field in dataclasses.fields(kind)}


def constraint(default: Any, rule: Rule) -> str:
    """The allowed values in words: "0.0 to 60.0 Hz", "one of: cpu, cuda"."""
    if rule.choices is not None:
        return "one of: " + ", ".join(str(choice) or "''" for choice in rule.choices)
    if rule.bounds is not None:
        low, high = (type(default)(bound) for bound in rule.bounds)
        return f"{low} to {high} {rule.unit}".strip()
    return _WORDS[type(default)] + (f" in {rule.unit}" if rule.unit else "")


def convert(name: str, value: Any, default: Any, rule: Rule) -> Any:
    """`value` as the type of `default`.

    Raises:
        UserError: wrong type or outside the rule; the sentence names the parameter and what it may be.
    """
    kind = type(default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)  # `max_rate_hz: 2` in YAML is an integer to ROS
    if kind is tuple and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        value = tuple(value)
    wrong = None
    low, high = rule.bounds or (-math.inf, math.inf)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        wrong = f"it must be {_WORDS[kind]}"
    elif (rule.choices and value not in rule.choices) or (kind in (int, float) and not low <= value <= high):
        wrong = f"it must be {constraint(default, rule)}"
    elif rule.check is not None:
        wrong = rule.check(value)
    if wrong:
        shown = list(value) if isinstance(value, tuple) else value
        # an empty list in YAML arrives as nothing
        raise UserError(f"parameter {name} {'has no value' if value is None else f'is {shown!r}'}: {wrong}")
    return value


class Parameters(Generic[T]):
    """The parameters of one node, as a frozen snapshot that changes atomically.

    A bad value given at start does not stop the node: the parameter keeps its default, the reason
    stands in `problems`, and `require()` raises it when the node is configured.

    Args:
        node: declares them.
        kind: a frozen dataclass whose fields are made by `parameter()`.
        configured: true while fixed parameters cannot change.
        check: raises UserError for a new snapshot that does not fit what the node has loaded.
        on_change: called with (old, new) after a change was accepted.

    Attributes:
        current: the snapshot; read it once per use, another thread may replace it.
        problems: parameter name -> sentence, for values that were given but cannot be used.
    """

    def __init__(
        self,
        node: Node,
        kind: type[T],
        *,
        configured: Callable[[], bool],
        check: Callable[[T], None] = lambda new: None,
        on_change: Callable[[T, T], None] = lambda old, new: None,
    ):
        self._kind, self._rules = kind, rules(kind)
        self._configured = configured
        self._check = check
        self._on_change = on_change
        self.problems: dict[str, str] = {}
        values = {name: self._declare(node, name) for name in self._rules}
        self.current: T = kind(**values)
        self._warn_of_unknown(node)
        node.add_on_set_parameters_callback(self._on_set)

    def require(self) -> T:
        """The snapshot, if every value that was given can be used.

        Raises:
            UserError: the first one that cannot.
        """
        for sentence in self.problems.values():
            raise UserError(sentence)
        return self.current

    def unknown(self, name: str) -> str:
        """Says that there is no parameter `name`, and which one was probably meant."""
        close = difflib.get_close_matches(name, [*self._rules, *_OF_RCLPY], n=1)
        return f"there is no parameter {name}" + (f"; did you mean {close[0]}?" if close else "")

    def refusal(self, name: str, value: Any) -> str:
        """Why the parameter `name` cannot be `value`, whatever the node does; "" where it can.

        rclpy would give the numbers of two types without the name of the parameter.
        """
        if name not in self._rules and name not in _OF_RCLPY:
            return ""
        try:
            convert(name, value, *(self._rules.get(name) or _OF_RCLPY[name]))
        except UserError as error:
            return str(error)
        return ""

    def _declare(self, node: Node, name: str) -> Any:
        default, rule = self._rules[name]
        ros_default = list(default) if isinstance(default, tuple) else default
        try:
            value = node.declare_parameter(name, ros_default, _descriptor(default, rule)).value
            return convert(name, value, default, rule)
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            given = getattr(node, "_parameter_overrides", {}).get(name)
            try:
                convert(name, given.value if given else None, default, rule)
                self.problems[name] = f"parameter {name}: {error}"
            except UserError as sentence:
                self.problems[name] = str(sentence)
        except UserError as sentence:
            self.problems[name] = str(sentence)
        if node.has_parameter(name):
            node.undeclare_parameter(name)
        node.declare_parameter(name, ros_default, _descriptor(default, rule), ignore_override=True)
        return default

    def _warn_of_unknown(self, node: Node) -> None:
        for name in getattr(node, "_parameter_overrides", {}):
            if name in self._rules or name == "use_sim_time" or name.startswith("qos_overrides."):
                continue
            node.get_logger().warning(f"{name} is ignored: {self.unknown(name)}")

    def _on_set(self, changes: list[Parameter]) -> SetParametersResult:
        values = {}
        for change in changes:
            if change.name not in self._rules:
                continue
            default, rule = self._rules[change.name]
            try:
                value = convert(change.name, change.value, default, rule)
            except UserError as error:
                return SetParametersResult(successful=False, reason=str(error))
            if rule.fixed and self._configured() and value != getattr(self.current, change.name):
                reason = (
                    f"parameter {change.name} cannot change now: {rule.fixed} "
                    "(lifecycle: deactivate, cleanup, set it, configure, activate)"
                )
                return SetParametersResult(successful=False, reason=reason)
            values[change.name] = value
        if values:
            old = self.current
            new = self._kind(**{name: values.get(name, getattr(old, name)) for name in self._rules})
            try:
                self._check(new)
            except UserError as error:
                return SetParametersResult(successful=False, reason=str(error))
            for name in values:
                self.problems.pop(name, None)
            self.current = new
            self._on_change(old, self.current)
        return SetParametersResult(successful=True)


def _descriptor(default: Any, rule: Rule) -> ParameterDescriptor:
    kind = type(default)
    allowed = constraint(default, rule)
    descriptor = ParameterDescriptor(
        type=_TYPES[kind].value,
        description=rule.description + (f" [{rule.unit}]" if rule.unit else ""),
        additional_constraints=allowed + (f"; fixed while configured: {rule.fixed}" if rule.fixed else ""),
        # rclpy refuses an integer for a double otherwise; `convert` checks the type
        dynamic_typing=kind is float,
    )
    if rule.bounds is not None and kind is int:
        descriptor.integer_range = [
            IntegerRange(from_value=int(rule.bounds[0]), to_value=int(rule.bounds[1]), step=1)
        ]
    elif rule.bounds is not None and kind is float:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(rule.bounds[0]), to_value=float(rule.bounds[1]), step=0.0)
        ]
    return descriptor


def to_yaml(kind: type, node: str) -> str:
    """A parameter file with every default, its meaning, unit and range; `config/*.yaml` is this text."""
    lines = [f"{node}:", "  ros__parameters:"]
    for name, (default, rule) in rules(kind).items():
        when = "fixed while configured" if rule.fixed else "changeable at run time"
        meaning = f"{rule.description} ({constraint(default, rule)}; {when})"
        lines += textwrap.wrap(meaning, 100, initial_indent="    # ", subsequent_indent="    # ")
        lines += [f"    {name}: {_yaml(default)}", ""]
    return "\n".join(lines)


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
