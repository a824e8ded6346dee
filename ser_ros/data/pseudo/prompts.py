"""The paper's prompts for pseudo-initial captions (Figure 18) and the reading of an answer."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["short", "detailed"]

SHORT = '''\
You are a caption rewriting assistant. Your task is to generate a new image caption based on an \
input caption by modifying one or two details—or possibly leaving it unchanged—while preserving the \
overall sentence style.

The modifications should be inspired by the following categories:

- 1) Entity: includes both a whole entity, such as a "chair," and a part of an entity, like the \
"back of the chair."
- 2) Attribute: covers various aspects such as color (e.g., "red book"), type (e.g., "wicker dog"), \
material (e.g., "wooden chair"), count (e.g., "5 geese"), texture (e.g., "rough surface"), text \
rendering (e.g., letters "Macaron"), shape (e.g., "triangle block"), and size (e.g., "large fence").
- 3) Relation: involve spatial relationships (e.g., "A next to B"), action relationships (e.g., "A \
kicks B"), and global properties (e.g., "bright lighting").
- 4) Action: describes verbs or behaviors, such as "eating" or "blowing."

Imagine there are two images, A and B. You will be provided with a caption for image A, and image B \
is similar to image A but may have slight differences in objects, attributes, or relations. Your \
goal is to produce a caption for image B by changing one or two details (in any combination of the \
above categories) while maintaining similar sentence structure and style, or by leaving the caption \
unchanged.

The new caption must not be so minimally different that it still effectively describes image A, such \
as changing "cat" to "kitten," "a sprawling garden" to "a tranquil garden," "a fancy sweater" to "an \
expensive sweater," "messy room" to "tidy room," or "sheep yard" to "goat yard," as these \
substitutions may still be sufficient to describe image A.

Example1:
Input: "A view of a messy room, with shelves on the wall."
Output:
1. "A view of a messy room, with stairs on the left."
2. "A view of a messy room, with paintings on the wall."
3. "A view of a bright room, with shelves on the ceiling."

Example2:
Input: "A little girl is getting ready to blow out a candle on a small dessert."
Output:
1. "A little girl is getting ready to eat a small dessert."
2. "A little boy is getting ready to blow out a candle on a small dessert."
3. "A little girl is holding out a sparkler on a small dessert."

Example3:
Input: "A woman in a room with a cat."
Output:
1. "A woman in a room with a cat."
2. "A woman in a room with a dog."
3. "A woman in a room with two cats."

Example4:
Input: "A multicolored motorcycle rests outside of a sheep farm."
Output:
1. "A multicolored bicycle rests inside a sheep farm."
2. "A bright red motorcycle rests outside of a sheep farm."
3. "A multicolored motorcycle races around a sheep farm."

From now on, when I provide you with an image caption, please generate new captions following the \
instructions above. Do not include any additional introductory or conversational text. Present new \
captions in the following format:

1. "caption"
2. "caption"
3. "caption"'''

DETAILED = '''\
You are a caption rewriting assistant. Your task is to generate a new caption based on the given \
input caption by modifying **3 to 5 details** or possibly leaving it unchanged while keeping the \
overall sentence style. The modifications should be inspired by the following categories:

1. **Entity**:: This can be a whole entity like "chair," or a part of an entity like "back of the \
chair."
2. **Attribute**:: This includes aspects such as color (e.g., "blue book"), type (e.g., "wicker \
dog"), material (e.g., "wooden chair"), count (e.g., "3 geese"), texture (e.g., "rough surface"), \
text rendering (e.g., "letters on a sign"), shape (e.g., "round table"), and size (e.g., "large \
fence").
3. **Relation**:: This involves spatial relationships (e.g., "A next to B"), action relationships \
(e.g., "A kicks B").
4. **Action**:: Describes verbs or behaviors, such as "eating," "jumping," or "singing."

Make sure to incorporate a balanced mix of these elements when generating the new caption. Do not \
focus solely on modifying the entity.

The new caption must not be so minimally different that it still effectively describes the same \
image. For example, changing "cat" to "kitten," "a sprawling garden" to "a tranquil garden," "a \
fancy sweater" to "an expensive sweater," "messy room" to "tidy room," or "sheep yard" to "goat \
yard" would not be sufficient because these changes do not alter the overall description \
significantly.

Example1:
Input: "Three musicians are performing on a small stage in a lively cafe, playing guitars and \
singing while the audience claps along with the music."
Output:
1. "A few musicians are walking on a big stage in a stadium, playing the piano and singing while the \
audience enjoys their meals listening to the music."
2. "Two musicians are performing on a small stage outside, holding guitars and singing while the \
people clap along with the music."
3. "Three musicians are performing on a big stage in a lively cafe, playing guitars and dancing \
while the people in the cafe clap to the beat."

Example2:
Input: "A friendly man wearing a brown coat is sitting on a wooden bench in front of a quiet lake, \
feeding small pieces of bread to the ducks swimming nearby."
Output:
1. "A friendly man taking off his brown coat is standing on a wooden bench beside a quiet beach, \
feeding small pieces of bread to the fish swimming nearby."
2. "Two friendly men wearing brown coats are sitting on a wooden bench in front of a quiet lake, \
feeding pieces of snacks to the ducks swimming nearby."
3. "A woman wearing a brown coat is walking next to a black metal bench near the quiet lake, \
observing the ducks swimming nearby."

Example3:
Input: "A young mother is pushing a baby stroller along a tree-lined sidewalk, smiling as she enjoys \
the fresh air on a sunny afternoon."
Output:
1. "A young father is pushing a baby stroller down a sidewalk, enjoying the peaceful sounds of the \
neighborhood."
2. "An old mother is carrying her baby in her arms along a tree-lined sidewalk, smiling as she \
enjoys the fresh air during the sunset hour."
3. "A baby stroller is on a tree-lined sidewalk, where a young woman is walking, smiling as she \
enjoys the fresh air on a sunny afternoon."

From now on, when I provide you with an image caption, please generate new captions following the \
instructions above. Do not include any additional introductory or conversational text. Present new \
captions in the following format:

1. "caption"
2. "caption"
3. "caption"'''

PROMPTS: dict[Kind, str] = {"short": SHORT, "detailed": DETAILED}

_LINE = re.compile(r"^\s*(?:\*\*)?(\d+)\s*[.):]\s*(?:\*\*)?\s*(.+?)\s*$")
_REFUSAL = re.compile(r"\b(i'?m sorry|i can(?:'|no)t|as an ai|i am unable|i'?m unable)\b", re.IGNORECASE)
LONGEST = 2.0  # times the words of the ground truth: more is a story, not a caption
SHORTEST = 0.4


def parse_answer(text: str, caption: str, wanted: int = 3) -> list[str] | None:
    """The numbered captions of an answer, or None where it cannot be used.

    Args:
        text: what the LLM wrote; quotes, bold and text before or after the list are tolerated.
        caption: the ground truth, whose length an answer must roughly keep.
        wanted: captions there must be; more are cut off.
    """
    found: dict[int, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            words = match[2].strip().strip("*").strip().strip('"“”').strip()
            found.setdefault(int(match[1]), words)
    captions = [found.get(number, "") for number in range(1, wanted + 1)]
    length = len(caption.split())
    for words in captions:
        count = len(words.split())
        if not words or _REFUSAL.search(words) or not SHORTEST * length <= count <= LONGEST * length + 3:
            return None
    return captions
