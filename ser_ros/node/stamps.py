"""builtin_interfaces/Time as integer nanoseconds, and back."""

from __future__ import annotations

from builtin_interfaces.msg import Time

SECOND = 1_000_000_000  # nanoseconds


def nanoseconds(stamp: Time) -> int:
    """A stamp as integer nanoseconds; 0 is no stamp."""
    return int(stamp.sec) * SECOND + int(stamp.nanosec)


def time_message(stamp_ns: int) -> Time:
    """Integer nanoseconds as a stamp; a negative number is 0, and the seconds end in 2038."""
    seconds, rest = divmod(max(0, int(stamp_ns)), SECOND)
    return Time(sec=min(seconds, 2**31 - 1), nanosec=rest)
