"""Stamps of messages and integer nanoseconds are the same moment."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.node.stamps import SECOND, nanoseconds, time_message


@given(st.integers(0, 2**31 * SECOND - 1))
def test_a_stamp_comes_back(moment: int) -> None:
    assert nanoseconds(time_message(moment)) == moment


def test_what_no_stamp_can_say() -> None:
    assert time_message(-1) == Time()
    assert time_message(2**40 * SECOND).sec == 2**31 - 1
