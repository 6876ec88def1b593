"""The segmenter in PyTorch, as a peer: run by the peers' interpreter, which has nothing of ours but this folder.

python -m benchmarks.torch_peer HEIGHT WIDTH d c n N {float32,bfloat16} {eager,compiled}
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from benchmarks.racing import contend


class _Stage(nn.Module):
    """N residual blocks of n (convolution, batch normalisation, ReLU)."""

    def __init__(self, n: int, N: int, c: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(*(unit(c, c) for _ in range(n))) for _ in range(N))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


def unit(before: int, c: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(before, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU())


class Segmenter(nn.Module):
    """The sum-skip U-Net."""

    def __init__(self, d: int, c: int, n: int, N: int) -> None:
        super().__init__()
        self.stem = unit(1, c)
        self.down = nn.ModuleList(_Stage(n, N, c) for _ in range(d))
        self.up = nn.ModuleList(_Stage(n, N, c) for _ in range(d))
        self.logit = nn.Conv2d(c, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, skips = self.stem(x), []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        for stage, skip in zip(self.up, reversed(skips), strict=True):
            x = stage(functional.interpolate(x, scale_factor=2.0, mode="bilinear") + skip)
        return torch.sigmoid(self.logit(x).float())


def mapping(height: int, width: int, sizes: tuple[int, int, int, int], kind: str, how: str) -> Callable[[], object]:
    """Maps one picture: channels last, weights frozen, convolutions and normalisation fused where it can."""
    torch.manual_seed(0)
    net = Segmenter(*sizes).eval().to(memory_format=torch.channels_last)
    picture = torch.randn(1, 1, height, width).to(memory_format=torch.channels_last)
    if how == "compiled":
        from torch._inductor import config

        config.freezing = True
        net = torch.compile(net)  # type: ignore[assignment]

    def run() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=kind == "bfloat16"):
            return net(picture)

    return run


def main(arguments: list[str]) -> None:
    """Serves as a contestant."""
    height, width, d, c, n, N = map(int, arguments[:6])
    contend(mapping(height, width, (d, c, n, N), *arguments[6:8]), warm=3)


if __name__ == "__main__":
    main(sys.argv[1:])
