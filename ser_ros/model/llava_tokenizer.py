"""The tokenizer of a LLaVA-OPT folder: GPT-2's byte-level BPE, as transformers 4 reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ser_ros.errors import UserError
from ser_ros.model.llava_folder import read_object
from ser_ros.model.tokenizer import read_tokenizer_json

# OPT's own settings, for a folder that does not tell them.
_OPT = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

# What transformers 4 makes of a decoded text unless `clean_up_tokenization_spaces` is false.
_CLEAN_UP = {
    **{f" {mark}": mark for mark in ".?!,"},
    " ' ": "'",
    **{f" {ending}": ending for ending in ("n't", "'m", "'s", "'ve", "'re")},
}


@dataclass(frozen=True)
class LlavaTokenizer:
    """A tokenizer, the id that it puts before a text (None for none), and the id that ends a caption."""

    tokenizer: Tokenizer
    bos: int | None
    eos: int


def read_tokenizer(folder: Path, config: dict[str, Any], rows: int) -> LlavaTokenizer:
    """Read vocab.json and merges.txt, which the authors' loader takes, or else tokenizer.json.

    Args:
        folder: the authors' checkpoint.
        config: its config.json, which says whether LLaVA adds image tokens.
        rows: words of the language model; LLaVA's unused patch token is added only where it has a row.

    Raises:
        UserError: a file is missing or damaged, or there are more tokens than rows.
    """
    settings: dict[str, Any] = {**_OPT, "add_bos_token": True}
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).is_file():
            settings.update(read_object(folder / name))
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        tokenizer = _bpe(folder, settings)
        starts = bool(settings["add_bos_token"])
    elif (folder / "tokenizer.json").is_file():
        tokenizer = read_tokenizer_json(folder / "tokenizer.json")
        starts = tokenizer.encode("a").ids != tokenizer.encode("a", add_special_tokens=False).ids
    else:
        raise UserError(f"{folder} has neither vocab.json with merges.txt nor tokenizer.json")
    if settings.get("clean_up_tokenization_spaces", True):
        clean = [decoders.Replace(pattern, text) for pattern, text in _CLEAN_UP.items()]
        tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), *clean])
    _add_image_tokens(tokenizer, config, rows)
    size = tokenizer.get_vocab_size()
    if size > rows:
        raise UserError(
            f"the tokenizer in {folder} has {size} tokens but the language model {rows}; "
            "they do not belong together"
        )
    bos, eos = (tokenizer.token_to_id(_text(settings[role])) for role in ("bos_token", "eos_token"))
    if eos is None:
        raise UserError(f"{folder} has no token {_text(settings['eos_token'])!r} that ends a caption")
    return LlavaTokenizer(tokenizer, bos if starts else None, eos)


def _bpe(folder: Path, settings: dict[str, Any]) -> Tokenizer:
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    try:
        tokenizer = Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
    except Exception as error:  # the library raises plain Exception
        raise UserError(f"{vocab} and {merges.name} cannot be read ({error})") from None
    space = bool(settings.get("add_prefix_space", False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=space)
    tokenizer.decoder = decoders.ByteLevel()
    for text, special in _added(folder, settings):
        token = AddedToken(text, special=special, normalized=False)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
    return tokenizer


def _added(folder: Path, settings: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Texts of added tokens in the order of their ids, and whether a decoded text leaves them out."""
    special = [_text(settings[role]) for role in _ROLES if settings.get(role)]
    special += [_text(token) for token in settings.get("additional_special_tokens") or ()]
    decoder = settings.get("added_tokens_decoder") or {}
    for _, token in sorted(decoder.items(), key=lambda item: int(item[0])):
        yield token["content"], bool(token.get("special")) or token["content"] in special
    if not decoder and (folder / "added_tokens.json").is_file():
        added = read_object(folder / "added_tokens.json")
        for text in sorted(added, key=added.__getitem__):
            yield text, text in special
    for text in special:
        yield text, True


def _text(token: str | dict[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])


def _add_image_tokens(tokenizer: Tokenizer, config: dict[str, Any], rows: int) -> None:
    """The tokens that LLaVA adds after loading, in its order."""
    around = ["<im_start>", "<im_end>"] if config.get("mm_use_im_start_end") else []
    patch = ["<im_patch>"] if config.get("mm_use_im_patch_token", True) else []
    if tokenizer.get_vocab_size() + len(patch + around) > rows:
        patch = []
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in patch + around])
