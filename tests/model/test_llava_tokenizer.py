"""Tokenizer folders of transformers 4 against its rules: special tokens, BOS, and how it cleans a text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import processors

from ser_ros.errors import UserError
from ser_ros.model.llava_tokenizer import LlavaTokenizer, read_tokenizer
from tests.model.toys import toy_config, toy_tokenizer

ROWS = 400


def save(folder: Path, **settings) -> Path:
    toy_tokenizer(toy_config()).tokenizer.model.save(str(folder))
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def decode(spoken: LlavaTokenizer, text: str) -> str:
    return spoken.tokenizer.decode(spoken.tokenizer.encode(text).ids, skip_special_tokens=True)


def test_a_folder_without_settings_has_those_of_opt(tmp_path):
    spoken = read_tokenizer(save(tmp_path), {}, ROWS)
    assert (spoken.bos, spoken.eos) == (2, 2)
    assert decode(spoken, "<pad>a chair</s>") == "a chair"
    # `<s>` and `<unk>` are words like others to OPT's tokenizer.
    assert decode(spoken, "<s>a chair<unk>") == "<s>a chair<unk>"


def test_only_the_tokens_named_are_special(tmp_path):
    end = {"content": "<s>", "special": True}
    folder = save(tmp_path, eos_token=end, bos_token="</s>", unk_token="<unk>", pad_token=None)
    spoken = read_tokenizer(folder, {}, ROWS)
    assert (spoken.bos, spoken.eos) == (2, 0)
    assert decode(spoken, "</s>a<unk><s><pad>") == "a<pad>"


def test_added_tokens_keep_their_ids(tmp_path):
    folder = save(tmp_path)
    (folder / "added_tokens.json").write_text('{"<b>": 384, "<a>": 383}')
    spoken = read_tokenizer(folder, {}, ROWS)
    assert [spoken.tokenizer.token_to_id(text) for text in ("<a>", "<b>")] == [383, 384]
    assert decode(spoken, "x<a>") == "x<a>"


def test_no_bos_where_the_tokenizer_adds_none(tmp_path):
    assert read_tokenizer(save(tmp_path, add_bos_token=False), {}, ROWS).bos is None


@pytest.mark.parametrize("starts", [True, False])
def test_a_tokenizer_json_tells_itself_whether_it_adds_a_bos(tmp_path, starts):
    tokenizer = toy_tokenizer(toy_config()).tokenizer
    if starts:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="</s> $A", special_tokens=[("</s>", 2)]
        )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    spoken = read_tokenizer(tmp_path, {}, ROWS)
    assert (spoken.bos, spoken.eos) == (2 if starts else None, 2)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a chair , a cat .", "a chair, a cat."),
        ("it 's a man 's ' hat ' !", "it's a man's'hat '!"),
        ("do n't they 're I 'm we 've ?", "don't they're I'm we've?"),
    ],
)
def test_blanks_before_marks_go_as_transformers_4_cleans_them(tmp_path, written, shown):
    assert decode(read_tokenizer(save(tmp_path), {}, ROWS), written) == shown
    folder = save(tmp_path, clean_up_tokenization_spaces=False)
    assert decode(read_tokenizer(folder, {}, ROWS), written) == written


def test_image_tokens_follow_the_vocabulary_in_llavas_order(tmp_path):
    config = {"mm_use_im_start_end": True}
    tokenizer = read_tokenizer(save(tmp_path), config, ROWS).tokenizer
    names = ("<im_patch>", "<im_start>", "<im_end>")
    assert [tokenizer.token_to_id(name) for name in names] == [383, 384, 385]
    # No row for a token that no text has.
    assert read_tokenizer(save(tmp_path), config, 385).tokenizer.token_to_id("<im_start>") == 383


def test_more_tokens_than_words_are_refused(tmp_path):
    with pytest.raises(UserError, match="has 383 tokens but the language model 300; they do not belong"):
        read_tokenizer(save(tmp_path), {}, 300)
    with pytest.raises(UserError, match="no token '<end>' that ends a caption"):
        read_tokenizer(save_json(tmp_path, "<end>"), {}, ROWS)


def save_json(folder: Path, end: str) -> Path:
    for name in ("vocab.json", "merges.txt"):
        (folder / name).unlink()
    toy_tokenizer(toy_config()).tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": end}))
    return folder
