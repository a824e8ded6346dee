"""Times as people say them: "since 10:30", "in the last hour", "yesterday"; and back: "5 minutes ago"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from ser_ros.errors import UserError
from ser_ros.graph.memory.moments import (
    DATED,
    HOUR_OR_MOMENT,
    MOMENT,
    NUMBER,
    Stretch,
    read_moment,
    read_number,
)

SECOND = 1_000_000_000
_UNITS = {
    "second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "h": 3600,
    "day": 86_400, "week": 604_800, "fortnight": 1_209_600, "month": 2_592_000,
}  # fmt: skip
_DAY = 86_400 * SECOND
_SOME = {"a": 1.0, "an": 1.0, "couple of": 2.0, "few": 3.0, "several": 5.0}
_COUNT = rf"(?:(?:a )?(?:couple of|few)|several|an?|\d+\.\d+|{NUMBER})"
_UNIT = rf"(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})s?\b"
_LENGTH = (
    rf"(?:half an? {_UNIT}|(?:an? |three )?quarters? of an hour"
    rf"|{_COUNT} and a half {_UNIT}|{_COUNT} ?{_UNIT}(?: and a half|(?: and)? {_COUNT} {_UNIT})?)"
)
_LAST = (
    r"\b(?:(?:in|within|during|over|for|since)(?: the| these| this)?|the) (?:last|past) "
    rf"(?P<span>{_LENGTH}|{_UNIT})"
)
_AGO = (
    r"\b(?:(?P<word>since|after|before|until|till|from|about|around|at least|more than|over) )?"
    rf"(?:about |around )?(?P<span>{_LENGTH}) (?:ago|earlier)\b"
)
_WORD = (
    r"(?P<word>since|after|from|before|until|till|by|at|around|about|in|during|for|over"
    rf"|on(?= (?:the )?(?:\d|{DATED})))"
)
_BETWEEN = rf"\b(?:between|from) (?P<from>[\w:.' -]{{1,40}}?) (?:and|to|until|till) (?P<to>{HOUR_OR_MOMENT})"
_MOMENT = rf"\b{_WORD} (?:about |around |all )?(?P<hour>{HOUR_OR_MOMENT})|\b(?:all )?(?P<moment>{MOMENT})"
_RECENTLY = r"\b(?:(?:most )?recently|lately|of late)\b"
_JUST_NOW = r"\b(?:just now|(?:just )?(?:a moment|moments) ago|in this (?:moment|minute))\b"
_FUTURE = rf"\b(?:tomorrow|will|going to be|from now on|next (?:week|month|year|time)|in {_LENGTH}(?! ago))"
_AROUND = timedelta(minutes=5)
_RECENT = timedelta(hours=1)
# How far from "an hour ago" it may have been, as a share of the time, and at least.
_VAGUE, _LEAST_VAGUE = 0.25, 30 * SECOND


@dataclass(frozen=True)
class Period:
    """A stretch of time in nanoseconds; None is no limit.

    Attributes:
        moment: the words name one moment, and the stretch is what they leave open: "an hour ago".
    """

    since_ns: int | None = None
    until_ns: int | None = None
    moment: bool = False


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
    """The text without its times, and the time they limit it to.

    Args:
        text: lower case.
        now_ns: the time of asking, which "10:30" is the last one before.
    Raises:
        UserError: the time is still to come.
    """
    now = _local(now_ns, timezone)
    period = Period()
    for pattern, read in _readers():
        match = pattern.search(text)
        found = match and read(match, now)
        if match is not None and found:
            text = " ".join((text[: match.start()] + " " + text[match.end() :]).split())
            period = Period(
                found.since_ns or period.since_ns,
                found.until_ns or period.until_ns,
                found.moment or period.moment,
            )
    if re.search(_FUTURE, text) or (period.since_ns or 0) > now_ns:
        raise UserError("that time is still to come; ask for what was seen")
    return text, period


@cache
def _readers() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], Period | None]], ...]:
    """The forms of times in the order they are looked for; compiled at the first question, in 40 ms."""
    return (
        (re.compile(_JUST_NOW), _read_just_now),
        (re.compile(_LAST), _read_last),
        (re.compile(_AGO), _read_ago),
        (re.compile(_BETWEEN), _read_between),
        (re.compile(_MOMENT), _read_moment),
        (re.compile(_RECENTLY), _read_recently),
    )


def _read_just_now(match: re.Match[str], now: datetime) -> Period:
    return Period(since_ns=_ns(now) - round(_AROUND.total_seconds()) * SECOND)


def _read_recently(match: re.Match[str], now: datetime) -> Period:
    return Period(since_ns=_ns(now - _RECENT))


def _read_last(match: re.Match[str], now: datetime) -> Period:
    return Period(since_ns=_ns(now) - _length(match["span"]))


def _read_ago(match: re.Match[str], now: datetime) -> Period:
    """A moment, as vague as it is long ago; "two days ago" is that day."""
    length = _length(match["span"])
    moment = _ns(now) - length
    if match["word"] in ("since", "after", "from"):
        return Period(since_ns=moment)
    if match["word"] in ("before", "until", "till", "at least", "more than", "over"):
        return Period(until_ns=moment)
    if length >= _DAY and length % _DAY == 0 and length < 7 * _DAY:
        day = (now - timedelta(days=length // _DAY)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Period(_ns(day), _ns(day + timedelta(days=1)))
    some = max(round(_VAGUE * length), _LEAST_VAGUE)
    return Period(moment - some, moment + some, moment=True)


def _read_between(match: re.Match[str], now: datetime) -> Period | None:
    """From one time to the next, the last time that both were."""
    first, last = match["from"], match["to"]
    half = re.search(r"[ap]\.?m\b", last)
    if half is not None and re.fullmatch(rf"{NUMBER}(?::\d\d)?", first):
        first = f"{first} {half[0]}"  # "between 2 and 3 pm"
    since, until = read_moment(first, now), read_moment(last, now)
    if since is None or until is None:
        return None
    begin, end = _ns(since.start), _ns(until.end)
    return Period(begin - (_DAY if end < begin else 0), end)


def _read_moment(match: re.Match[str], now: datetime) -> Period | None:
    found = read_moment(match["hour"] or match["moment"], now)
    if found is None:
        return None
    word = match["word"]
    if word in ("since", "after", "from"):
        return Period(since_ns=_ns(found.start))
    if word in ("before", "until", "till", "by"):
        return Period(until_ns=_ns(found.start))
    if found.start == found.end:
        return Period(_ns(found.start - _AROUND), _ns(found.end + _AROUND), moment=True)
    return _whole(found, now)


def _whole(stretch: Stretch, now: datetime) -> Period:
    """All of it; what lasts until now has no end."""
    return Period(_ns(stretch.start), None if stretch.end > now else _ns(stretch.end))


def _length(span: str) -> int:
    """ "two and a half hours", "three quarters of an hour", "1 hour and 20 minutes" in nanoseconds."""
    if "quarter" in span:
        return (3 if span.startswith("three") else 1) * 900 * SECOND
    total = 0.0
    for match in re.finditer(
        rf"(?P<count>half an?|{_COUNT}(?: and a half)?)? ?\b(?P<unit>{_UNIT})(?P<more> and a half)?", span
    ):
        total += _count(match["count"] or "a", bool(match["more"])) * _UNITS[_singular(match["unit"])]
    return round(total * SECOND)


def _count(words: str, more: bool) -> float:
    if words.startswith("half"):
        return 0.5
    half = 0.5 if more or words.endswith(" and a half") else 0.0
    words = words.removesuffix(" and a half")
    if words in _SOME or words.removeprefix("a ") in _SOME:
        return half + _SOME.get(words, _SOME.get(words.removeprefix("a "), 0.0))
    return half + (float(words) if "." in words else read_number(words))


def _singular(unit: str) -> str:
    return unit if unit in _UNITS else unit.removesuffix("s")


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
