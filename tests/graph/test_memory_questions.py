"""What questions are taken to mean, and the times in them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.graph.memory.spoken_time import SECOND, Period, read_period, say_when
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
        ("dog 5 minutes ago", "dog", "2026-11-23T14:55:00", None),
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
    expected = Period(moment(since) if since else None, moment(until) if until else None)
    assert read_period(text, NOW, "UTC") == (rest, expected)


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
