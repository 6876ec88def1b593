"""PyTorch in a race to a good result: the same networks on the same crops, loaded ahead by a process of its own.

python -m benchmarks.quality.torch_peer TASK KIND HOW     # KIND float32 or bfloat16, HOW eager or compiled
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from benchmarks.quality.task import Clock, Crops, Pictures, Task, normalised, read, score
from benchmarks.speed.torch_peer import DEVICE, Classifier, Segmenter, autocast


class _Batches(IterableDataset):
    """All batches of a training."""

    def __init__(self, crops: Crops) -> None:
        self.crops = crops

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for epoch in range(self.crops.task.epochs):
            for crops, labels in self.crops.epoch(epoch):
                yield torch.from_numpy(crops.transpose(0, 3, 1, 2)), torch.from_numpy(labels)


def _answers(net: torch.nn.Module, task: Task, crops: Crops, test: Pictures, kind: str) -> list[np.ndarray]:
    net.eval()
    found = []
    with torch.inference_mode(), autocast(kind):
        for array in test.arrays:
            picture = torch.from_numpy(normalised(array, crops.mean, crops.sd))[None, None]
            said = net(picture.to(DEVICE, memory_format=torch.channels_last)).float().cpu().numpy()
            found.append(said[0, 0] if task.kind == "segmenter" else said[0])
    net.train()
    return found


def main(arguments: list[str]) -> None:
    """Trains until it is good enough."""
    task, kind, how = Task.from_json(arguments[0]), arguments[1], arguments[2]
    clock = Clock(task)
    torch.manual_seed(task.seed)
    crops = Crops(read(task, "train"), task)
    with clock.stopped():
        test = read(task, "test", truth=task.kind == "segmenter")
    made = Classifier if task.kind == "classifier" else Segmenter
    net = made(task.d, task.c, task.n, task.N, "reflect").train().to(DEVICE, memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), task.learning_rate, fused=True)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, task.epochs * crops.steps)
    g, inner = torch.from_numpy(task.g).to(DEVICE), slice(task.margin, task.margin + task.crop)

    def loss_of(batch: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        said = net(batch)
        if task.kind == "classifier":
            return functional.cross_entropy(said, labels)
        return ((said[:, :, inner, inner].mean((1, 2, 3)) - g[labels]) ** 2).mean()

    forward = torch.compile(loss_of) if how == "compiled" else loss_of
    clock.say(0)
    for step, (batch, labels) in enumerate(DataLoader(_Batches(crops), batch_size=None, num_workers=1), start=1):
        adam.zero_grad(set_to_none=True)
        with autocast(kind):
            loss = forward(batch.to(DEVICE, memory_format=torch.channels_last), labels.to(DEVICE))
        loss.backward()
        adam.step()
        falling.step()
        if step % crops.steps == 0:
            with clock.stopped():
                found = score(task, test, _answers(net, task, crops, test, kind))
            if clock.say(step // crops.steps, found):
                return


if __name__ == "__main__":
    main(sys.argv[1:])
