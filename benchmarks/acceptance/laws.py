"""The law by name: six true laws found again from two starts each, and intervals that cover the truth.

    python -m benchmarks.acceptance.laws --worlds 10 --jobs 2 --output acceptance

Two tables. First, for every law that a world can follow, how far the g that `iterative` learned from each of two
wrong starts lies from the truth. Then, for worlds whose true law is a power, whether the 95 % interval of the exponent,
read off a net that saw the ends alone, covers it. The exit code is 1 where a curve is over 0.08 off or under 9 of 10
intervals cover.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import STARTS, config, learned, run_of
from benchmarks.acceptance.learning_g import LIMIT
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.tables import print_table
from copper_tf.config import ANCHORS, ITERATIVE
from copper_tf.simulation import LAWS

__all__ = ["EXPONENTS", "exponent", "main"]

# True powers, taken in turn by the worlds, and their exponents.
EXPONENTS = {"sqrt": 0.5, "square": 2.0, "linear": 1.0}
_COVERED = 0.9
_FAMILY = "power"
# The ends alone make short epochs.
_EPOCHS = 40
# No law starts from itself.
_STARTS = ("linear", "square", "sqrt")
_RANKED_LAWS = tuple(law for law in LAWS if law != "cubert")


def starts(law: str) -> tuple[str, ...]:
    """Two hypotheses that learning starts from, neither of them the law."""
    return STARTS.get(law, tuple(s for s in _STARTS if s != law)[:2])


def exponent(folder: Path, seed: int, law: str) -> Results:
    """The exponent of a power law with its interval, read off a net that saw the first and the last t alone.

    Args:
        folder: of the seed.
        seed: of the world, the weights and the crops.
        law: the true one, a name in `EXPONENTS`.
    """
    from copper_tf.analysis.hypotheses.study import study_runs
    from copper_tf.runs.records import BoundaryBias
    from copper_tf.training.boundary_bias import measure_boundary_bias

    built = worlds.dataset(folder, seed, law)
    settings = config(seed, "linear", learn=ANCHORS, epochs=_EPOCHS)
    run = run_of(folder, f"{law}-{ANCHORS}-{STARTS[worlds.TRUE_LAW][0]}", settings, built)
    if not run.has(BoundaryBias):
        measure_boundary_bias(run, built)
    study = study_runs({ANCHORS: [run.path]}, {}, None, seed)
    curve = study.fits[study.source]
    assert curve is not None, "the curve of the world can be read"
    (power,) = (fit for fit in curve.fits if fit.family == _FAMILY)
    low, high = power.intervals[0]
    return {
        "law": law,
        "exponent": power.values[0],
        "low": low,
        "high": high,
        "covered": float(low <= EXPONENTS[law] <= high),
        "best": curve.fits[0].family,
        "behind": power.behind,
    }


def _starts_table(output: Path, seeds: list[int]) -> tuple[list[list[str]], bool]:
    rows, good = [], True
    for law in _RANKED_LAWS:
        for start in starts(law):
            name = f"{law} from {start}"
            found = [kept(output, k, name, learned, learn=ITERATIVE, law=law, start=start)["sup_error"] for k in seeds]
            good &= max(found) <= LIMIT
            rows.append([name, f"{min(found):.3f} to {max(found):.3f}", "" if max(found) <= LIMIT else "SHORT"])
    return rows, good


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints both tables, returns the exit code."""
    flags = parser(__doc__, 1)
    flags.add_argument("--worlds", type=int, default=10, help="worlds of a power law whose exponent is named")
    asked = flags.parse_args(arguments)
    learning, asked.seeds = asked.seeds, asked.worlds
    covering = seeds_of(asked)
    rows, covered = [], []
    for seed in covering:
        law = list(EXPONENTS)[seed % len(EXPONENTS)]
        found = kept(asked.output, seed, f"exponent {law}", exponent, law=law)
        covered.append(found["covered"])
        shown = f"{found['exponent']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
        rows.append([str(seed), law, f"{EXPONENTS[law]:g}", shown, "yes" if found["covered"] else "NO", found["best"]])
    chosen = [k for k in covering if k < learning]
    learnt, good = _starts_table(asked.output, chosen) if chosen else ([], True)
    print_table(["learned g", "sup abs(g - f)", ""], learnt)
    print_table(["world", "true law", "exponent", "found", "covered", "best family"], rows)
    print(f"{sum(covered):.0f} of {len(covered)} intervals cover the truth")
    return 0 if good and sum(covered) >= _COVERED * len(covered) else 1


if __name__ == "__main__":
    sys.exit(main())
