"""BERTScore (Zhang et al. 2020) with a local model folder: greedy matching of contextual token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
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
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} is no model folder (no config.json); give --bert-model a local copy")
    if not 0 <= baseline < 1:
        raise UserError(f"--bert-baseline must be in [0, 1), not {baseline}")
    try:
        import torch
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise UserError("BERTScore needs torch and transformers; pip install 'ser-ros[torch]'") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    model = model.eval().to(device)
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
            special = torch.tensor(
                [
                    tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
                    for ids in tokens["input_ids"].tolist()
                ]
            )
            keep = (tokens["attention_mask"].cpu() == 1) & (special == 0)
            for text, states, mask in zip(batch, unit.cpu(), keep, strict=True):
                vectors[text] = states[mask]

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
    """Unit vectors [T, D] of both; 0 where one has no token."""
    if not len(candidate) or not len(reference):
        return 0.0
    cosines = candidate @ reference.T
    precision, recall = float(cosines.max(1).values.mean()), float(cosines.max(0).values.mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
