"""Which settings a classifier has by default: the same networks and crops, trained in several ways on several surfaces.

    python -m benchmarks.classifier_settings --seeds 2
    python -m benchmarks.classifier_settings --just 0 --surfaces copper hard --recipes "preset paper" "cosine"
    python -m benchmarks.classifier_settings --seeds 2 --surfaces tiles --tiles FOLDER   # each seed has another fold

The surfaces are those of `benchmarks.maps.unknown_law`; whole sheets are held out. Recipes go through 8000
crops where they don't say otherwise. Scores are those of the test pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.maps.superalloy import LOCAL
from benchmarks.maps.unknown_law import CROPS, SURFACES, TILES, world
from benchmarks.seeds import Results, add_rows, kept, parser, seeds_of, spread
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import PAPER, default_config

__all__ = ["RECIPES", "main"]

_COSINE: dict[str, Any] = {"epochs": 0, "learning_rate": 0.003, "schedule": "cosine", "keep": "last"}
# What each recipe changes of the preset of the paper: a constant step, the best epoch, constants of the training set.
RECIPES: dict[str, dict[str, Any]] = {
    "preset paper": {},
    "fewer epochs": {"epochs": 0},
    "cosine": _COSINE,
    "cosine, local grey values": _COSINE | LOCAL,
    "cosine, local grey values, head coral": _COSINE | LOCAL | {"head": "coral"},
    "cosine, local grey values, head soft": _COSINE | LOCAL | {"head": "soft"},
    "cosine, local grey values, head coral, three times as long": _COSINE | LOCAL | {"head": "coral"},
}
# How many times as many crops one of the recipes with open epochs goes through.
_TIMES = {"cosine, local grey values, head coral, three times as long": 3}
_SCORES = ("qwk", "median_qwk", "mae", "median_mae", "accuracy")


def measured(folder: Path, seed: int, surface: str, recipe: str, tiles: Path | None) -> Results:
    """Test scores of one network, its epochs and their seconds."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.runs.records import TrainingRecord
    from copper_tf.training.loop import train

    built = world(folder, seed, surface, tiles)
    config = default_config("classifier", PAPER, seed=seed, **RECIPES[recipe])
    if not config.training.epochs:
        once = -(-CROPS // (built.split_sizes["train"] * config.data.crops))
        config = config.replace(epochs=max(2, _TIMES.get(recipe, 1) * once))
    path = folder / "grades" / f"{surface}-{recipe}".replace(" ", "_")
    with progress_bar() as progress:
        run = train(config, built, path, resume=True, progress=progress)
        scores = evaluate(run, built, progress).splits["test"].scores
    taken = run.read(TrainingRecord)
    return {**{name: scores[name] for name in _SCORES}, "epochs": taken.epochs, "seconds": taken.seconds}


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints the table, adds it to ``benchmarks/results/classifier_settings.json``."""
    flags = parser(__doc__ or "", 2, "acceptance/classifier_settings")
    flags.add_argument("--surfaces", nargs="*", default=list(SURFACES), choices=[*SURFACES, TILES])
    flags.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=list(RECIPES))
    flags.add_argument("--tiles", type=Path, help=f"SEM folder of the surface {TILES!r}; each seed has another fold")
    asked = flags.parse_args(arguments)
    rows, all_found, seeds = [], [], seeds_of(asked)
    for surface in asked.surfaces:
        for recipe in asked.recipes:
            given = {"surface": surface, "recipe": recipe, "tiles": asked.tiles}
            found = [kept(asked.output, seed, f"grades {surface} {recipe}", measured, **given) for seed in seeds]
            named = zip(seeds, found, strict=True)
            all_found += [{"surface": surface, "recipe": recipe, "seed": seed, **one} for seed, one in named]
            rows.append([surface, recipe, *(spread([one[name] for one in found]) for name in (*_SCORES, "seconds"))])
    if asked.just is None:
        add_rows(RESULTS / "classifier_settings.json", "networks", all_found, ("surface", "recipe", "seed"))
    print_table(["surface", "recipe", *_SCORES, "seconds"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
