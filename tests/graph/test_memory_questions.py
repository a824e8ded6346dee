"""What questions are taken to mean, and the times in them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.graph.memory.spoken_time import SECOND, read_period, say_when
from ser_ros.graph.memory.understanding import understand
from ser_ros.graph.parser import parse


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) * SECOND


NOW = moment("2026-11-23T15:00:00")


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("red chair", "find red chair"),
        ("Where is the red chair?", "find red chair"),
        ("where's my mug", "find mug"),
        ("where did you last see the dog", "find dog"),
        ("when did you see the suitcase?", "find suitcase"),
        ("have you seen a fire extinguisher", "find fire extinguisher"),
        ("is there a plant in the office?", "find plant in the office"),
        ("take me to the kitchen table", "find kitchen table"),
        ("please find the blue ball", "find blue ball"),
        ("chairs near the window", "find chair near window"),
        ("where is the cup on the wooden table", "find cup on wooden table"),
        ("the lamp next to the bed in the bedroom", "find lamp near bed in the bedroom"),
        ("what is on the kitchen table", "contents anything on kitchen table"),
        ("what's under the bed?", "contents anything under bed"),
        ("what did you see in the living room", "contents anything in the living room"),
        ("who is in the kitchen", "find person in the kitchen"),
        ("is anyone in the office", "find person in the office"),
        ("who is there", "find person"),
        ("what do you see?", "contents anything"),
        ("list everything in the office", "contents anything in the office"),
        ("is there anything red", "find red object"),
        ("the cat that is orange", "find orange cat"),
        ("where is the nearest chair", "find chair"),
        ("what is there in the hallway", "contents anything in the hallway"),
        ("how many chairs are in the kitchen?", "count chair in the kitchen"),
        ("is the door open?", "state open door"),
        ("is the cat black", "find black cat"),
        ("is the wooden table large", "find large wooden table"),
        ("what rooms are there?", "rooms"),
        ("which rooms have you seen", "rooms"),
        ("in which room is the dog", "find dog"),
        ("which room is the dog in?", "find dog"),
        ("is the lamp on", "state on lamp"),
        ("is the lamp on or off?", "state on lamp"),
        ("is the door open or not", "state open door"),
        ("wheres the red mug", "find red mug"),
        ("whats on the table", "contents anything on table"),
        ("is the dog in the kitchen?", "find dog in the kitchen"),
        ("what changed since 10:30", "changes anything"),
        ("what is new in the kitchen", "changes new anything in the kitchen"),
        ("what's missing?", "changes gone anything"),
        ("is there no cat", "find cat"),
        ("the kitchen", "contents anything in the kitchen"),
        ("could you please tell me what is on the table?", "contents anything on table"),
        ("tell me if the door is open", "state open door"),
        ("Hey robot, where is the dog?", "find dog"),
        ("I can't find my phone", "find phone"),
        ("I'm looking for a ladder", "find ladder"),
        ("count the pallets", "count pallet"),
        ("what is the number of chairs in the office", "count chair in the office"),
        ("how long ago did you see the cat?", "find cat"),
        ("is the laptop still on the desk", "find laptop on desk"),
        ("which room has a bed", "find bed"),
        ("the blue one", "find blue object"),
        ("did you see anything new in the bedroom?", "changes new anything in the bedroom"),
        ("what has disappeared", "changes gone anything"),
        ("what is on the floor of the garage", "contents anything on floor in the garage"),
        ("what colour is the mug", "colour mug"),
        ("which color do the shoes have?", "colour shoe"),
        ("what is the man wearing", "contents anything of man"),
        ("a person with a hat", "find person in hat"),
        ("where is the pallet jack", "find pallet jack"),
        ("what did you see at 9:05", "contents anything"),
        ("where was the red chair before", "find former red chair"),
        ("where did the chair use to be", "find former chair"),
        ("in which room was the dog before that", "find former dog"),
        ("have you seen the dog before", "find dog"),
        ("where was the dog first seen", "find first dog"),
        ("when was the first time you saw the dog", "find first dog"),
        ("when was the last time you saw the dog", "find dog"),
        ("what moved recently", "changes moved anything"),
        ("which things moved today", "changes moved anything"),
        ("what new things did you see today", "changes new anything"),
        ("has the red chair been moved", "changes moved red chair"),
        ("did anyone move the red chair", "changes moved red chair"),
        ("when did the mug disappear", "changes gone mug"),
        ("is the red chair still where it was", "changes moved red chair"),
        ("since when is the door open", "state since when open door"),
        ("how long has the lamp been turned on", "state since when on lamp"),
        ("when was the door last closed", "state since when closed door"),
        ("when did you last visit the kitchen", "rooms kitchen"),
        ("have you been in the office today", "rooms office"),
        ("what was here yesterday", "contents anything"),
        ("what is left on the table", "contents anything on table"),
        ("where are the two chairs", "find all chair"),
        ("which lamps are on", "find all on lamp"),
        ("where is the left door", "find left door"),
        ("is the door on the right-hand side open", "state right open door"),
        ("what is on the second shelf", "contents anything on second shelf"),
        ("where is the dog right now", "find dog"),
        ("where is the first aid kit", "find first aid kit"),
    ],
)
def test_a_question_is_understood(text: str, understood: str) -> None:
    assert understand(text, NOW, "UTC", parse).understood == understood


@pytest.mark.parametrize(
    "text", ["", "   ", "?!", "where is the", "the", "what is", "in", "where am I", "where is it"]
)
def test_a_question_about_nothing_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UserError, match="names nothing to look for"):
        understand(text, NOW, "UTC", parse)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("what is not on the table", "'not' cannot be looked up; ask for what is there"),
        ("a person without a hat", "'without' cannot be looked up"),
        ("where is the cat and the dog", "ask for one at a time"),
        ("the red chair or the blue chair", "ask for one at a time"),
        ("where is the red chair? where is the dog?", "asks two things; ask for one at a time"),
        ("what is on the desk and who is in the office", "asks two things; ask for one at a time"),
        (
            "where was the red chair a while ago",
            "the time in 'where was the red chair a while ago' is not clear",
        ),
        ("what changed since I left", "the time in 'what changed since I left' is not clear"),
        ("where was the dog during lunch", "is not clear; say it as in 'since 10:30'"),
        ("where was the dog at lunch", "is not clear; say it as in 'since 10:30'"),
        ("where will the dog be tomorrow", "that time is still to come"),
        ("what is on the left", "I do not keep what was on the left of a picture"),
        ("a chair " * 1000, "has 8,000 characters; ask in a sentence of 300"),
    ],
)
def test_what_cannot_be_looked_up_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=re.escape(reason)):
        understand(text, NOW, "UTC", parse)


def test_a_black_and_white_cat_is_one_thing() -> None:
    assert understand("the black and white cat", NOW, "UTC", parse).thing is not None


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="since 10:30"):
        understand("what changed since 99:99", NOW, "UTC", parse)


@given(st.text(max_size=80))
def test_any_text_is_a_question_or_a_clear_error(text: str) -> None:
    with suppress(UserError):
        assert understand(text, NOW, "UTC", parse).understood


@pytest.mark.parametrize(
    ("text", "rest", "since", "until"),
    [
        ("what changed since 10:30", "what changed", "2026-11-23T10:30:00", None),
        ("what changed since 4 pm", "what changed", "2026-11-22T16:00:00", None),
        ("dog after 10:30 yesterday", "dog", "2026-11-22T10:30:00", None),
        ("dog before 12:00", "dog", None, "2026-11-23T12:00:00"),
        ("dog in the last 20 minutes", "dog", "2026-11-23T14:40:00", None),
        ("dog within the past half an hour", "dog", "2026-11-23T14:30:00", None),
        ("dog since an hour ago", "dog", "2026-11-23T14:00:00", None),
        ("dog 5 minutes ago", "dog", "2026-11-23T14:53:45", "2026-11-23T14:56:15"),
        ("dog an hour ago", "dog", "2026-11-23T13:45:00", "2026-11-23T14:15:00"),
        ("dog an hour and a half ago", "dog", "2026-11-23T13:07:30", "2026-11-23T13:52:30"),
        ("dog three quarters of an hour ago", "dog", "2026-11-23T14:03:45", "2026-11-23T14:26:15"),
        ("dog more than two and a half hours ago", "dog", None, "2026-11-23T12:30:00"),
        ("dog two days ago", "dog", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("dog at 3 pm", "dog", "2026-11-23T14:55:00", "2026-11-23T15:05:00"),
        ("dog at 3", "dog", "2026-11-23T14:55:00", "2026-11-23T15:05:00"),
        ("dog at four o'clock", "dog", "2026-11-23T03:55:00", "2026-11-23T04:05:00"),
        ("dog at half past two", "dog", "2026-11-23T14:25:00", "2026-11-23T14:35:00"),
        ("dog at a quarter to three", "dog", "2026-11-23T14:40:00", "2026-11-23T14:50:00"),
        ("dog at 4 pm yesterday", "dog", "2026-11-22T15:55:00", "2026-11-22T16:05:00"),
        ("dog yesterday at 4", "dog", "2026-11-22T15:55:00", "2026-11-22T16:05:00"),
        ("dog at 9 yesterday evening", "dog", "2026-11-22T20:55:00", "2026-11-22T21:05:00"),
        ("dog around noon", "dog", "2026-11-23T11:55:00", "2026-11-23T12:05:00"),
        ("dog since noon", "dog", "2026-11-23T12:00:00", None),
        ("dog this morning", "dog", "2026-11-23T04:00:00", "2026-11-23T12:00:00"),
        ("dog yesterday afternoon", "dog", "2026-11-22T12:00:00", "2026-11-22T18:00:00"),
        ("dog last night", "dog", "2026-11-22T20:00:00", "2026-11-23T06:00:00"),
        ("dog on saturday morning", "dog", "2026-11-21T04:00:00", "2026-11-21T12:00:00"),
        ("dog last monday", "dog", "2026-11-16T00:00:00", "2026-11-17T00:00:00"),
        ("dog since monday", "dog", "2026-11-23T00:00:00", None),
        ("dog last week", "dog", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        ("dog this week", "dog", "2026-11-23T00:00:00", None),
        ("dog last month", "dog", "2026-10-01T00:00:00", "2026-11-01T00:00:00"),
        ("dog on 20 november", "dog", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("dog on november 20th at 10:30", "dog", "2026-11-20T10:25:00", "2026-11-20T10:35:00"),
        ("dog on 24 december", "dog", "2025-12-24T00:00:00", "2025-12-25T00:00:00"),
        ("dog the day before yesterday", "dog", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("dog between 2 and 3 pm", "dog", "2026-11-23T14:00:00", "2026-11-23T15:00:00"),
        ("dog recently", "dog", "2026-11-23T14:00:00", None),
        ("dog in the last couple of hours", "dog", "2026-11-23T13:00:00", None),
        ("dog just now", "dog", "2026-11-23T14:55:00", None),
        ("sunday newspaper", "sunday newspaper", None, None),
        ("a night light", "a night light", None, None),
        ("dog on table 3", "dog on table 3", None, None),
        ("is the lamp on today", "is the lamp on", "2026-11-23T00:00:00", None),
        ("dog on 31 february", "dog on 31 february", None, None),
        ("dog yesterday", "dog", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
        ("dog today", "dog", "2026-11-23T00:00:00", None),
        ("dog since 2026-11-20", "dog", "2026-11-20T00:00:00", None),
        ("dog since 2026-11-20 10:15", "dog", "2026-11-20T10:15:00", None),
        ("dog at 10:30", "dog", "2026-11-23T10:25:00", "2026-11-23T10:35:00"),
        ("dog between 9:00 and 10:30", "dog", "2026-11-23T09:00:00", "2026-11-23T10:30:00"),
        ("dog from 11 pm to 1 am", "dog", "2026-11-22T23:00:00", "2026-11-23T01:00:00"),
        ("dog between 99:99 and 10:00", "dog between 99:99 and 10:00", None, None),
        ("dog since 99:99", "dog since 99:99", None, None),
    ],
)
def test_times_are_read(text: str, rest: str, since: str | None, until: str | None) -> None:
    left, period = read_period(text, NOW, "UTC")
    expected = (moment(since) if since else None, moment(until) if until else None)
    assert (left, (period.since_ns, period.until_ns)) == (rest, expected)


@pytest.mark.parametrize(("text", "one"), [("an hour ago", True), ("at 3 pm", True), ("yesterday", False)])
def test_a_moment_is_told_from_a_stretch_of_time(text: str, one: bool) -> None:
    assert read_period(text, NOW, "UTC")[1].moment is one


def test_a_clock_time_is_in_the_zone_of_the_robot() -> None:
    _, period = read_period("since 10:30", NOW, "Asia/Tokyo")  # now is midnight in Tokyo
    assert period.since_ns == moment("2026-11-23T01:30:00")
    with pytest.raises(UserError, match="Europe/Berlin"):
        read_period("since 10:30", NOW, "Nowhere/Atlantis")


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        ("2026-11-23T14:59:30", "a moment ago"),
        ("2026-11-23T14:58:30", "a minute ago"),
        ("2026-11-23T14:20:00", "40 minutes ago"),
        ("2026-11-23T10:30:00", "at 10:30"),
        ("2026-11-22T10:30:00", "yesterday at 10:30"),
        ("2026-11-03T10:30:00", "on 3 November at 10:30"),
    ],
)
def test_times_are_said(stamp: str, words: str) -> None:
    assert say_when(moment(stamp), NOW, "UTC") == words
