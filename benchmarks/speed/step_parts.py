"""Where the time of a training step goes, kernel by kernel, and what is left if nothing but convolutions took any.

    python -m benchmarks.speed.step_parts                           # classifier, U-Net, segmenter of --preset paper
    python -m benchmarks.speed.step_parts --just u-net --steps 15 --borders zero

Kernels run one after the other, each by all processors, so that their times add up; a step of `copper train` also runs
them side by side. Convolutions at the fastest matrix multiplication of this processor are what no step can go below.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.speed.peak import KINDS, forward_operations, matrix_peaks
from benchmarks.speed.step import BORDERS, STEPS, config_of, side_of, stepper
from copper_tf.cli.tables import print_table

__all__ = ["main"]

_STEPS = 9
# What TensorFlow puts before the name of a kernel of oneDNN.
_PREFIX = "_MklNative"
_CONVOLUTIONS = ("Conv2D", "FusedConv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
# Kernels under this share of a step are shown together.
_LEAST = 0.01


def _kernel_times(folder: Path) -> Counter[str]:
    """Seconds of each kind of kernel in a trace of TensorFlow's profiler."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    found: Counter[str] = Counter()
    for file in folder.glob("plugins/profile/*/*.xplane.pb"):
        space = xplane_pb2.XSpace()
        space.ParseFromString(file.read_bytes())
        for plane in space.planes:
            names = {key: entry.name for key, entry in plane.event_metadata.items()}
            for event in (event for line in plane.lines for event in line.events):
                # A kernel's event is "name of the operation:kind"; what executors do themselves is "Class::method".
                before, colon, kind = names[event.metadata_id].rpartition(":")
                if colon and not before.endswith(":") and kind.removeprefix("_").isalnum() and "/" in before:
                    found[kind.removeprefix(_PREFIX)] += event.duration_ps / 1e12
    return found


def _measured(name: str, borders: str, steps: int) -> Counter[str]:
    """Seconds of a step by kind of kernel."""
    import tensorflow as tf

    work = stepper(name, "copper_tf", KINDS[1], borders)
    for _ in range(3):
        work()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(steps):
            work()
        tf.profiler.experimental.stop()
        times = _kernel_times(Path(folder))
    return Counter({kind: seconds / steps for kind, seconds in times.items()})


def _shown(name: str, borders: str, steps: int, peak: float) -> None:
    config = config_of(name)
    side = side_of(config)
    each = config.training.batch_size * forward_operations(config, side, side)
    times = _measured(name, borders, steps)
    total = sum(times.values())
    shown = [(kind, seconds) for kind, seconds in times.most_common() if seconds > _LEAST * total]
    rows = [[kind, f"{1000 * seconds:.0f}", f"{seconds / total:.0%}"] for kind, seconds in shown]
    rest = total - sum(seconds for _, seconds in shown)
    rows.append(["all others", f"{1000 * rest:.0f}", f"{rest / total:.0%}"])
    print(f"\n{name}, {borders}: {1000 * total:.0f} ms, {3 * each / 1e9:.0f} GFLOP")
    print_table(["kernel", "ms", "share"], rows)
    convolving = sum(times[kind] for kind in _CONVOLUTIONS)
    print(
        f"convolutions alone: {1000 * convolving:.0f} ms, {3 * each / convolving / 1e9:.0f} GFLOP/s; "
        f"at the peak: {3000 * each / peak:.0f} ms"
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints a table for each network."""
    # One kernel after the other, before TensorFlow is imported.
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTEROP_THREADS": "1"}
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--just", choices=tuple(STEPS), help="only this network")
    flags.add_argument("--borders", choices=BORDERS, default=BORDERS[0], help="what convolutions see beyond the border")
    flags.add_argument("--steps", type=int, default=_STEPS, help="steps that are looked at")
    asked = flags.parse_args(arguments)
    peak = matrix_peaks()[KINDS[1]]
    print(f"peak of matrix multiplication in {KINDS[1]}: {peak / 1e9:.0f} GFLOP/s")
    for name in [asked.just] if asked.just else STEPS:
        _shown(name, asked.borders, asked.steps, peak)
    return 0


if __name__ == "__main__":
    sys.exit(main())
