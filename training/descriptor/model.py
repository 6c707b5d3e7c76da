"""The network: plain residual blocks, generalised-mean pooling, 256 numbers at unit length.

Pooling as in Radenovic et al., "Fine-tuning CNN image retrieval with no human annotation" (TPAMI 2019), with its power
fixed at 3. The picture is squeezed to a square, so that nothing of it is cut away.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DIMENSION = 256
WIDTHS = (48, 96, 160, 256)
DEPTHS = (1, 2, 2, 2)
POOLED = 2
"""Stages whose features are pooled: the last, and the one before it, which sees twice as finely."""
POWER = 3.0
MEAN, SPREAD = 0.45, 0.25


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride) if stride != 1 else nn.Identity(),
                nn.Conv2d(before, width, 1, bias=False),
                nn.BatchNorm2d(width),
            )

    def forward(self, picture: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(picture)))
        return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(picture))


class Descriptor(nn.Module):
    """(n, 3, side, side) levels 0..1 to (n, DIMENSION) at unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(inplace=True)
        )
        stages: list[nn.Module] = []
        before = WIDTHS[0]
        for width, depth in zip(WIDTHS, DEPTHS, strict=True):
            blocks: list[nn.Module] = []
            for number in range(depth):
                blocks.append(Block(before, width, 2 if number == 0 else 1))
                before = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = nn.Linear(sum(WIDTHS[-POOLED:]), DIMENSION, bias=False)
        nn.init.orthogonal_(self.head.weight)
        # Pooled features are all positive, so descriptors would begin in one corner and hardly find out of it.
        self.head_norm = nn.BatchNorm1d(DIMENSION, affine=False)

    def forward(self, picture: Tensor) -> Tensor:
        seen = self.stem((picture - MEAN) / SPREAD)
        pooled = []
        for stage in self.stages:
            seen = stage(seen)
            pooled.append(seen.float().clamp(min=1e-6).pow(POWER).mean(dim=(2, 3)).pow(1.0 / POWER))
        return functional.normalize(self.head_norm(self.head(torch.cat(pooled[-POOLED:], 1))), dim=1)
