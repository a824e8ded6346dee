"""A vocabulary that writes every text and knows the captions' words whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ser_ros.data.vocabulary import train_bpe

TOKENIZER = train_bpe(["a red chair", "a red table"] * 4, 300)


def test_words_of_the_captions_are_tokens() -> None:
    assert TOKENIZER.encode(" a red chair").tokens == ["Ġa", "Ġred", "Ġchair"]
    assert TOKENIZER.token_to_id("</s>") == 2


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text, add_special_tokens=False).ids, False) == text
