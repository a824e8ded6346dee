"""The processes of `torchrun` that train one model together, for loops without Hugging Face's Trainer."""

from __future__ import annotations

import os

import torch
from torch import nn


class Crew:
    """The processes of `torchrun`, or one alone."""

    def __init__(self, device: str):
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.size > 1:
            torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")

    @property
    def first(self) -> bool:
        return self.rank == 0

    def average(self, clip: nn.Module, done: float) -> float:
        """Make the gradients of all processes equal; returns the mean of `done`."""
        if self.size == 1:
            return done
        weights = [p for p in clip.parameters() if p.grad is not None]
        flat = torch.cat([*(p.grad.flatten() for p in weights), weights[0].new_tensor([done])])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        offset = 0
        for weight in weights:
            weight.grad.copy_(flat[offset : offset + weight.numel()].view_as(weight))
            offset += weight.numel()
        return float(flat[-1])
