"""The forms in which people ask: what stands around the words that name things."""

from __future__ import annotations

import re

from ser_ros.graph.memory.question import Kind
from ser_ros.graph.memory.vocabulary import STATES, normal

_CHANGED = (
    "changed?|new|different|gone|missing|happened|moved?|disappear(?:ed)?|vanish(?:ed)?|appeared?|taken"
)
_STATE = "|".join(sorted(STATES, key=len, reverse=True)) + "|opened|shut|close|lit"
_SAW = r"(?:see|saw|seen|find|found|notice|noticed|spot|put|leave|left)"
FRAMES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.ROOMS, r"(?:what|which|how many|list|show|name)(?: me)?(?: are)?(?: all)?(?: the| your)? rooms?"
                     r"(?: (?:are|were|is) (?:there|here)| (?:(?:do|did|have|can) )?you (?:have )?"
                     r"(?:know|see|saw|seen|remember|visit|visited|find))?(?P<rest>)"),
        (Kind.ROOMS, r"when (?:was|were)(?P<rest> .+?) (?:last )?visited"),
        (Kind.ROOMS, r"when (?:did|have|were) (?:you|we|i) (?:last |been )*"
                     r"(?:visit(?:ed)?|go to|enter(?:ed)?|in|at)(?P<rest> .+)"),
        (Kind.ROOMS, r"(?:have|were) (?:you|we|i) (?:ever |been )*(?:in|at|to)(?P<rest> .+)"),
        (Kind.CHANGES, r"(?:what|which)(?: things?| objects?| else)?(?: is| are| has| have| was| were| did)?"
                       rf"(?: been)? (?P<change>{_CHANGED})\b(?P<rest>.*)"),
        (Kind.CHANGES, r"(?:(?:did|do|have|has|can) (?:you|i|we) (?:see|seen|notice|noticed|find|found) )?"
                       r"(?:is |are |has |have |did |was )?(?:there )?(?:anything|something)(?: been)? "
                       rf"(?P<change>{_CHANGED})\b(?P<rest>.*)"),
        (Kind.CHANGES, r"(?:has|have|did) person (?P<change>moved?|taken?|changed?)(?P<rest> .+)"),
        (Kind.CHANGES, r"when (?:was|were|did|has|have)(?P<rest> .+?)(?: been)?(?: last)? "
                       r"(?P<change>moved?|changed?|appeared?|disappear(?:ed)?|vanish(?:ed)?|taken)"),
        (Kind.CHANGES, r"(?:was|were|did|has|have)(?P<rest> .+?)(?: been| ever)* "
                       r"(?P<change>moved?|changed?)"),
        (Kind.CHANGES, r"(?:is|are)(?P<rest> .+?) (?:still )?"
                       r"(?P<change>where (?:it|they) (?:was|were)|in the same (?:place|spot))(?: as)?"),
        (Kind.STATE, r"(?P<since_when>since when|(?:for )?how long|when) (?:is|are|was|were|did|has|have)"
                     rf"(?P<rest> .+?)(?: been| last| first)* (?:turned |switched )?(?P<state>{_STATE})"),
        (Kind.COUNT, r"(?:how many|count|(?:what is )?(?:the )?number of) (?:different )?(?P<rest>.+)"),
        (Kind.COLOUR, r"(?:what|which)(?: is| was)?(?: the)? colou?rs? (?:is|are|was|were|does|do|did|of)"
                      r"(?P<rest> .+?)(?: have| had)?"),
        (Kind.CONTENTS, r"what (?:is|are|was|were|does|do|did)(?P<rest> .+?) "
                        r"(?P<bears>wear|wearing|carry|carrying|hold|holding)"),
        (Kind.CONTENTS, r"what(?: is| was| were| do| can| did)?(?: (?:you|i|we))?(?: now)? "
                        r"(?:see|remember|know|there|here|around)(?: now| here| around)?(?P<rest>)"),
        (Kind.CONTENTS, r"(?:what|who)(?: else| all| things| objects)?"
                        r"(?: is| are| was| were| stands?| lies?| sits?)?(?: left(?! of)| remaining)?"
                        r"(?: there)?(?: (?:do|did|can|could|have) (?:you|i|we) "
                        r"(?:see|seen|find|found|remember))?"
                        r"(?: that is| that are| lying| standing| sitting| located| placed| kept)?"
                        r"(?P<rest> .+)"),
        (Kind.FIND, r"when (?:is|was) the (?:last|(?P<first>first)) time (?:that )?(?:you|i|we) (?:have )?"
                    rf"{_SAW}(?P<rest> .+)"),
        (Kind.FIND, r"(?:where|when|how long ago|in (?:which|what) room)(?: is| are| was| were)?"
                    r" (?:did|have|do|could|can) (?:you|i|we) (?:last |ever |(?P<first>first) )?"
                    rf"{_SAW}(?P<rest> .+)"),
        (Kind.FIND, r"(?:where|when|(?:in )?(?:which|what) room) (?:has|have)(?P<rest> .+?) been"),
        (Kind.FIND, r"(?:where|when|(?:in )?(?:which|what) room)(?: is| are| was| were)(?P<rest> .+?)"
                    r"(?: in)?(?: (?:last )?seen| now| again| moved to)?"),
        (Kind.FIND, r"(?:which|what) rooms? (?:has|have|had|contains?)(?P<rest> .+)"),
        (Kind.FIND, r"(?:have|did|do|can|could) (?:you|i|we) (?:last |ever |already )?"
                    r"(?:see|seen|find|know|notice|remember)(?: of| where)?(?P<rest> .+?)(?: is| are)?"),
        (Kind.FIND, r"(?:is|are|was|were) there(?P<rest> .+)"),
        (Kind.STATE, r"(?:is|are|was|were)(?P<rest> .+)"),
        (Kind.FIND, r"(?:please )?(?:find|locate|show|describe|list|name|tell me about|"
                    r"look for|search for|search|go to|drive to|navigate to|"
                    r"take me to|bring me to|lead me to|guide me to|get|fetch)(?: me)?(?P<rest> .+)"),
        (Kind.FIND, r"(?P<rest>.+)"),
    )
)  # fmt: skip
# Which of the changes each of the words asks for; all where it is not here.
CHANGES = {
    "new": "new", "appear": "new", "appeared": "new", "gone": "gone", "missing": "gone", "taken": "gone",
    "disappear": "gone", "disappeared": "gone", "vanish": "gone", "vanished": "gone",
    "move": "moved", "moved": "moved",
}  # fmt: skip

