"""Which normalisation serves: chosen on simulated folders, where a sheet has one t and grey levels wander.

    python -m benchmarks.maps.normalisation --seeds 3

A normalisation that looks at the picture can erase f, or give it away. So each is trained on the binary world (does
the map still find the mask, is the curve still f?) and on the null world, where nothing may be learnt.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import trained
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.tables import print_table

__all__ = ["MODES", "main", "measured"]

# Name and settings of each; the last window sees most of a picture of 128 px.
MODES = {
    "dataset": {"normalisation": "dataset"},
    "picture": {"normalisation": "picture"},
    "local 31": {"normalisation": "local", "window": 31},
    "local 63": {"normalisation": "local", "window": 63},
    "local 127": {"normalisation": "local", "window": 127},
}


def measured(folder: Path, seed: int, mode: str) -> Results:
    """Test scores on the binary world, the error of the curve, and what is learnt from the null world."""
    binary = trained(folder, seed, **MODES[mode])
    null = trained(folder, seed, world="null", **MODES[mode])
    error = np.abs(np.array(binary["curve"]) - worlds.settings(seed).law_values()).max()
    picked = {name: binary[name] for name in ("auc", "iou", "corr_g", "nmse", "binarity")}
    return {**picked, "curve_error": float(error), "null_nmse": null["nmse"], "null_spearman": null["spearman_t"]}


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints mean and range over the seeds."""
    asked = parser(__doc__, 3).parse_args(arguments)
    seeds = seeds_of(asked)
    rows = []
    for mode in MODES:
        found = [kept(asked.output, seed, f"normalisation {mode}", measured, mode=mode) for seed in seeds]
        values = {name: [f[name] for f in found] for name in found[0]}
        rows.append([mode, *(spread(v) for v in values.values())])
    print_table(["normalisation", *values], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
