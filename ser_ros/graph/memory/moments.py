"""Days, parts of a day and clock times in words: "3 pm", "yesterday evening", "20 November at half past two".

The night of a day begins on it at 20:00; a bare hour ("at 3") is the last one before now, of another day the
one at which people are up.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import NamedTuple

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {word: number for number, word in enumerate((*_ONES, *_TEENS), 1)} | {
    word: 10 * number for number, word in enumerate(_TENS, 2)
}
# "five", "twenty-five", "25"
NUMBER = rf"(?:\d+|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES)}))?|{'|'.join((*_TEENS, *_ONES))})"

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
# Hours of a day's morning, afternoon, evening and night.
_PARTS = {"morning": (4, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (20, 30)}
_NAMED_HOURS = {"noon": 12, "midday": 12, "midnight": 0}

# What may follow a word that is also a part of names: "sunday newspaper", "night light".
_NO_NAME = r"(?=$| (?:in|at|on|around|near|and|to|until|between|morning|afternoon|evening|night)\b)"
_WEEKDAY = rf"(?P<which>(?:last|this) )?(?P<weekday>{'|'.join(_WEEKDAYS)}){_NO_NAME}"
_MONTH = "|".join(rf"{name}|{name[:3]}" for name in _MONTHS)
_DATES = (
    r"(?P<iso>\d{4}-\d\d-\d\d)(?=$|[ t])",
    rf"(?:the )?(?P<date>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\b(?: (?P<year>\d{{4}}))?",
    rf"(?P<month>{_MONTH})(?: the)? (?P<date>\d{{1,2}})(?:st|nd|rd|th)?\b(?: (?P<year>\d{{4}}))?",
)
_DAY = (
    r"(?P<near>(?:the )?day before yesterday|today|yesterday|tomorrow)(?!')",
    r"(?P<near>last|this|next) (?P<long>week(?:end)?|month|year)\b",
    _WEEKDAY,
    *_DATES,
)
_PART = (
    r"(?P<near>last night|overnight|tonight|this (?:morning|afternoon|evening))\b",
    rf"(?:in the |during the |at |the )?(?P<part>morning|afternoon|evening|night){_NO_NAME}",
)
_END = r"(?=$|[ ?.])"
_HALF = r"(?P<half>[ap])\.?m\b\.?"
_CLOCK = (
    r"(?P<named>noon|midday|midnight)\b",
    rf"(?P<past>half|(?:a )?quarter|{NUMBER})(?: minutes?)? (?P<way>past|to) (?P<hour>{NUMBER})"
    rf"(?: ?{_HALF})?{_END}",
    rf"(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)(?: ?{_HALF})?{_END}",
    rf"(?P<hour>{NUMBER}) ?{_HALF}{_END}",
    rf"(?P<hour>{NUMBER}) o'?clock{_END}",
)
_BARE_HOUR = rf"(?P<hour>{NUMBER})"


def _unnamed(patterns: tuple[str, ...]) -> str:
    return "|".join(re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns)


_ATOM = _unnamed((*_CLOCK, *_DAY, *_PART))
_AND = r"(?:(?: ?,)? (?:early |late |earlier )?(?:(?:at|on|in the|around|about|of) )?|t)"
DATED = "|".join((*_WEEKDAYS, _MONTH))
_DAYS, _HOURS = _unnamed((*_DAY, *_PART)), _unnamed((_BARE_HOUR,))
_LAST = r"(?=$| (?:and|to|until|till|in|on|at)\b)"
# A moment in words, and the same where a bare hour is a time since a preposition stands before it.
MOMENT = (
    rf"(?:(?:{_DAYS}) (?:at|around|about) {_HOURS}{_LAST}"
    rf"|(?:early |late |earlier |later )?(?:{_ATOM})(?:{_AND}(?:{_ATOM}))*)"
)
HOUR_OR_MOMENT = rf"(?:{MOMENT}|{_HOURS}(?:{_AND}(?:{_DAYS}))+|{_HOURS}{_LAST})"
_READ = {"day": _DAY, "part": _PART, "clock": _CLOCK}


class Stretch(NamedTuple):
    """From `start` to `end`, which are equal for a clock time."""

    start: datetime
    end: datetime


def read_moment(text: str, now: datetime) -> Stretch | None:
    """The newest time of that name that is not still to come, unless its day is named.

    Args:
        text: what `MOMENT` or `HOUR_OR_MOMENT` matched.
        now: with its zone.
    """
    found: dict[str, re.Match[str]] = {}
    for kind, patterns in _READ.items():
        for pattern in patterns:
            if match := re.search(rf"\b{pattern}", text):
                found[kind] = match
                text = f"{text[: match.start()]} {text[match.end() :]}"
                break
    bare = re.search(rf"\b{_BARE_HOUR}\b", text) if "clock" not in found else None
    try:
        day = _day(found["day"], now) if "day" in found else None
        part, day = _part(found["part"], day, now) if "part" in found else (None, day)
        clock = _clock(found["clock"]) if "clock" in found else _hour(bare["hour"]) if bare else None
        if clock is None:
            return part or day
        return _at(clock, part, day, now)
    except (ValueError, OverflowError):  # 25 o'clock, 31 February
        return None


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(start: datetime, days: int = 1) -> Stretch:
    return Stretch(start, start + timedelta(days=days))


def _day(match: re.Match[str], now: datetime) -> Stretch:
    told, today = match.groupdict(), _midnight(now)
    if told.get("long"):
        return _long(told["near"], told["long"], today)
    if near := told.get("near"):
        back = {"today": 0, "yesterday": 1, "tomorrow": -1}.get(near, 2)
        return _days(today - timedelta(days=back))
    if weekday := told.get("weekday"):
        back = (now.weekday() - _WEEKDAYS.index(weekday)) % 7
        return _days(today - timedelta(days=back or (7 if told["which"] == "last " else 0)))
    if iso := told.get("iso"):
        return _days(datetime.fromisoformat(iso).replace(tzinfo=now.tzinfo))
    month = 1 + next(number for number, name in enumerate(_MONTHS) if name.startswith(told["month"][:3]))
    date = today.replace(year=int(told["year"] or now.year), month=month, day=int(told["date"]))
    if not told["year"] and date > now:
        date = date.replace(year=now.year - 1)
    return _days(date)


def _long(which: str, length: str, today: datetime) -> Stretch:
    step = {"last": -1, "this": 0, "next": 1}[which]
    if length.startswith("week"):
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * step)
        return _days(monday, 7) if length == "week" else _days(monday + timedelta(days=5), 2)
    months = today.year * 12 + today.month - 1 + (step if length == "month" else 0)
    if length == "year":
        months = (today.year + step) * 12
    after = months + (1 if length == "month" else 12)
    first, last = (today.replace(year=count // 12, month=count % 12 + 1, day=1) for count in (months, after))
    return Stretch(first, last)


def _part(match: re.Match[str], day: Stretch | None, now: datetime) -> tuple[Stretch, Stretch]:
    """A part of a day, and that day."""
    told, today = match.groupdict(), _days(_midnight(now))
    near = told.get("near") or ""
    if near in ("last night", "overnight"):
        day = day or _days(today.start - timedelta(days=1))
    words = told.get("part") or near.replace("overnight", "night").replace("tonight", "night").split()[-1]
    first, last = _PARTS[words]
    if day is None:
        day = today
        if not near and today.start + timedelta(hours=first) > now:
            day = _days(today.start - timedelta(days=1))
    start = day.start
    return Stretch(start + timedelta(hours=first), start + timedelta(hours=last)), day


class _Clock(NamedTuple):
    time: time
    half: bool  # whether it is said to be before or after noon


def _clock(match: re.Match[str]) -> _Clock:
    told = match.groupdict()
    if named := told.get("named"):
        return _Clock(time(_NAMED_HOURS[named]), True)
    hour, minute = read_number(told["hour"]), int(told.get("minute") or 0)
    exact = told.get("minute") is not None
    if past := told.get("past"):
        minutes = {"half": 30, "quarter": 15, "a quarter": 15}.get(past) or read_number(past)
        hour, minute = (hour, minutes) if told["way"] == "past" else ((hour - 2) % 12 + 1, 60 - minutes)
    if half := told.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError(f"no such hour: {hour}")
        hour, exact = hour % 12 + (12 if half == "p" else 0), True
    return _Clock(time(hour, minute, int(told.get("second") or 0)), exact or hour > 12)


def _hour(words: str) -> _Clock:
    hour = read_number(words)
    return _Clock(time(hour), hour > 12)


def _at(clock: _Clock, part: Stretch | None, day: Stretch | None, now: datetime) -> Stretch:
    """That time in a part of a day, on a day, or the last one before now."""
    dates = [part.start, part.end] if part else [day.start] if day else [now, now - timedelta(days=1)]
    hours = [0] if clock.half else [0, 12]
    times = [
        _midnight(date).replace(
            hour=(clock.time.hour + half) % 24, minute=clock.time.minute, second=clock.time.second
        )
        for date in dates
        for half in hours
    ]
    if part:
        inside = [one for one in times if part.start <= one <= part.end]
        found = inside[0] if inside else times[0]
    elif day:
        awake = [one for one in times if 7 <= one.hour < 19]
        found = (awake or times)[0]
        if _midnight(now) == day.start:
            found = max((one for one in times if one <= now), default=found)
    else:
        found = max(one for one in times if one <= now)
    return Stretch(found, found)


def read_number(words: str) -> int:
    """ "twenty-five" -> 25."""
    if words.isdigit():
        return int(words)
    return sum(NUMBERS[word] for word in re.split("[ -]", words))
