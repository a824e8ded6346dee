"""BERTScore (Zhang et al. 2020) with a local model folder: greedy matching of contextual token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.encoder_folder import load_encoder
from ser_ros.eval.metric import Metric, mean_metric

BATCH = 64


def bert_score(pairs: Sequence[CaptionPair], folder: Path, layer: int, baseline: float = 0.0) -> Metric:
    """F1 of the best reference, averaged over images.

    Args:
        pairs: what to score.
        folder: transformers encoder folder (roberta-large, deberta-xlarge-mnli, ...).
        layer: hidden states to compare, counted from the embeddings as 0 (17 for roberta-large).
        baseline: b of the rescaling (F - b) / (1 - b); 0 leaves scores as they are. The paper does not
            say its model; its values look rescaled.

    Raises:
        UserError: no such folder or layer.
    """
    if not 0 <= baseline < 1:
        raise UserError(f"--bert-baseline must be in [0, 1), not {baseline}")
    device, tokenizer, model = load_encoder(folder, "--bert-model")
    import torch

    if None in (tokenizer.cls_token_id, tokenizer.sep_token_id):
        raise UserError(f"{folder.name} has no [CLS] and [SEP]; take an encoder such as roberta-large")
    layers = model.config.num_hidden_layers
    if not 0 <= layer <= layers:
        raise UserError(f"{folder.name} has layers 0 to {layers}; --bert-layer {layer} is none of them")

    vectors: dict[str, Any] = {}

    def encode(texts: list[str]) -> None:
        new = sorted({text for text in texts if text not in vectors}, key=len)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            tokens = tokenizer(batch, padding=True, truncation=True, max_length=512, return_tensors="pt")
            tokens = tokens.to(device)
            with torch.inference_mode():
                hidden = model(**tokens, output_hidden_states=True).hidden_states[layer].float()
            unit = torch.nn.functional.normalize(hidden, dim=-1)
            ends = torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id])
            words = ~torch.isin(tokens["input_ids"].cpu(), ends)
            present = tokens["attention_mask"].cpu() == 1
            for text, states, mask, inner in zip(batch, unit.cpu(), present, words, strict=True):
                vectors[text] = states[mask], inner[mask]

    scores = []
    for start in range(0, len(pairs), BATCH):
        part = pairs[start : start + BATCH]
        vectors.clear()
        encode([text for pair in part for text in (pair.candidate, *pair.references)])
        scores += [max(_f1(vectors[p.candidate], vectors[r]) for r in p.references) for p in part]
    rescaled = (np.asarray(scores) - baseline) / (1 - baseline)
    note = f"model {folder.name}, layer {layer}" + (f", rescaled by {baseline}" if baseline else ", raw")
    return mean_metric("BERTScore", rescaled, note)


def _f1(candidate: Any, reference: Any) -> float:
    """Of (unit vectors [T, D], which of them are words [T]); 0 where one has no word.

    As in the bert-score library, [CLS] and [SEP] have no weight of their own but a word may match them.
    """
    (ours, our_words), (theirs, their_words) = candidate, reference
    if not our_words.any() or not their_words.any():
        return 0.0
    cosines = ours @ theirs.T  # [T, T']
    precision = float(cosines.max(1).values[our_words].mean())
    recall = float(cosines.max(0).values[their_words].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
