"""CAPTURE (Dong et al. 2024): what a detailed caption says, matched softly with what the references say.

F1 of objects, attributes and relations, weighted 5:5:2. A fact matches exactly, then by WordNet
synonyms, and what is left matches by the cosine of its text embeddings, which then counts in part.
Averaged over references. The official parser is FACTUAL-T5 and its encoder all-mpnet-base-v2; with any
other the row is called `CAPTURE(variant)` and its note names both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.encoder_folder import load_encoder
from ser_ros.eval.metric import Metric, mean_metric
from ser_ros.graph import wordnet
from ser_ros.graph.parser import parse
from ser_ros.graph.scores import facts

WEIGHTS = {"objects": 5.0, "attributes": 5.0, "relations": 2.0}


class TextEncoder:
    """A sentence-transformers folder (BERT or MPNet), mean pooled to unit vectors, on CPU or GPU."""

    def __init__(self, folder: Path) -> None:
        self.device, self.tokenizer, self.model = load_encoder(folder, "--encoder")
        self.name = folder.name
        self._known: dict[str, np.ndarray] = {}

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 [N, D]; a text is encoded once."""
        import torch

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), 256):
            batch = new[start : start + 256]
            tokens = self.tokenizer(batch, padding=True, truncation=True, max_length=64, return_tensors="pt")
            tokens = tokens.to(self.device)
            with torch.inference_mode():
                hidden = self.model(**tokens).last_hidden_state.float()
            mask = tokens["attention_mask"][..., None]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            unit = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
            self._known.update(zip(batch, unit, strict=True))
        return np.stack([self._known[text] for text in texts])


def capture(pairs: Sequence[CaptionPair], encoder: TextEncoder | None = None) -> Metric:
    """CAPTURE(variant) over our parser; without an encoder, soft matching is left out."""
    per_image = []
    for pair in pairs:
        said = _facts(pair.candidate)
        values = [_weighted_f1(said, _facts(reference), encoder) for reference in pair.references]
        per_image.append(float(np.mean(values)))
    soft = f"encoder {encoder.name}" if encoder else "no soft matching (give --encoder)"
    return mean_metric("CAPTURE(variant)", per_image, f"parser of ser_ros, {soft}")


Facts = dict[str, frozenset[tuple[str, ...]]]


def _weighted_f1(said: Facts, reference: Facts, encoder: TextEncoder | None) -> float:
    """F1 over kinds of facts; who says nothing agrees with nothing, though a kind be absent on both sides."""
    if any(reference.values()) and not any(said.values()):
        return 0.0
    scores = {kind: soft_f1(said[kind], reference[kind], kind, encoder) for kind in WEIGHTS}
    return sum(WEIGHTS[kind] * score for kind, score in scores.items()) / sum(WEIGHTS.values())


@lru_cache(maxsize=100_000)
def _facts(caption: str) -> Facts:
    found = facts(parse(caption))
    return {"objects": found.objects, "attributes": found.attributes, "relations": found.relations}


def soft_f1(
    candidate: frozenset[tuple[str, ...]],
    reference: frozenset[tuple[str, ...]],
    kind: str,
    encoder: TextEncoder | None,
) -> float:
    """F1 in which what has no equal counts by its closest fact; two empty sides agree fully."""
    if not candidate and not reference:
        return 1.0
    if not candidate or not reference:
        return 0.0
    equal = candidate & reference
    left, open_references = sorted(candidate - equal), sorted(reference - equal)
    matched = len(equal)
    for fact in list(left):
        twin = next((other for other in open_references if _synonymous(fact, other, kind)), None)
        if twin:
            left.remove(fact)
            open_references.remove(twin)
            matched += 1
    precision, recall = float(matched), float(matched)
    if encoder and left and open_references:
        ours = encoder.embed([" ".join(fact) for fact in left])
        theirs = encoder.embed([" ".join(fact) for fact in open_references])
        cosines = np.clip(ours @ theirs.T, 0, 1)
        precision += float(cosines.max(1).sum())
        recall += float(cosines.max(0).sum())
    precision, recall = precision / len(candidate), recall / len(reference)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _synonymous(a: tuple[str, ...], b: tuple[str, ...], kind: str) -> bool:
    parts: tuple[wordnet.Part, ...] = {"objects": ("n",), "attributes": ("n", "a")}.get(kind, ("n", "v", "n"))  # type: ignore[assignment]
    return all(x == y or wordnet.are_synonyms(x, y, part) for x, y, part in zip(a, b, parts, strict=True))
