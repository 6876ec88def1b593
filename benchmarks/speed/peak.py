"""What this processor can reach at all: its fastest matrix multiplication, against which steps and maps are held.

python -m benchmarks.speed.peak                                 # measures and prints it
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from benchmarks.speed.racing import contend, peers_python, race
from copper_tf.cli.tables import print_table
from copper_tf.config import Config
from copper_tf.models.architecture import network_of
from copper_tf.models.network import Conv1x1, Conv3x3

__all__ = ["KINDS", "forward_operations", "main", "matrix_peaks", "share"]

KINDS = ("float32", "bfloat16")
# Sides in numbers of the square matrices: caches and threads suit some more than others.
_SIDES = (1024, 2048)
_ROUNDS, _LEAST = 7, 4e10


def forward_operations(config: Config, height: int, width: int) -> float:
    """Floating-point operations of the convolutions of one picture, 2 for each multiplication; a step does thrice that.

    The gradient of a convolution by its input is as much work as the convolution, that by its kernel once more.

    Args:
        config: the run's config.
        height: of the picture in px.
        width: of it in px.
    """
    kernels = [m for m in network_of(config).layers if isinstance(m, Conv3x3 | Conv1x1)]
    taps = {Conv3x3: 9, Conv1x1: 1}
    return sum(2.0 * taps[type(m)] * m.inputs[0].channels * m.channels * (height * width / 4**m.level) for m in kernels)


def matrix_peaks(key: str = "fastest", rounds: int = _ROUNDS) -> dict[str, float]:
    """The fastest multiplication of matrices by TensorFlow or PyTorch, operations per second for each of `KINDS`.

    Args:
        key: which of the times of `race` counts.
        rounds: how often every contestant has its turn.
    """
    ours = [sys.executable, "-m", "benchmarks.speed.peak", "--contestant"]
    peer = [str(peers_python()), "-m", "benchmarks.speed.torch_peer", "matrices"]
    asked = [(kind, side) for kind in KINDS for side in _SIDES]
    found = dict.fromkeys(KINDS, 0.0)
    for kind, side in asked:
        # Few at once: many processes with their thread pools would be no quiet place.
        times = race({c[0]: [*c, kind, str(side), str(_repeats(side))] for c in (ours, peer)}, rounds)
        fastest = min(of[key] for of in times.values())
        found[kind] = max(found[kind], _repeats(side) * 2 * side**3 / fastest)
    return found


def _repeats(side: int) -> int:
    """How many multiplications are timed at once, so that starting them does not count."""
    return max(1, round(_LEAST / (2 * side**3)))


def share(operations: float, seconds: float, peaks: Mapping[str, float], who: str) -> str:
    """The share of the peak of a contestant's precision, which its name tells, in percent.

    Args:
        operations: floating-point operations of its work.
        seconds: that it takes.
        peaks: see `matrix_peaks`.
        who: its name.
    """
    kind = "bfloat16" if "bfloat16" in who else "float32"
    return f"{100 * operations / seconds / peaks[kind]:.0f} %"


def _contestant(kind: str, side: int, repeats: int) -> None:
    """Multiplies by TensorFlow."""
    import tensorflow as tf

    a, b = (tf.cast(tf.random.stateless_normal((side, side), (0, k)), kind) for k in (1, 2))
    multiply = tf.function(lambda: tf.matmul(a, b)[0, 0])
    contend(lambda: [multiply() for _ in range(repeats)][-1].numpy())


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints the peaks."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = sys.argv[1:] if arguments is None else arguments
    if asked[:1] == ["--contestant"]:
        _contestant(asked[1], int(asked[2]), int(asked[3]))
        return 0
    print_table(["matrix multiplication", "GFLOP/s"], [[k, f"{v / 1e9:.0f}"] for k, v in matrix_peaks().items()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
