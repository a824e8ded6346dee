"""The vocabulary of a model that is trained from scratch."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers


def train_bpe(captions: Iterable[str], size: int) -> Tokenizer:
    """Byte-level BPE of captions, `</s>` as id 2 like OPT's.

    Args:
        captions: each is learned with a space before it, as it follows a prompt.
        size: most tokens, above 260: four special ones and all bytes.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f" {caption}" for caption in captions], trainer)
    return tokenizer
