"""Choosing among starts by binarity: what it gains where maps can be believed, and that it makes none to believe.

    python -m benchmarks.maps.restarts --seeds 3

The most binary of several starts goes on. So worlds of which a binary map would be false come beside the binary one: in
the gradual world every pixel is of one phase that changes, in the null world nothing follows t. There the chosen start
has to look no more like two phases than a single one: not supported, and curves that follow the hypothesis.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from benchmarks.acceptance.experiments import APART, trained, trusted
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.tables import print_table
from copper_tf.decay.estimation import curve_gap

__all__ = ["main", "measured"]

_WORLDS = ("binary", "gradual", "null")
# All of them, whatever the first is like: the choice by binarity at its keenest.
_STARTED = {"restarts": 3, "restart_epochs": 1, "restart_binarity": 1.0}
_SHOWN = ("auc", "iou", "corr_g", "nmse", "binarity", "curve gap", "not supported")


def measured(folder: Path, seed: int, world: str, **changed: Any) -> Results:
    """Scores for the true hypothesis, the verdict on its maps, and the gap to the curve of another hypothesis.

    Args:
        folder: of this seed.
        seed: of world, weights and crops.
        world: ``"binary"`` or a control.
        **changed: settings that differ from those of the acceptance table.
    """
    both = [trained(folder, seed, g, world, estimated=True, **changed) for g in APART]
    scores = {name: both[0].get(name) for name in _SHOWN}
    gap = curve_gap([found["estimate"] for found in both])
    told = trusted(folder, seed, world=world, **changed)
    return {**scores, "curve gap": gap, "not supported": told["not_supported"]}


def _cell(values: list[float]) -> str:
    """The spread over seeds; a world without areas has no score of them."""
    return spread(values) if all(map(math.isfinite, values)) else "–"


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints mean and range over the seeds."""
    asked = parser(__doc__, 3).parse_args(arguments)
    rows = []
    for world in _WORLDS:
        for what, changed in (("0", {}), (str(_STARTED["restarts"]), _STARTED)):
            given = {"world": world, **changed}
            found = [kept(asked.output, k, f"restarts {what} {world}", measured, **given) for k in seeds_of(asked)]
            rows.append([world, what, *(_cell([f[name] for f in found]) for name in _SHOWN)])
    print_table(["world", "restarts", *_SHOWN], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
