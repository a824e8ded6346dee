"""Closed lists the rules need: prepositions as FACTUAL writes them, quantities, empty heads."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "both": 2, "couple": 2, "pair": 2,
}  # fmt: skip

# "a group of people" is people; the attribute is what FACTUAL keeps of the quantity, "" nothing.
QUANTITIES = {
    "group": "group of", "groups": "group of", "bunch": "", "bunches": "", "couple": "",
    "pair": "", "pairs": "",
    "lot": "", "lots": "", "number": "", "variety": "", "row": "", "rows": "", "set": "", "pile": "",
    "stack": "stack of", "stacks": "stack of", "herd": "group of", "flock": "group of", "crowd": "group of",
    "piece": "piece", "pieces": "piece", "slice": "slice", "slices": "slice", "part": "part", "bit": "",
    "bits": "", "patch": "", "patches": "", "plenty": "", "series": "", "assortment": "",
    "kind": "", "kinds": "",
    "type": "", "types": "", "collection": "", "body": "", "section": "part", "chunk": "piece", "array": "",
    "cluster": "", "team": "group of", "range": "", "amount": "", "dozens": "", "handful": "", "line": "",
    "half": "half", "pack": "", "layer": "", "mix": "", "some": "", "one": "", "each": "",
    "most": "", "all": "",
    "several": "", "many": "", "two": "", "three": "", "four": "", "both": "",
}  # fmt: skip

# Words of a preposition without "the" -> as FACTUAL writes it (counted on random_train).
PREPOSITIONS = {
    tuple(variant.split()): text
    for text, patterns in {
        "on": "on|upon|onto|up on|on to",
        "in": "in|within|out in|down in",
        "at": "at",
        "with": "with|along with|together with",
        "without": "without",
        "of": "of",
        "by": "by",
        "near": "near|nearby|near to",
        "under": "under|below|beneath|underneath|under of",
        "behind": "behind",
        "above": "above",
        "beside": "beside|besides",
        "between": "between|in between",
        "among": "among|amongst|amid",
        "against": "against|up against",
        "along": "along",
        "alongside": "alongside|along side of|along side",
        "across": "across",
        "across from": "across from",
        "around": "around|all around",
        "inside": "inside|inside of",
        "outside": "outside|outside of",
        "over": "over|all over",
        "through": "through",
        "into": "into",
        "from": "from",
        "to": "to",
        "toward": "toward",
        "towards": "towards",
        "beyond": "beyond",
        "past": "past",
        "for": "for",
        "down": "down",
        "up": "up",
        "off": "off|off of",
        "out of": "out of|out",
        "like": "like",
        "about": "about",
        "next to": "next to|right next to|adjacent to",
        "close to": "close to",
        "away from": "away from",
        "up to": "up to",
        "on top of": "on top of|atop|at top of|on top",
        "in front of": "in front of|in front|on front of",
        "in back of": "in back of",
        "on back of": "on back of|at back of",
        "on side of": "on side of|side of|at side of|by side of|on side|on other side of",
        "on both sides of": "on both sides of",
        "on either side of": "on either side of",
        "on middle of": "in middle of|on middle of|at middle of",
        "in center of": "in center of|at center of|in centre of|at centre of",
        "on edge of": "on edge of|at edge of|near edge of|along edge of|by edge of",
        "on bottom of": "on bottom of|at bottom of",
        "in end of": "at end of|on end of",
        "in corner of": "in corner of",
        "at the left of": "to left of|left of|at left of",
        "on the right side of": "to right of|right of|on right side of|at right of|on right of",
        "on the left side of": "on left side of|on left of",
    }.items()
    for variant in patterns.split("|")
}
LONGEST_PREPOSITION = max(map(len, PREPOSITIONS))

# Heads that name no thing, whatever is said of them.
EMPTY_HEADS = word_set(
    "scene image view sense atmosphere backdrop moment ambiance ambience setting composition "
    "focus perspective "
    "angle overall feeling mood impression contrast addition touch way time variety position process nothing "
    "nobody none "
    "anything appearance style feel charm arrangement daytime nighttime activity environment "
    "presence attention "
    "aspect element sort kind type use purpose lot total fact sight glimpse depiction warmth comfort beauty "
    "interest depth balance symmetry harmony tranquility serenity calmness elegance vibe aesthetic coziness "
    "simplicity functionality possibility opportunity lifestyle experience snapshot number shot"
)
# A sentence about one of these says nothing of things: "The overall atmosphere is calm."
ABSTRACT_SUBJECTS = word_set(
    "sense atmosphere mood ambiance ambience feeling impression contrast vibe aesthetic composition "
    "combination arrangement style overall tranquility warmth focus"
)

# What a caption calls the picture itself; paintings and frames hang on walls.
PICTURES = word_set(
    "image picture photo photograph scene shot view snapshot photography close-up closeup video"
)
SHOWS = word_set(
    "show feature depict capture display portray present showcase contain include reveal illustrate be have "
    "take up of"
)
# "..., creating a sense of calm": what such verbs say from there on names no thing.
EFFECTS = word_set(
    "create add evoke convey enhance contribute suggest indicate imply highlight emphasize exude"
)

PEOPLE = {"someone": "person", "somebody": "person", "guy": "person", "guys": "people", "anyone": "person",
          "everyone": "people", "everybody": "people"}  # fmt: skip

# Nouns that describe the noun they stand before.
MATERIALS = word_set(
    "wood metal glass brick stone concrete plastic steel iron cement leather marble paper "
    "cardboard gravel dirt "
    "rock cotton wool denim straw ceramic porcelain tile granite rubber wire aluminum copper "
    "bronze brass clay chain "
    "tin silk lace fur cloth wicker bamboo oak pine mesh chrome asphalt plaid polka baby computer "
    "passenger toy "
    "plush business commercial pepperoni chocolate adult male female christmas apple cheese "
    "winter summer evening "
    "morning designer army navy lime cream rust ski flat-screen"
)
COLOURS = word_set(
    "white black red blue green yellow brown orange gray grey pink purple tan beige silver gold "
    "maroon teal turquoise "
    "violet cream"
)
SHADES = word_set("light dark bright pale deep neon lime hot navy")
# Parts whose whole may stand before them: "tree branches" are branches the tree has.
PARTS = word_set(
    "branch trunk leaf top door window wheel handle tire roof stem petal bark screen leg edge "
    "seat wall keyboard"
)

MALE = word_set("man boy guy gentleman father son brother husband")
FEMALE = word_set("woman girl lady mother daughter sister wife")
HIS = frozenset(["he", "she", "him", "her", "his", "hers"])
ITS = frozenset(["it", "its"])
POINTERS = HIS | ITS | {"they", "them", "their", "these", "those", "which"}
# Adjectives that describe, though WordNet knows "young woman" or "right hand" as one word.
NEVER_NAMES = word_set(
    "young old middle-aged little small big large tall short long right left wooden new white"
)
SIDES = frozenset(["left", "right"])
ORDINALS = word_set("first second third fourth fifth")
# Of what is one of these it is no other: the lamp that is on, the one that is off.
OPPOSITES = (word_set("open closed shut"), frozenset(["on", "off"]), SIDES, ORDINALS)
SIZES = frozenset(["small", "large", "big", "little", "tiny", "huge"])
# "One is black and the other is white": one of the things named before.
STAND_INS = frozenset(["one", "other", "another", "others", "other one", "ones"])
# What a pronoun is called when nothing before says what it stands for.
PRONOUN_NAMES = {
    "he": "man", "him": "man", "she": "woman", "her": "woman", "they": "people", "them": "people",
    "i": "person", "you": "person", "we": "people", "us": "people",
}  # fmt: skip
NOT_NAMES = STAND_INS | ITS | {"this", "that", "these", "those", "which", "who", "there", "itself", "each"}

# Of the verb's list: "used to cut", "about to hit", "trying to catch" say what follows.
SKIPPED_VERBS = word_set("try go get begin start use appear seem prepare attempt continue look")
# Verbs whose object keeps the following preposition for itself: "wearing a shirt with stripes".
TAKES_OBJECT = word_set("wear have hold carry contain show include feature of")
# "a bowl of fruit" has fruit; of other things the second has the first ("leg of the man").
CONTAINERS = word_set(
    "plate bowl cup glass box basket bottle field vase tray picture jar pot can bucket bag pan "
    "shelf dish mug "
    "painting drawing photo display statue tank pitcher rack container"
)
