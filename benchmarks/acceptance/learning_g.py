"""Learning g on the simulated world: how far the learned curve lies from the true law, whichever it started from.

    python -m benchmarks.acceptance.learning_g --seeds 1 --output acceptance

For each true law, `iterative` starts from two wrong hypotheses and `anchors` from none (A7 and A8 of the acceptance
table, whose trainings and results in the same folder are used again). Beside the learned g stands the stretched curve
of test pictures, and how far the two starts end apart. The exit code is 1 where a curve is too far from the truth.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import STARTS, TRUTHS, learned
from benchmarks.seeds import kept, parser, seeds_of
from copper_tf.cli.tables import number, print_table
from copper_tf.config import ANCHORS, ITERATIVE
from copper_tf.decay.estimation import curve_gap

__all__ = ["LIMIT", "main", "measured"]

LIMIT = 0.08


def measured(output: Path, seed: int, law: str, start: str, learn: str) -> dict[str, Any]:
    """One training and what it says of the law.

    Args:
        output: where worlds, runs and results are kept.
        seed: of the world, the weights and the crops.
        law: the true f of the world.
        start: the hypothesis that learning starts from; not used by anchors.
        learn: ``"iterative"`` or ``"anchors"``.

    Returns:
        The test scores, ``sup_error`` of the learned g (of the curve for anchors), ``g``, ``curve`` of the test
        pictures, and ``seconds`` of training.
    """
    own = f"{law} from {start}" if learn == ITERATIVE else ANCHORS if law == worlds.TRUE_LAW else f"{ANCHORS} {law}"
    return kept(output, seed, own, learned, learn=learn, law=law, start=start)


def _row(name: str, seed: int, law: str, result: dict[str, Any]) -> list[str]:
    apart = np.abs(np.array(result["curve"], float) - worlds.settings(seed, law).law_values()).max()
    values = [result["sup_error"], float(apart), *(result[k] for k in ("nmse", "auc", "spearman_t"))]
    return [name, str(seed), *map(number, values), f"{result['seconds']:.0f}"]


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints the table, returns the exit code."""
    asked = parser(__doc__, 1).parse_args(arguments)
    rows, gaps, good = [], [], True
    for seed, law in itertools.product(seeds_of(asked), TRUTHS):
        found = {s: measured(asked.output, seed, law, s, ITERATIVE) for s in STARTS[law]}
        rows += [_row(f"{law} from {s}", seed, law, r) for s, r in found.items()]
        gap = curve_gap([r["g"] for r in found.values()])
        gaps.append(f"seed {seed}, {law}: the two starts end {gap:.3f} apart")
        ends = measured(asked.output, seed, law, STARTS[law][0], ANCHORS)
        rows.append(_row(f"{law} from the ends", seed, law, ends))
        good &= all(r["sup_error"] <= LIMIT for r in (*found.values(), ends))
    header = ["learned", "seed", "sup of g", "sup of curve", "NMSE", "ROC-AUC", "Spearman", "s"]
    print_table(header, rows)
    print("\n".join(gaps))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
