"""Real pictures, weak labels only: maps learnt from the label of each tile, scored against masks never seen.

    python -m benchmarks.maps.superalloy FOLDER --seeds 5 --jobs 2
    python -m benchmarks.maps.superalloy FOLDER --seeds 1 --recipes restarts local picture --folds 2
    python -m benchmarks.maps.superalloy FOLDER --seeds 1 --parts 9 --output superalloy9  # more sheets to learn from

FOLDER is a SEM folder with `truth/`, whose labels follow the true area. Every tile is tested once, by a net that has
not seen its sheet (folds by sheets); the score is the mean over tiles, for each seed. Beside it the grey threshold that
is told each tile's true area, which a net has to beat, and the same net told it. What limits the correlation of potency
with the true area is what whole sheets are off by: without it stands beside it.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.analysis.baselines.maps import at_area, grey_map
from copper_tf.analysis.evaluation import picture_row
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import KL, PAPER, Config, default_config
from copper_tf.data.normalisation import grey
from copper_tf.data.pictures import examples
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.run import FOLD, Run
from copper_tf.statistics.scores import iou, potency_scores
from copper_tf.training.loop import train
from tfds_copper.errors import InputError
from tfds_copper.files import replacing

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = [
    "FOLDS",
    "LOCAL",
    "MAPS",
    "MIN_SHEETS",
    "NUMBERS",
    "RECIPES",
    "USUAL",
    "WITHIN",
    "folds",
    "main",
    "measured",
    "potency_within",
    "settings_of",
    "true_table",
]

# Every fold must hold pictures of each label in two sheets that validation and test do without.
FOLDS, MIN_SHEETS = 6, 2
MAPS = "maps.npz"
NUMBERS = ("potency", "g", "t", "iou", "auc", "true_fraction", "binarity")
_SIDES = {"bright": True, "dark": False}
_GREY, _TOLD, WITHIN = "grey, told the area: iou", "net, told it: iou", "corr without sheets' bias"
_SHOWN = ("iou", _TOLD, _GREY, "auc", "corr_fraction", WITHIN, "mae_fraction", "nmse", "binarity")

USUAL = {
    "c": 16, "d": 3, "margin": 0, "crop": 128, "epochs": 24, "learning_rate": 0.003, "schedule": "cosine",
    "tta": "all", "keep": "last",
}  # fmt: skip
LOCAL = {"normalisation": "local", "window": 127, "gain": 0.5, "offset": 0.0}
_RESTARTS = {**LOCAL, "restarts": 23, "restart_epochs": 1, "epochs": 16}
# The first is the one to quote; the others show what its choices are worth.
RECIPES: dict[str, dict[str, Any]] = {
    "restarts": _RESTARTS,
    "restarts kl": {**_RESTARTS, "loss": KL},
    "restarts d=2": {**_RESTARTS, "d": 2},
    "restarts d=4": {**_RESTARTS, "d": 4},
    "local": LOCAL,
    "picture": {"normalisation": "picture", "gain": 0.5, "offset": 0.0},
    "dataset": {"normalisation": "dataset", "gain": 0.5, "offset": 0.5},
}


def true_table(folder: Path) -> dict[float, float]:
    """The true f: mean area share of the masks of each t."""
    shares: dict[float, list[float]] = {}
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            mask = np.asarray(Image.open(folder / "truth" / row["file"]))
            shares.setdefault(float(row["t"]), []).append(float((mask > 0).mean()))
    return {t: float(np.mean(values)) for t, values in sorted(shares.items())}


def settings_of(recipe: str, seed: int, g: dict[float, float]) -> Config:
    """The settings of a recipe.

    Args:
        recipe: a name in `RECIPES`.
        seed: of weights and crops.
        g: the true f of every t.
    """
    return default_config("segmenter", PAPER, **{**USUAL, **RECIPES[recipe], "hypothesis": json.dumps(g), "seed": seed})


def folds(folder: Path, output: Path, parts: int = FOLDS) -> list[Dataset]:
    """The folds by whole sheets, built where they are missing.

    Args:
        folder: the SEM folder.
        output: the built datasets go to its ``data``.
        parts: how many folds.
    """
    from tfds_copper.audit.survey import survey_folder
    from tfds_copper.copper_sem import build_survey
    from tfds_copper.dataset import is_dataset, open_dataset, open_folds
    from tfds_copper.folder.scan import scan
    from tfds_copper.micrograph import ReadSettings
    from tfds_copper.splits.assign import SplitSettings

    data = output / "data"
    if is_dataset(data):
        if len(found := open_folds(data)) != parts:
            raise SystemExit(f"{data}: must hold {parts} folds; give another --output. Received: {len(found)}")
        return found
    with progress_bar() as progress:
        survey = survey_folder(scan(folder), ReadSettings(), progress)
        settings = SplitSettings(folds=parts, min_sheets=MIN_SHEETS)
        return [open_dataset(path) for path in build_survey(survey, data, settings, progress)]


def _tested(run: Run, built: Dataset) -> Iterator[dict[str, Any]]:
    """One row for each test picture, its map with it."""
    predictor = RunPredictor(run)
    for example in examples(built, "test"):
        if example.truth is None:
            raise InputError(f"{example.file}: this benchmark needs a true mask of every picture. Received: none")
        prediction = predictor.predict(example.pixels, example.bit_depth, example.file)
        values = grey(example.pixels, example.bit_depth)
        told = {side: grey_map(values, bright) for side, bright in _SIDES.items()} | {_TOLD: prediction.map}
        truth = np.asarray(example.truth) > 0
        yield {
            **picture_row(run, "test", example, prediction),
            **{name: iou(at_area(m, truth.mean()), truth) for name, m in told.items() if m is not None},
            "mask": prediction.map,
        }


def potency_within(rows: list[dict[str, Any]]) -> Results:
    """What each sheet's potency is off by as a whole, and the correlation with the true share without it.

    Args:
        rows: of all tiles: ``sheet``, ``potency`` and ``true_fraction``.
    """
    potency, fraction = (np.array([row[name] for row in rows]) for name in ("potency", "true_fraction"))
    sheets = np.array([row["sheet"] for row in rows])
    bias = {str(sheet): float((potency - fraction)[sheets == sheet].mean()) for sheet in np.unique(sheets)}
    within = potency - np.array([bias[sheet] for sheet in sheets])
    return {WITHIN: float(np.corrcoef(within, fraction)[0, 1]), "bias": bias}


def _limits(rows: list[dict[str, Any]]) -> Results:
    """What a map that is told the area reaches."""
    told = {name: float(np.mean([row[name] for row in rows])) for name in (*_SIDES, _TOLD)}
    return {
        # The better side is chosen with the truth in hand: a peer that is given more than the net.
        _GREY: max(told[side] for side in _SIDES),
        _TOLD: told[_TOLD],
    }


def measured(folder: Path, seed: int, source: Path, recipe: str, count: int, parts: int = FOLDS) -> Results:
    """Test scores pooled over the folds; the maps are kept beside the runs.

    Args:
        folder: where the runs of this seed go.
        seed: of weights and crops.
        source: the SEM folder.
        recipe: a name in `RECIPES`.
        count: how many folds, the first ones; a comparison of recipes needs not all.
        parts: how many folds there are.
    """
    settings = settings_of(recipe, seed, true_table(source))
    rows: list[dict[str, Any]] = []
    with progress_bar() as progress:
        for built in folds(source, folder.parent, parts)[:count]:
            path = folder / recipe.replace(" ", "_") / FOLD.format(built.fold)
            rows += _tested(train(settings, built, path, resume=True, progress=progress), built)
    with replacing(folder / recipe.replace(" ", "_") / MAPS) as file:
        np.savez_compressed(file, **{row["file"]: row["mask"].astype(np.float16) for row in rows})
    columns = {name: np.array([row[name] for row in rows]) for name in NUMBERS}
    return {**potency_scores(columns), **_limits(rows), **potency_within(rows), "pictures": len(rows)}


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, fingerprints each seed and the mean."""
    flags = parser(__doc__, 5, "acceptance/superalloy")
    flags.add_argument("folder", type=Path)
    flags.add_argument("--recipes", nargs="*", default=list(RECIPES)[:1], choices=list(RECIPES))
    flags.add_argument("--parts", type=int, default=FOLDS, help="folds; another number needs an --output of its own")
    flags.add_argument("--folds", type=int, help="how many of them, the first ones; all by default")
    asked = flags.parse_args(arguments)
    # Built once, before several processes ask for them.
    folds(asked.folder, asked.output, asked.parts)
    rows, seeds, count = [], seeds_of(asked), asked.folds or asked.parts
    for recipe in asked.recipes:
        given = {"source": asked.folder, "recipe": recipe, "count": count, "parts": asked.parts}
        found = [kept(asked.output, seed, f"{recipe} {count}", measured, **given) for seed in seeds]
        rows += [[recipe, str(k), *(f"{f[name]:.3f}" for name in _SHOWN)] for k, f in enumerate(found)]
        rows.append([recipe, "mean", *(f"{np.mean([f[name] for f in found]):.3f}" for name in _SHOWN)])
    print_table(["recipe", "seed", *_SHOWN], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
