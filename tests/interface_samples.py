"""Messages with every field set, the same in each process that builds them.

Run as a program it publishes one of each message and serves both services until it is ended.
"""

from __future__ import annotations

import importlib
from typing import Any

MESSAGES = ("Caption", "CaptionEdit", "ObjectMatch", "SceneGraph", "SceneObject", "SceneRelation")
SERVICES = ("DescribeImage", "QueryMemory")
WORDS = ("a red chair", "Stühle 🪑 am Tisch")


def message(name: str) -> Any:
    return getattr(importlib.import_module("ser_ros.msg"), name)


def service(name: str) -> Any:
    return getattr(importlib.import_module("ser_ros.srv"), name)


def filled(message_class: Any, seed: int = 1) -> Any:
    """A message in which each field differs from its default and from its neighbours."""
    sample = message_class()
    kinds = zip(message_class.get_fields_and_field_types(), message_class.SLOT_TYPES, strict=True)
    for number, (name, kind) in enumerate(kinds, start=seed):
        setattr(sample, name, _value(kind, number))
    return sample


def _value(kind: Any, number: int) -> Any:
    from rosidl_parser.definition import AbstractSequence, BasicType, NamespacedType

    if isinstance(kind, AbstractSequence):
        return [_value(kind.value_type, number + i) for i in range(3)]
    if isinstance(kind, NamespacedType):
        module = importlib.import_module(".".join(kind.namespaces))
        return filled(getattr(module, kind.name), number)
    if isinstance(kind, BasicType):
        if kind.typename == "boolean":
            return True
        # Quarters are exact in float32.
        return number + 0.25 if kind.typename in ("float", "double") else number
    return f"{WORDS[number % 2]} {number}"


def latched() -> Any:
    from rclpy.qos import DurabilityPolicy, QoSProfile

    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def main() -> None:
    import rclpy
    from rclpy.executors import ExternalShutdownException

    rclpy.init()
    node = rclpy.create_node("talker")
    for name in MESSAGES:
        node.create_publisher(message(name), f"sample/{name}", latched()).publish(filled(message(name)))
    for name in SERVICES:
        kind = service(name)

        def answer(request: Any, response: Any, kind: Any = kind) -> Any:
            response = filled(kind.Response)
            response.success = request == filled(kind.Request)
            return response

        node.create_service(kind, f"sample/{name}", answer)
    print("talking", flush=True)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
