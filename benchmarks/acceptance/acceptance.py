"""The acceptance table: what must hold on the synthetic world, and what must fail, measured against required.

    python -m benchmarks.acceptance.acceptance --seeds 5 --output acceptance
    python -m benchmarks.acceptance.acceptance --seeds 5 --loss kl   # all segmenters trained by another loss

Every experiment of every seed is kept as JSON as soon as it is done, trainings go on from their last epoch; a second
call does only what is missing. The exit code is 1 where a requirement falls short.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.acceptance.experiments import APART, EXPERIMENTS, RANKED, STARTS, TRUTHS, experiments
from benchmarks.acceptance.learning_g import LIMIT
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.tables import print_table
from copper_tf.config import LOSSES, SQUARED
from copper_tf.decay.estimation import curve_gap
from tfds_copper.files import write_json

__all__ = ["REQUIREMENTS", "Requirement", "main", "verdicts"]

# The results of one seed, by experiment.
Seed = dict[str, Results]


@dataclass(frozen=True)
class Requirement:
    """One row of the table.

    Attributes:
        number: of the experiment, e.g. ``"A3"``, or ``"control"``.
        what: what is measured.
        measure: the number, from the results of one seed.
        needs: the experiments it is made from.
        low: smallest allowed value.
        high: largest allowed value.
        share: of the seeds for which it must hold.
    """

    number: str
    what: str
    measure: Callable[[Seed], float]
    needs: tuple[str, ...]
    low: float = -np.inf
    high: float = np.inf
    share: float = 1.0

    def holds(self, value: float) -> bool:
        """Whether a measured value is allowed; an undefined one never is."""
        return self.low <= value <= self.high

    @property
    def allowed(self) -> str:
        """The requirement as text."""
        text = f">= {self.low:g}" if np.isfinite(self.low) else f"<= {self.high:g}"
        return text if self.share == 1 else f"{text}, in {self.share:.0%}"


def _of(experiment: str, key: str, number: str, what: str, **limits: float) -> Requirement:
    """A requirement on one number of one experiment."""
    return Requirement(number, what, lambda seed: seed[experiment][key], (experiment,), **limits)


def _lead(seed: Seed) -> float:
    """Validation NMSE of the best wrong hypothesis over that of the true one: over 1 the true one is first."""
    true, *wrong = (seed[name]["validation_nmse"] for name in RANKED)
    return min(wrong) / true


def _gap(names: Iterable[str]) -> Callable[[Seed], float]:
    """The gap between the curves of several runs, NaN where one of them lacks a label."""

    def measure(seed: Seed) -> float:
        curves = np.array([seed[name]["estimate"] for name in names], float)
        return curve_gap(curves.tolist()) if np.isfinite(curves).all() else np.nan

    return measure


def _last(seed: Seed) -> float:
    """NMSE of alternating over the largest of the ranked ones: over 1 it is last."""
    return seed["alternating"]["nmse"] / max(seed[name]["nmse"] for name in RANKED)


LEARNED = tuple(f"{law} from {start}" for law in TRUTHS for start in STARTS[law])
WIDE, GRADUAL = (tuple(f"{world} {name}" for name in APART) for world in ("wide", "gradual"))

REQUIREMENTS = (
    _of("world", "area_error_px", "A1", "area against f(t), px", high=0.5),
    _of("world", "mean_spearman", "A2", "abs Spearman of t with mean grey", high=0.2),
    _of("world", "texture_spearman", "A2", "abs Spearman of t with fine/coarse gradient", low=0.8),
    _of("sqrt", "auc", "A3", "ROC-AUC of the map, g = f", low=0.92),
    _of("sqrt", "corr_g", "A4", "correlation of potency with f", low=0.98),
    _of("sqrt", "spearman_t", "A4", "abs Spearman of potency with t", low=0.97),
    Requirement("A5", "NMSE of the best wrong g over the true one's", _lead, RANKED, low=2, share=0.8),
    _of("alternating", "nmse", "A6", "NMSE of the alternating g", low=0.9),
    Requirement("A6", "the same over the worst ranked one's", _last, (*RANKED, "alternating"), low=1),
    _of("permuted", "nmse", "A6", "NMSE of permuted levels", low=0.5),
    *(_of(name, "sup_error", "A7", f"learned g against f, {name}", high=LIMIT) for name in LEARNED),
    _of("anchors", "sup_error", "A8", "curve from the ends alone against f", high=LIMIT),
    _of("trust", "additivity", "A9", "joined pictures: error of the mean", high=0.02),
    _of("trust", "side_auc", "A9", "joined pictures: ROC-AUC of the side", low=0.95),
    _of("sqrt", "binarity", "A10", "binarity", low=0.6),
    Requirement("A11", "gap between the estimates of four g", _gap(RANKED), RANKED, high=0.15),
    _of("baselines", "filter_bank_qwk", "A12", "filter bank and ridge, QWK", low=0.95),
    _of("decoded", "mae", "A13", "the map decoded, MAE in steps", high=0.5),
    _of("shuffled", "validation_nmse", "control", "labels shuffled: validation NMSE", low=0.95),
    _of("null", "validation_nmse", "control", "null world: validation NMSE", low=0.95),
    _of("null", "spearman_t", "control", "null world: abs Spearman of potency with t", high=0.2),
    _of("constant", "refused", "control", "constant g: refused", low=1),
    _of("painter", "additivity", "control", "global painter: additivity error", low=0.03),
    _of("painter", "binarity", "control", "global painter: binarity", high=0.5),
    _of("painter", "not_supported", "control", "global painter: verdict not supported", low=1),
    Requirement("control", "receptive field of four chords: gap of estimates", _gap(WIDE), WIDE, low=0.25),
    Requirement("control", "gradual world: gap of estimates", _gap(GRADUAL), GRADUAL, low=0.25),
    _of("baselines", "histogram_qwk", "control", "first-order QWK on the world without short cut", high=0.4),
    _of("confound", "histogram_qwk", "control", "brightness follows t: first-order QWK", low=0.6),
)


def verdicts(seeds: list[Seed]) -> tuple[list[list[str]], bool]:
    """The rows of the table, and whether every requirement holds for as many seeds as it must.

    Args:
        seeds: the results of each seed, by experiment; rows whose experiments are missing are left out.
    """
    rows, good = [], True
    for need in REQUIREMENTS:
        if any(set(need.needs) - set(seed) for seed in seeds):
            continue
        values = [need.measure(seed) for seed in seeds]
        kept = sum(map(need.holds, values))
        enough = kept >= need.share * len(values)
        good &= enough
        measured = f"{np.min(values):.3f} to {np.max(values):.3f}"
        rows.append(
            [need.number, need.what, need.allowed, measured, f"{kept} of {len(values)}", "" if enough else "SHORT"]
        )
    return rows, good


def main(arguments: list[str] | None = None) -> int:
    """Runs what is missing, prints the table, returns the exit code."""
    flags = parser(__doc__, 5)
    flags.add_argument("--only", nargs="*", choices=list(EXPERIMENTS), help="experiments; all by default")
    flags.add_argument("--loss", choices=tuple(LOSSES), default=SQUARED, help="what all segmenters are trained by")
    asked = flags.parse_args(arguments)
    chosen, numbers = asked.only or list(EXPERIMENTS), seeds_of(asked)
    table, other = experiments(loss=asked.loss), "" if asked.loss == SQUARED else f"-{asked.loss}"
    # What trains no segmenter is the same object in every table, and is kept once.
    names = {name: name if table[name] is EXPERIMENTS[name] else name + other for name in chosen}
    seeds = [{name: kept(asked.output, seed, names[name], table[name]) for name in chosen} for seed in numbers]
    write_json(asked.output / f"acceptance{other}.json", dict(zip(numbers, seeds, strict=True)))
    rows, good = verdicts(seeds)
    print_table(["", "experiment", "required", "measured", "seeds", ""], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
