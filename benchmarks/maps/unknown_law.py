"""The right map when nobody knows the law: g told, supposed to run from 1 to 0, or learned, on several surfaces.

    python -m benchmarks.maps.unknown_law --seeds 3
    python -m benchmarks.maps.unknown_law --seeds 2 --surfaces copper hard
    python -m benchmarks.maps.unknown_law --seeds 2 --surfaces tiles --tiles FOLDER   # a SEM folder with truth/
    python -m benchmarks.maps.unknown_law --seeds 1 --surfaces hard --recipes "default settings" d=2 "one try"

Copper worlds run from 1 to 0, .9 to .2, .7 to .4 and .5 to 0; the hard one has phases that are more alike and sheets
that differ as if each came from another session; domains are .6 times, once and twice as wide. Particles are round,
bright and on a flat ground, and half of the labels have none. Of the constant, null and gradual ones no map must be
believed: areas or texture don't depend on t, or there are no areas; where brightness gives t away, grey values relative
to their surroundings don't show it. All networks but those of the default settings go through 8,000 crops; whole sheets
are held out, and masks are only scored against.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data.particles import particle_folder
from benchmarks.maps.superalloy import LOCAL, USUAL, folds
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import AREAS, CORRELATION, PAPER, Config, default_config
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.errors import InputError

if TYPE_CHECKING:
    from copper_tf.analysis.evaluation_results import Evaluation
    from tfds_copper.dataset import Dataset

__all__ = [
    "BY_DEGREES",
    "CANDIDATES",
    "CROPS",
    "EXPONENTS",
    "FEWER",
    "RECIPES",
    "SPLIT",
    "SURFACES",
    "TILES",
    "main",
    "power_law",
    "world",
    "world_folder",
    "world_settings",
]

TILES, PARTICLES = "tiles", "particles"
# What particles cover at each label, and sheets and pictures a label.
_COVERED, _PARTICLE_SHEETS, _PARTICLE_PICTURES = (0.47, 0.26, 0.13, 0.05, 0.0, 0.0, 0.0, 0.0), 10, 4
_SMALL: dict[str, Any] = {"labels": 8, "pictures": 40, "sheets": 20, "height": 128, "width": 128}
SPLIT = "24/8/8"
SURFACES: dict[str, dict[str, Any]] = {
    "copper": {"law": "sqrt"},
    "copper .9 to .2": {"law": "linear", "start": 0.9, "end": 0.2},
    "copper .7 to .4": {"law": "linear", "start": 0.7, "end": 0.4},
    "copper .5 to 0": {"law": "square", "start": 0.5, "end": 0.0},
    "hard": {"law": "linear", "start": 0.7, "end": 0.4, "contrast": 0.65, "sheet_variation": 3.0},
    "copper, fine": {"law": "linear", "start": 0.8, "end": 0.1, "scale": 0.6},
    "copper, coarse": {"law": "linear", "start": 0.8, "end": 0.1, "scale": 2.0, "height": 256, "width": 256},
    PARTICLES: {},
    "constant": {"start": 0.5, "end": 0.5},
    "null": {"world": "null"},
    "gradual": {"world": "gradual"},
    "confound": {"world": "confound"},
}
# More surfaces that change by degrees: no map of them must be believed.
_LINEAR: dict[str, Any] = {"world": "gradual", "law": "linear"}
BY_DEGREES: dict[str, dict[str, Any]] = {
    "gradual .9 to .2": {**_LINEAR, "start": 0.9, "end": 0.2},
    "gradual .7 to .4": {**_LINEAR, "start": 0.7, "end": 0.4},
    "gradual, hard": {**_LINEAR, "contrast": 0.65, "sheet_variation": 3.0},
    "gradual, fine": {"world": "gradual", "scale": 0.6},
    "gradual, coarse": {"world": "gradual", "scale": 2.0, "height": 256, "width": 256},
}
# What the laws of the surfaces are as powers of t.
EXPONENTS = {"sqrt": 0.5, "linear": 1.0, "square": 2.0}
TOLD, SUPPOSED = "told", "linear from 1 to 0"
FREE, LEARNED, FEWER = "free ends", "default settings", "a third of the crops"
RECIPES = (TOLD, SUPPOSED, AREAS, FREE, LEARNED)
# The law is learned by these as well, each with one setting that isn't the default beside fewer crops.
CANDIDATES: dict[str, dict[str, Any]] = {
    "d=2": {"d": 2},
    "d=4": {"d": 4},
    "window of 31 px": {"window": 31},
    "window of 63 px": {"window": 63},
    "constants of the training set": {"normalisation": "dataset", "offset": 0.5},
    "one try": {"restarts": 0},
    FEWER: {},
}
# What networks go through that don't have the default settings.
CROPS = 8000
_SHOWN = ("iou", "auc", "binarity", "corr_fraction", "start_off", "end_off", "shape_off")


def world_settings(surface: str, seed: int) -> SimulationSettings:
    """What is simulated of a surface.

    Args:
        surface: a name in `SURFACES` or `BY_DEGREES` that is simulated copper or a control.
        seed: of the world.
    """
    return SimulationSettings(**_SMALL | (SURFACES | BY_DEGREES)[surface] | {"seed": seed})


def world_folder(folder: Path, seed: int, surface: str, tiles: Path | None = None) -> Path:
    """A surface as a SEM folder with ``truth/``, simulated where it is missing.

    Args:
        folder: where worlds are kept.
        seed: of the world.
        surface: a name in `SURFACES`, or the tiles.
        tiles: a SEM folder with ``truth/``.
    """
    if surface == TILES:
        if tiles is None:
            raise SystemExit(f"{TILES} needs --tiles, a SEM folder with truth/. Received: none")
        return tiles
    made = folder / surface.replace(" ", "_")
    if surface == PARTICLES:
        return particle_folder(made, _COVERED, _PARTICLE_SHEETS, _PARTICLE_PICTURES, seed)
    with progress_bar() as progress:
        return simulate(made, world_settings(surface, seed), progress=progress)


def world(folder: Path, seed: int, surface: str, tiles: Path | None = None) -> Dataset:
    """A surface as a dataset, simulated and built where it is missing.

    Args:
        folder: where worlds are kept.
        seed: of the world and its split; of the tiles, which fold.
        surface: a name in `SURFACES`, or the tiles.
        tiles: a SEM folder with ``truth/``.
    """
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import is_dataset, open_dataset
    from tfds_copper.splits.assign import SplitSettings

    if surface == TILES:
        found = folds(world_folder(folder, seed, surface, tiles), folder.parent / "tiles")
        return found[seed % len(found)]
    done = folder / f"{surface.replace(' ', '_')}.tfds"
    if not is_dataset(done):
        pictures = world_folder(folder, seed, surface)
        with progress_bar() as progress:
            build(pictures, done, SplitSettings(split=SPLIT, seed=seed), progress=progress)
    return open_dataset(done)


def _law(built: Dataset) -> np.ndarray:
    """The true mean area of each label, over all splits; NaN where there are no masks."""
    from copper_tf.data.pictures import examples

    areas: list[list[float]] = [[] for _ in built.times]
    for split in built.split_sizes:
        for example in examples(built, split):
            areas[example.label].append(np.nan if example.truth is None else float((example.truth > 0).mean()))
    return np.array([np.mean(shares) for shares in areas])


def _settings(recipe: str, seed: int, built: Dataset, law: np.ndarray) -> Config:
    told = {"hypothesis": json.dumps(dict(zip(map(str, built.times), law.tolist(), strict=True)))}
    if recipe == LEARNED:
        return default_config("segmenter", seed=seed)
    epochs = max(2, math.ceil(CROPS / built.split_sizes["train"]))
    if recipe in CANDIDATES:
        return default_config("segmenter", seed=seed, epochs=epochs, **CANDIDATES[recipe])
    # A correlation over a batch wants a larger one; the pictures are gone through as often.
    free = {"loss": CORRELATION, "batch_size": 16}
    changed: dict[str, dict[str, Any]] = {TOLD: told, SUPPOSED: {}, AREAS: {"learn": AREAS}, FREE: free}
    settings = {**USUAL, **LOCAL, "tta": "none", "epochs": epochs, "seed": seed, **changed[recipe]}
    return default_config("segmenter", PAPER, **settings)


def power_law(evaluation: Evaluation) -> Results:
    """The exponent that the maps of held-out pictures give, with its interval; empty where no law could be fitted.

    Args:
        evaluation: of a segmenter.
    """
    law = evaluation.law
    fit = next((fit for fit in law.fits if fit.family == "power"), None) if law else None
    if law is None or fit is None:
        return {}
    (low, high), *_ = fit.intervals
    return {"exponent": fit.values[0], "exponent_low": low, "exponent_high": high, "borders": law.borders}


def measured(folder: Path, seed: int, surface: str, recipe: str, tiles: Path | None) -> Results:
    """Test scores of one network, and how far its law is from the true one."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.analysis.trust.trust import trust
    from copper_tf.training.loop import train

    built = world(folder, seed, surface, tiles)
    law = _law(built)
    path = folder / "runs" / f"{surface}-{recipe}".replace(" ", "_")
    if recipe == TOLD and not np.var(law) > 1e-3:
        return {"refused": "there is no law to be told"}
    with progress_bar() as progress:
        try:
            run = train(_settings(recipe, seed, built, law), built, path, resume=True, progress=progress)
        except InputError as error:
            return {"refused": str(error)}
        evaluation = evaluate(run, built, progress)
        judged = trust(run, progress=progress)
    test = evaluation.splits["test"]
    g = np.array(run.hypothesis)

    def shape(values: np.ndarray) -> np.ndarray:
        return (values - values[-1]) / (values[0] - values[-1])

    return {
        **{name: test.scores.get(name, float("nan")) for name in ("iou", "auc", "corr_fraction", "nmse")},
        "binarity": test.scores["binarity"],
        "start_off": g[0] - law[0],
        "end_off": g[-1] - law[-1],
        "shape_off": float(np.abs(shape(g) - shape(law)).max()) if np.ptp(law) > 0.05 else float("nan"),
        **power_law(evaluation),
        "verdict": judged.verdict,
        "trust": {one.name: one.value for one in judged.tests},
        "law": law.tolist(),
        "g": g.tolist(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints the table."""
    flags = parser(__doc__, 3, "acceptance/unknown_law")
    flags.add_argument("--surfaces", nargs="*", default=list(SURFACES), choices=[*SURFACES, TILES])
    flags.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=[*RECIPES, *CANDIDATES])
    flags.add_argument("--tiles", type=Path, help=f"SEM folder of the surface {TILES!r}; each seed has another fold")
    asked = flags.parse_args(arguments)
    rows, seeds = [], seeds_of(asked)
    for surface in asked.surfaces:
        for recipe in asked.recipes:
            given = {"surface": surface, "recipe": recipe, "tiles": asked.tiles}
            found = [kept(asked.output, seed, f"{surface} {recipe}", measured, **given) for seed in seeds]
            trained = [one for one in found if "refused" not in one]
            columns = [spread([one[name] for one in trained]) if trained else "-" for name in _SHOWN]
            verdicts = Counter(one.get("verdict", "refused") for one in found)
            rows.append([surface, recipe, *columns, ", ".join(f"{n} {v}" for v, n in verdicts.items())])
    print_table(["surface", "g", *_SHOWN, "verdict"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
