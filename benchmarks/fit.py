"""`copper fit` from a folder to the report, given nothing but a budget: is its verdict right, and its plan kept?

    python -m benchmarks.fit --seeds 3
    python -m benchmarks.fit --seeds 5 --surfaces tiles --tiles FOLDER    # a SEM folder with truth/
    python -m benchmarks.fit --seeds 1 --surfaces paper --budget 120      # 16 x 50 pictures of 960x1280 px

The surfaces are those of `benchmarks.maps.unknown_law`, and one of the paper's size. Masks are only scored against:
nothing that a fit chooses or trains reads them. Each seed is another world, split and start, of the tiles another
fold by whole sheets.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import RESULTS
from benchmarks.maps.superalloy import FOLDS, MIN_SHEETS
from benchmarks.maps.unknown_law import SPLIT, SURFACES, TILES, power_law, world_folder
from benchmarks.seeds import Results, add_rows, kept, parser, seeds_of, spread
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.errors import InputError
from tfds_copper.settings import Value

__all__ = ["PAPER_SIZE", "main", "measured"]

# What `copper simulate` makes if nothing is said: the paper's number and size of pictures.
PAPER_SIZE = "paper"
_MAP_SCORES, _GRADE_SCORES = ("iou", "auc", "binarity"), ("qwk", "median_qwk", "mae")
_SHOWN = (*_MAP_SCORES, *_GRADE_SCORES, "planned", "minutes")


def _folder(kept_in: Path, seed: int, surface: str, tiles: Path | None) -> Path:
    """The SEM folder of a surface, simulated where it is missing."""
    if surface == PAPER_SIZE:
        with progress_bar() as progress:
            return simulate(kept_in / PAPER_SIZE, SimulationSettings(seed=seed), progress=progress)
    return world_folder(kept_in, seed, surface, tiles)


def _name(surface: str, budget: float) -> str:
    """Of the files of a fit."""
    return f"{surface.replace(' ', '_')}-{budget:g}m"


def measured(folder: Path, seed: int, surface: str, tiles: Path | None, budget: float) -> Results:
    """What one fit says, how right that is, and how long it took.

    Args:
        folder: where the SEM folder and the fit are kept.
        seed: of the world, the split and the models.
        surface: a name in `SURFACES`, the tiles, or the paper's size.
        tiles: a SEM folder with ``truth/``.
        budget: minutes.
    """
    import copper_tf
    from copper_tf.analysis.evaluation_results import Evaluation
    from copper_tf.api.fit import FitPlan
    from copper_tf.runs.run import is_run, open_run

    pictures, output = _folder(folder, seed, surface, tiles), folder / "fits" / _name(surface, budget)
    split: dict[str, Value] = {"seed": seed, **({"split": SPLIT} if surface in SURFACES else {})}
    if surface == TILES:
        split = {"seed": seed // FOLDS, "folds": FOLDS, "fold": seed % FOLDS + 1, "min_sheets": MIN_SHEETS}
    plans: list[FitPlan] = []
    with progress_bar() as progress:
        try:
            fit = copper_tf.fit(
                pictures, output, budget=budget, force=True, on_plan=plans.append, progress=progress, **split
            )  # fmt: skip
        except InputError as error:
            return {"refused": str(error)}
    found: Results = {
        "verdict": fit.verdict, "reasons": fit.reasons, "planned": plans[0].minutes,
        "minutes": sum(fit.seconds.values()) / 60, "plan": plans[0].seconds, "took": fit.seconds,
    }  # fmt: skip
    for kind, names in (("segmenter", _MAP_SCORES), ("classifier", _GRADE_SCORES)):
        # Where nothing was learned there is a segmenter that no one judged.
        if not is_run(output / kind) or not (run := open_run(output / kind)).has(Evaluation):
            continue
        evaluation = run.read(Evaluation)
        scores = evaluation.splits["test"].scores
        found |= {name: scores[name] for name in names if name in scores}
        if kind == "segmenter":
            found |= power_law(evaluation)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Fits what is missing, prints the table, adds it to ``benchmarks/results/fit.json``."""
    flags = parser(__doc__ or "", 3, "acceptance/fit")
    flags.add_argument("--surfaces", nargs="*", default=list(SURFACES), choices=[*SURFACES, TILES, PAPER_SIZE])
    flags.add_argument("--tiles", type=Path, help=f"SEM folder of the surface {TILES!r}")
    flags.add_argument("--budget", type=float, default=60.0, help="minutes of each fit")
    asked = flags.parse_args(arguments)
    rows, every, seeds = [], [], seeds_of(asked)
    for surface in asked.surfaces:
        given = {"surface": surface, "tiles": asked.tiles, "budget": asked.budget}
        name = f"fit-{_name(surface, asked.budget)}"
        found = [kept(asked.output, seed, name, measured, **given) for seed in seeds]
        every += [{"surface": surface, "seed": seed, **one} for seed, one in zip(seeds, found, strict=True)]
        columns = [spread([one[name] for one in found if name in one] or [float("nan")]) for name in _SHOWN]
        rows.append([surface, *columns, ", ".join(str(one.get("verdict", "refused")) for one in found)])
    if asked.just is None:
        add_rows(RESULTS / "fit.json", "fits", every, ("surface", "seed"))
    print_table(["surface", *_SHOWN, "verdict"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
