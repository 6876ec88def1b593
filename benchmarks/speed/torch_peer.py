"""Both networks in PyTorch, as a peer: run by the peers' interpreter, which has nothing of ours but this folder.

On an NVIDIA card where PyTorch finds one. KIND is float32, bfloat16 or float16, HOW is eager or compiled.

python -m benchmarks.speed.torch_peer map HEIGHT WIDTH d c n N KIND HOW
python -m benchmarks.speed.torch_peer step {classifier,segmenter} {reflect,zero} BATCH SIDE MARGIN d c n N KIND HOW
python -m benchmarks.speed.torch_peer matrices {float32,bfloat16} SIDE REPEATS
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from benchmarks.speed.racing import contend

# Stress times of the labels that a step learns.
LABELS = 16
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def autocast(kind: str) -> torch.autocast:
    """Convolutions in such a precision."""
    return torch.autocast(DEVICE, getattr(torch, kind), enabled=kind != "float32")


class _Stage(nn.Module):
    """N residual blocks of n (convolution, batch normalisation, ReLU)."""

    def __init__(self, n: int, N: int, c: int, borders: str) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(*(unit(c, c, borders) for _ in range(n))) for _ in range(N))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


class _Mirror(nn.Module):
    """One more pixel on each side; autocast would have it done in float32."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(DEVICE, enabled=False):
            return functional.pad(x, (1, 1, 1, 1), "reflect")


def unit(before: int, c: int, borders: str) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU; beyond the border mirrored pixels (``"reflect"``) or zeros."""
    frame = [_Mirror()] if borders == "reflect" else []
    convolution = nn.Conv2d(before, c, 3, padding=0 if frame else 1, bias=False)
    return nn.Sequential(*frame, convolution, nn.BatchNorm2d(c), nn.ReLU())


class Classifier(nn.Module):
    """The residual classifier, up to its logits."""

    def __init__(self, d: int, c: int, n: int, N: int, borders: str) -> None:
        super().__init__()
        self.stem = unit(1, c, borders)
        self.down = nn.ModuleList(_Stage(n, N, c, borders) for _ in range(d))
        self.grades = nn.Linear(c, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for stage in self.down:
            x = functional.max_pool2d(stage(x), 2)
        return self.grades(x.float().mean((2, 3))).float()


class Segmenter(nn.Module):
    """The sum-skip U-Net."""

    def __init__(self, d: int, c: int, n: int, N: int, borders: str = "zero") -> None:
        super().__init__()
        self.stem = unit(1, c, borders)
        self.down = nn.ModuleList(_Stage(n, N, c, borders) for _ in range(d))
        self.up = nn.ModuleList(_Stage(n, N, c, borders) for _ in range(d))
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
    net = Segmenter(*sizes).eval().to(DEVICE, memory_format=torch.channels_last)
    picture = torch.randn(1, 1, height, width).to(DEVICE, memory_format=torch.channels_last)
    if how == "compiled":
        from torch._inductor import config

        config.freezing = True
        net = torch.compile(net)  # type: ignore[assignment]

    def run() -> torch.Tensor:
        with torch.inference_mode(), autocast(kind):
            # The copy waits for the card.
            return net(picture).cpu()

    return run


def stepping(
    task: str, borders: str, shape: tuple[int, int, int], sizes: tuple[int, int, int, int], kind: str, how: str
) -> Callable[[], object]:
    """A whole training step on one batch: channels last, its own fused Adam.

    Args:
        task: ``"classifier"`` or ``"segmenter"``.
        borders: what convolutions see beyond the border, ``"reflect"`` or ``"zero"``.
        shape: crops, their side in px, and how much of it on each side does not count in the mean.
        sizes: d, c, n, N.
        kind: precision of the convolutions.
        how: ``"eager"`` or ``"compiled"``.
    """
    torch.manual_seed(0)
    batch, side, margin = shape
    net = (Classifier if task == "classifier" else Segmenter)(*sizes, borders).train()
    net = net.to(DEVICE, memory_format=torch.channels_last)
    crops = torch.randn(batch, 1, side, side).to(DEVICE, memory_format=torch.channels_last)
    labels = torch.arange(batch, device=DEVICE) % LABELS
    wanted = 1 - labels / (LABELS - 1)
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)

    def loss_of(crops: torch.Tensor) -> torch.Tensor:
        said = net(crops)
        if task == "classifier":
            return functional.cross_entropy(said, labels)
        inner = said[:, :, margin : side - margin, margin : side - margin]
        return ((inner.mean((1, 2, 3)) - wanted) ** 2).mean()

    forward = torch.compile(loss_of) if how == "compiled" else loss_of
    scaler = torch.amp.GradScaler(DEVICE, enabled=kind == "float16")

    def run() -> float:
        adam.zero_grad(set_to_none=True)
        with autocast(kind):
            loss = forward(crops)
        scaler.scale(loss).backward()
        scaler.step(adam)
        scaler.update()
        return loss.item()

    return run


def multiplying(kind: str, side: int, repeats: int) -> Callable[[], object]:
    """Multiplies two square matrices so many times."""
    a, b = (torch.randn(side, side).to(getattr(torch, kind)) for _ in range(2))

    def run() -> None:
        for _ in range(repeats):
            a @ b

    return run


def main(arguments: list[str]) -> None:
    """Serves as a contestant."""
    what, *rest = arguments
    if what == "matrices":
        work = multiplying(rest[0], int(rest[1]), int(rest[2]))
    elif what == "step":
        batch, side, margin, d, c, n, N = map(int, rest[2:9])
        work = stepping(rest[0], rest[1], (batch, side, margin), (d, c, n, N), rest[9], rest[10])
    else:
        height, width, d, c, n, N = map(int, rest[:6])
        work = mapping(height, width, (d, c, n, N), rest[6], rest[7])
    contend(work, warm=3)


if __name__ == "__main__":
    main(sys.argv[1:])
