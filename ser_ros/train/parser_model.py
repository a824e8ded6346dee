"""The reader's network in torch: embeddings, BiLSTM, word labels and biaffine arcs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ser_ros.graph.arcs import Arc
from ser_ros.graph.features import COLUMNS, UNKNOWN

HIDDEN = 192  # of each direction
LAYERS = 2
NODE = 128
ARC = 160
DROPOUT = 0.33


class ReaderModel(nn.Module):
    """Dozat & Manning's (2018) semantic dependency parser over this package's word features."""

    def __init__(self, words: int, templates: int):
        """Takes the sizes of the vocabulary (with padding and unknown) and of the template list."""
        super().__init__()
        self.embed = nn.ModuleList(
            nn.Embedding(size or words, width, padding_idx=0) for size, width in COLUMNS.values()
        )
        width = sum(width for _, width in COLUMNS.values())
        self.lstms = nn.ModuleList(
            nn.LSTM(width if layer == 0 else 2 * HIDDEN, HIDDEN, bidirectional=True, batch_first=True)
            for layer in range(LAYERS)
        )
        self.node_in = nn.Linear(2 * HIDDEN, NODE)
        self.node_out = nn.Linear(NODE, 2 + templates + 1)
        self.head = nn.Linear(2 * HIDDEN, ARC)
        self.tail = nn.Linear(2 * HIDDEN, ARC)
        self.biaffine = nn.Parameter(torch.zeros(len(Arc), ARC + 1, ARC + 1))
        nn.init.normal_(self.biaffine, std=0.02)

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of words [B, T, 2 + K + 1] and arcs [B, T, T, 7] for ids [B, T, columns]."""
        x = torch.cat([embed(ids[..., c]) for c, embed in enumerate(self.embed)], -1)
        x = self._drop(x)
        for lstm in self.lstms:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            x, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
            x = self._drop(x)
        nodes = self.node_out(self._drop(self.node_in(x).relu()))
        head, tail = (self._drop(layer(x).relu()) for layer in (self.head, self.tail))
        head, tail = (torch.cat([v, v.new_ones(*v.shape[:2], 1)], -1) for v in (head, tail))
        arcs = torch.einsum("bid,ldk,bjk->bijl", head, self.biaffine, tail)
        return nodes, arcs

    def _drop(self, x: Tensor) -> Tensor:
        """Dropout with one mask for all words of a sentence."""
        if not self.training:
            return x
        mask = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) > DROPOUT
        return x * mask / (1 - DROPOUT)

    def to_numpy(self) -> dict[str, np.ndarray]:
        """Weights in the layout of `ser_ros.graph.reader`, float16."""
        w: dict[str, Tensor] = {
            f"embed_{name}": embed.weight for name, embed in zip(COLUMNS, self.embed, strict=True)
        }
        for i, lstm in enumerate(self.lstms):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            both = [{n: getattr(lstm, f"{n}_l0{end}") for n in names}
                    for end in ("", "_reverse")]  # fmt: skip
            w[f"lstm{i}_input"] = torch.stack([d["weight_ih"].T for d in both])
            w[f"lstm{i}_recurrent"] = torch.stack([d["weight_hh"].T for d in both])
            w[f"lstm{i}_bias"] = torch.stack([d["bias_ih"] + d["bias_hh"] for d in both])
        for name in ("node_in", "node_out", "head", "tail"):
            layer = getattr(self, name)
            w[name], w[f"{name}_bias"] = layer.weight.T, layer.bias
        w["biaffine"] = self.biaffine
        return {name: value.detach().to(torch.float16).numpy() for name, value in w.items()}

    def load_numpy(self, w: Mapping[str, np.ndarray]) -> None:
        """Take over weights that `to_numpy` wrote."""
        with torch.no_grad():
            for name, embed in zip(COLUMNS, self.embed, strict=True):
                embed.weight.copy_(torch.from_numpy(w[f"embed_{name}"]))
            for i, lstm in enumerate(self.lstms):
                for d, end in enumerate(("", "_reverse")):
                    getattr(lstm, f"weight_ih_l0{end}").copy_(torch.from_numpy(w[f"lstm{i}_input"][d].T))
                    getattr(lstm, f"weight_hh_l0{end}").copy_(torch.from_numpy(w[f"lstm{i}_recurrent"][d].T))
                    getattr(lstm, f"bias_ih_l0{end}").copy_(torch.from_numpy(w[f"lstm{i}_bias"][d]))
                    getattr(lstm, f"bias_hh_l0{end}").zero_()
            for name in ("node_in", "node_out", "head", "tail"):
                getattr(self, name).weight.copy_(torch.from_numpy(w[name].T))
                getattr(self, name).bias.copy_(torch.from_numpy(w[f"{name}_bias"]))
            self.biaffine.copy_(torch.from_numpy(w["biaffine"]))


def hide_rare(ids: Tensor, rarity: Tensor) -> Tensor:
    """Words become unknown with a chance that falls with their count; their shape stays visible."""
    hidden = torch.rand(ids.shape[:2]) < rarity[ids[..., 0]]
    ids = ids.clone()
    ids[..., :2][hidden & (ids[..., 0] > 0)] = UNKNOWN
    return ids
