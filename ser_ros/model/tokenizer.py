"""Captions and prompts to token ids and back, the same for every backend (no torch import)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from ser_ros.errors import UserError
from ser_ros.model.config import IMAGE_TOKEN, SerConfig

_SLOTS = re.compile(r"(<image>|\{initial\})")


class CaptionTokenizer:
    """A `tokenizer.json` with the prompts of a model.

    The text between two slots is tokenised by itself, as LLaVA does around `<image>`, so the ids of an
    initial caption stand unchanged in the prompt, in DeepLens and in the draft.
    """

    def __init__(self, tokenizer: Tokenizer, config: SerConfig):
        self.tokenizer = tokenizer
        self.config = config

    @classmethod
    def load(cls, folder: str | Path, config: SerConfig) -> CaptionTokenizer:
        """Read `tokenizer.json` of a checkpoint folder.

        Raises:
            UserError: no such file, not a tokenizer, or more words than the language model has.
        """
        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise UserError(f"{path} is missing; a model folder needs its tokenizer")
        loaded = cls(read_tokenizer_json(path), config)
        rows = int(config.language.sizes["vocab_size"])
        if loaded.size > rows:
            raise UserError(
                f"{path} has {loaded.size} tokens but the language model {rows}; they do not belong together"
            )
        return loaded

    @property
    def size(self) -> int:
        """Ids that have a text; the language model may have more rows."""
        return self.tokenizer.get_vocab_size()

    def save(self, folder: str | Path) -> None:
        self.tokenizer.save(str(Path(folder) / "tokenizer.json"))

    def encode(self, text: str) -> list[int]:
        """Plain ids of a text, no special tokens added."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The caption of generated ids: special tokens and outer blanks removed."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True).strip()

    def decode_part(self, ids: Sequence[int]) -> str:
        """Like `decode`, but the blanks at both ends stay: prefixes of a caption line up."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def glance_prompt(self, style: str = "default") -> list[int]:
        """Ids of the first glance's prompt with one IMAGE_TOKEN in it."""
        return self._prompt(self.config.prompt(style).glance, ())

    def refine_prompt(self, initial: Sequence[int], style: str = "default") -> list[int]:
        """Ids of the second glance's prompt; `initial` are the caption's ids without an end token.

        Raises:
            UserError: the style has no second glance.
        """
        text = self.config.prompt(style).refine
        if text is None:
            raise UserError(f"style {style!r} of the model has no second glance; set refinements to 0")
        return self._prompt(text, initial)

    def caption_ids(self, caption: str, style: str = "default") -> list[int]:
        """Ids of a caption as the model would write it, without the end token."""
        return self.encode(self.config.prompt(style).answer.format(caption=caption.strip()))

    def answer_ids(self, caption: str, style: str = "default") -> list[int]:
        """Ids to learn: the caption and, where the style has one, the end token."""
        ends = self.config.prompt(style).ends
        return [*self.caption_ids(caption, style), *([self.config.language.eos] if ends else [])]

    def _prompt(self, text: str, initial: Sequence[int]) -> list[int]:
        bos = self.config.language.bos
        ids = [] if bos is None else [bos]
        for part in _SLOTS.split(text):
            if part == "<image>":
                ids.append(IMAGE_TOKEN)
            elif part == "{initial}":
                ids.extend(initial)
            elif part:
                ids.extend(self.encode(part))
        return ids


def read_tokenizer_json(path: Path) -> Tokenizer:
    """A `tokenizer.json` without the padding and truncation that it may ask for.

    Raises:
        UserError: not a tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise UserError(f"{path} is not a tokenizer ({error}); take the model folder anew") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
