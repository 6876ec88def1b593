"""How far a network may see: the default depth, chosen on the synthetic world by what maps and curves are worth.

    python -m benchmarks.maps.locality --seeds 2

Deeper networks see further. Each depth is trained for the true hypothesis and for one far from it: a local network
finds the mask and gives one curve whatever it was trained for; one that sees too far paints what it is told.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.acceptance.experiments import APART, config, trained
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.tables import print_table
from copper_tf.decay.estimation import curve_gap
from copper_tf.models.architecture import network_of

__all__ = ["DEPTHS", "main", "measured"]

# (d, N), by receptive field.
DEPTHS = ((1, 1), (1, 2), (2, 1), (3, 1), (4, 1))


def measured(folder: Path, seed: int, d: int, N: int) -> Results:
    """Scores with the true hypothesis, and the gap between the curves of the two."""
    true, far = (trained(folder, seed, hypothesis, estimated=True, d=d, N=N) for hypothesis in APART)
    picked = {name: true[name] for name in ("auc", "iou", "corr_g", "nmse", "binarity")}
    return {**picked, "nmse of the wrong g": far["nmse"], "curve gap": curve_gap([true["estimate"], far["estimate"]])}


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints mean and range over the seeds."""
    asked = parser(__doc__, 2).parse_args(arguments)
    seeds = seeds_of(asked)
    rows = []
    for d, N in DEPTHS:
        found = [kept(asked.output, seed, f"depth {d} {N}", measured, d=d, N=N) for seed in seeds]
        values = {name: [f[name] for f in found] for name in found[0]}
        shown = [spread(v) for v in values.values()]
        rows.append([str(d), str(N), str(network_of(config(0, d=d, N=N)).receptive_field), *shown])
    print_table(["d", "N", "receptive field, px", *values], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
