"""Words that nobody knows, read as the most similar ones of the memory."""

from __future__ import annotations

import pytest

from ser_ros.graph.memory import Memory
from tests.graph.memory_scenes import seen


@pytest.fixture(scope="module")
def kitchen() -> Memory:
    memory = Memory.open()
    memory.observe(seen("A kitchen with a red chair, a piano and a fire extinguisher near a refrigerator."))
    return memory


@pytest.mark.parametrize(
    ("question", "understood", "label"),
    [
        ("whare is the red chiar", "find red chair", "chair"),
        ("where is the fire extingisher", "find fire extinguisher", "fire extinguisher"),
        ("refridgerator", "find refrigerator", "refrigerator"),
        ("what is near the refrigeratr", "contents anything near refrigerator", "fire extinguisher"),
        ("what is in the kichen", "contents anything in the kitchen", "chair"),
    ],
)
def test_a_misspelt_question_is_answered(kitchen: Memory, question: str, understood: str, label: str) -> None:
    answer = kitchen.query(question)
    assert answer.understood == understood
    assert label in [match.label for match in answer.matches]


def test_a_word_that_exists_is_not_corrected(kitchen: Memory) -> None:
    assert kitchen.query("where is my phone").speech == "I have not seen a phone."


@pytest.mark.parametrize("question", ["где диван", "où est le canapé", "椅子在哪里"])
def test_other_languages_are_told_so(kitchen: Memory, question: str) -> None:
    assert kitchen.query(question).speech.endswith("use other English words.")
