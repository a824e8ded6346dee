"""Times as people say them: "since 10:30", "in the last hour", "yesterday"; and back: "5 minutes ago"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ser_ros.errors import UserError

SECOND = 1_000_000_000
_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "half an": 0.5, "couple of": 2, "few": 3,
}  # fmt: skip
_NUMBER = r"(?P<number>\d+(?:\.\d+)?|half an|(?:a )?(?:couple of|few)|" + "|".join(
    word for word in _NUMBERS if " " not in word and word != "few"
) + r")"  # fmt: skip
_SPAN = rf"(?:{_NUMBER} )?(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})s?"
_LAST = re.compile(rf"\b(?:in|within|during|over|for|since)? ?the (?:last|past) {_SPAN}\b")
_AGO = re.compile(rf"\b(?:(?P<word>since|after|before|until|about|around) )?(?:about )?{_SPAN} ago\b")
_CLOCK = re.compile(
    r"\b(?P<word>since|after|from|before|until|till|by) (?:(?P<day>today|yesterday) )?(?:at )?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?(?: o'clock)?"
    r"(?: (?P<later>today|yesterday))?(?=$|\s)"
)
_HOUR = r"\d{1,2}(?::\d{2}(?::\d{2})?)?(?: ?[ap]\.?m\.?)?"
_BETWEEN = re.compile(rf"\b(?:between|from) (?P<from>{_HOUR}) (?:and|to|until|till) (?P<to>{_HOUR})(?=$|\s)")
_AT = re.compile(r"\b(?:at|around|about) (?P<clock>\d{1,2}:\d{2}(?: ?[ap]\.?m\.?)?)(?=$|\s)")
_AROUND = timedelta(minutes=5)
_DATE = re.compile(
    r"\b(?P<word>since|after|from|before|until|till|on) (?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[t ](?P<clock>\d\d:\d\d(?::\d\d)?))?"
)
_DAY = re.compile(
    r"\b(?:(?P<word>since|after|before|until) )?(?P<day>today|yesterday|this morning|midnight)\b"
)


@dataclass(frozen=True)
class Period:
    """A stretch of time in nanoseconds; None is no limit."""

    since_ns: int | None = None
    until_ns: int | None = None


def zone(name: str) -> tzinfo | None:
    """The zone of spoken times; None is the machine's.

    Raises:
        UserError: no such zone.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UserError(f"timezone {name!r} is not known; write it as in Europe/Berlin") from error


def read_period(text: str, now_ns: int, timezone: str = "") -> tuple[str, Period]:
    """The text without its times, and the period they give.

    Args:
        text: lower case.
        now_ns: the time of asking, which "10:30" is the last one before.
    """
    now = _local(now_ns, timezone)
    period = Period()
    for pattern, read in (
        (_BETWEEN, _read_between),
        (_AT, _read_at),
        (_LAST, _read_last),
        (_AGO, _read_ago),
        (_DATE, _read_date),
        (_CLOCK, _read_clock),
        (_DAY, _read_day),
    ):
        match = pattern.search(text)
        if match is None:
            continue
        found = read(match, now)
        if found is not None:
            text = " ".join((text[: match.start()] + " " + text[match.end() :]).split())
            period = Period(found.since_ns or period.since_ns, found.until_ns or period.until_ns)
    return text, period


def _read_last(match: re.Match[str], now: datetime) -> Period:
    return Period(since_ns=_ns(now) - _length(match))


def _read_ago(match: re.Match[str], now: datetime) -> Period:
    return _bounded(match["word"] or "since", _ns(now) - _length(match))


def _read_date(match: re.Match[str], now: datetime) -> Period | None:
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['clock'] or '00:00'}").replace(
            tzinfo=now.tzinfo
        )
    except ValueError:
        return None
    if match["word"] == "on" and match["clock"] is None:
        return Period(_ns(moment), _ns(moment + timedelta(days=1)))
    return _bounded(match["word"], _ns(moment))


def _read_clock(match: re.Match[str], now: datetime) -> Period | None:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] == "p" else 0)
    try:
        moment = now.replace(
            hour=hour, minute=int(match["minute"] or 0), second=int(match["second"] or 0), microsecond=0
        )
    except ValueError:
        return None
    day = match["day"] or match["later"]
    if day == "yesterday" or (day is None and moment > now):
        moment -= timedelta(days=1)
    return _bounded(match["word"], _ns(moment))


def _read_between(match: re.Match[str], now: datetime) -> Period | None:
    """From one clock time to the next, the last time that both were."""
    first, last = (_CLOCK.search(f"since {match[name]}") for name in ("from", "to"))
    since, until = (one and _read_clock(one, now) for one in (first, last))
    if not since or not until or since.since_ns is None or until.since_ns is None:
        return None
    day = 86_400 * SECOND
    return Period(since.since_ns - (day if until.since_ns < since.since_ns else 0), until.since_ns)


def _read_at(match: re.Match[str], now: datetime) -> Period | None:
    clock = _CLOCK.search(f"since {match['clock']}")
    moment = clock and _read_clock(clock, now)
    if not moment or moment.since_ns is None:
        return None
    some = int(_AROUND.total_seconds()) * SECOND
    return Period(moment.since_ns - some, moment.since_ns + some)


def _read_day(match: re.Match[str], now: datetime) -> Period:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["day"] != "yesterday":
        return _bounded(match["word"] or "since", _ns(midnight))
    start = midnight - timedelta(days=1)
    if match["word"]:
        return _bounded(match["word"], _ns(start))
    return Period(_ns(start), _ns(midnight))


def _bounded(word: str, moment_ns: int) -> Period:
    return (
        Period(until_ns=moment_ns)
        if word in ("before", "until", "till", "by")
        else Period(since_ns=moment_ns)
    )


def _length(match: re.Match[str]) -> int:
    number = (match["number"] or "1").removeprefix("a ")
    value = _NUMBERS[number] if number in _NUMBERS else float(number)
    return int(value * _UNITS[match["unit"]] * SECOND)


def say_when(stamp_ns: int, now_ns: int, timezone: str = "") -> str:
    """A stamp as a person says it: "a moment ago", "5 minutes ago", "at 10:30", "yesterday at 10:30"."""
    seconds = (now_ns - stamp_ns) // SECOND
    if 0 <= seconds < 60:
        return "a moment ago"
    if 0 <= seconds < 3600:
        return "a minute ago" if seconds < 120 else f"{seconds // 60} minutes ago"
    moment, now = _local(stamp_ns, timezone), _local(now_ns, timezone)
    clock = f"at {moment:%H:%M}"
    if moment.date() == now.date():
        return clock
    if moment.date() == (now - timedelta(days=1)).date():
        return f"yesterday {clock}"
    return f"on {moment.day} {moment:%B} {clock}"


def _local(stamp_ns: int, timezone: str) -> datetime:
    return datetime.fromtimestamp(stamp_ns / SECOND, zone(timezone)).astimezone(zone(timezone))


def _ns(moment: datetime) -> int:
    return round(moment.timestamp()) * SECOND