# "where's", and what speech recognition makes of it.
_CONTRACTED = re.compile(r"\b(what|where|who|when)'?s\b")
_OR_NOT = re.compile(r"\b(?P<state>[\w-]+) or (?P<other>[\w-]+)$")
_GREETING = re.compile(r"(?:(?:hey|hi|hello|okay|ok|excuse me|please)(?: robot)? )+(?=\w+ \w)")
# What stands before the question itself: "could you please tell me where ...".
_PREAMBLE = re.compile(
    r"(?:(?:can|could|will|would) you )?(?:please )?"
    r"(?:(?:tell|show) me|let me know|do you (?:know|remember)|i (?:want|need|would like) to know|i wonder)"
    r"(?: please)? (?=(?:where|what|who|when|which|how|if|whether|in which|in what)\b)"
)
_WHETHER = re.compile(r"(?:if|whether) (?P<thing>.+?) (?P<verb>is|are|was|were) ")
# "Right now" is no side, "used to be" is before; a dog that was seen "before" was seen.
_SAID_OTHERWISE = (
    (re.compile(r"\bright (now|here|there)\b"), r"\1"),
    (re.compile(r"^where did (.+) use to (?:be|stand|lie|sit|hang)$"), r"where was \1 before"),
    (re.compile(r"^(where (?:is|are|was|were) .+) (?:used to be)$"), r"\1 before"),
    (re.compile(r"^((?:have|has|did) .+) (?:before|earlier|already)$"), r"\1"),
)
_FORMER = re.compile(
    r"^(?P<asked>(?:where|(?:in )?(?:which|what) room)\b.+?) (?:standing |lying )?"
    r"(?:before(?: (?:that|then|this|now|(?:it|they) (?:(?:was|were) )?(?:moved|taken)))?"
    r"|previously|earlier|formerly)$"
)
_FIRST = re.compile(
    r"^(?P<asked>(?:where|when|(?:in )?(?:which|what) room)\b.+?) "
    r"(?:at first|first(?: (?:seen|spotted|noticed))?|originally|initially|in the beginning)$"
)
# "I can't find my keys" asks for them, though it says "can't".
_LOST = re.compile(
    r"i(?:'m| am|'ve| have)? "
    r"(?:(?:can't|cannot|can not|couldn't|don't|do not) (?:find|see|know where|remember where)"
    r"|lost|misplaced|missing|looking for|searching for|need|want) "
)


def plainly(words: str) -> str:
    """The question without what people say before it: "please tell me if the door is open"."""
    words = _CONTRACTED.sub(r"\1 is", words)
    for before, instead in ((_GREETING, ""), (_PREAMBLE, ""), (_LOST, "where is ")):
        if found := before.match(words):
            words = instead + words[found.end() :]
    whether = _WHETHER.match(words)
    if whether is not None:
        words = f"{whether['verb']} {whether['thing']} {words[whether.end() :]}"
    for said, plain in _SAID_OTHERWISE:
        words = said.sub(plain, words)
    return words


def either(words: str) -> str:
    """ "is the lamp on or off", "is it open or not": the first of two values of one state asks for both."""
    found = _OR_NOT.search(words)
    if found is None:
        return words
    state, other = (STATES.get(normal(found[name])) for name in ("state", "other"))
    alike = state is not None and (state == other or found["other"] == "not")
    return words[: found.end("state")] if alike else words


def without_order(words: str) -> tuple[str, str]:
    """The question without the words that ask for an earlier or the first place: "where was it before".

    Returns:
        the words, and "former", "first" or "".
    """
    for name, pattern in (("former", _FORMER), ("first", _FIRST)):
        if found := pattern.match(words):
            return found["asked"], name
    return words, ""
