"""What the acceptance table is made of: each experiment takes a seed's folder and returns numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from benchmarks.acceptance import baselines, worlds
from benchmarks.acceptance.painter import PAINTER
from benchmarks.roughness import fine_coarse
from benchmarks.seeds import Results
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.grading import grade_scores, map_grades
from copper_tf.analysis.trust.verdict import NOT_SUPPORTED
from copper_tf.cli.progress import progress_bar
from copper_tf.config import ITERATIVE, PAPER, Config, default_config
from copper_tf.decay.permutations import permuted
from copper_tf.runs.records import BoundaryBias, TrainingRecord
from tfds_copper.errors import SettingError

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = ["APART", "CALM", "EXPERIMENTS", "RANKED", "config", "decoded", "experiments", "name_of", "run_of", "trained"]

Experiment = Callable[[Path, int], Results]

# The hypotheses that are ranked; the first is true.
RANKED = (worlds.TRUE_LAW, "linear", "square", "exponential")
# The net of the table sees 22 px, half a mean chord of 40 px: with d = 2 (36 px) trained to the end it reads the whole
# mask of a wrong g out of the surroundings, and the four curves no longer agree (gap 0.24 instead of 0.12, seed 0).
NEAR = {"d": 1, "N": 2}
# d = 4 sees 168 px, over four mean chords.
WIDE = {"d": 4, "N": 1}
# For a gap between curves two hypotheses far apart are enough.
APART = (worlds.TRUE_LAW, "square")
# A painter for the true law averages areas, which adds up by itself: what it can do and a local net can't is learn
# another law. Its size is that for which it was made.
PAINTED = {"decoder": PAINTER, "hypothesis": "square", "d": 2, "N": 1}
# Each way of learning g. The last updates need a calm net: with 14 epochs of one step size one bad epoch left g 0.103
# off (seed 3). With the ends alone an epoch is an eighth as long.
LEARNING: dict[str, dict[str, Any]] = {"iterative": {"epochs": 20, "schedule": "cosine"}, "anchors": {"epochs": 40}}
# Grades by the mean of the map need it exact: after 10 epochs of one step size they were 0.62 steps off (seed 3).
CALM = {"epochs": 30, "schedule": "cosine"}
TRUTHS = (worlds.TRUE_LAW, "square")
STARTS = {worlds.TRUE_LAW: ("linear", "square"), "square": ("linear", "sqrt")}


def config(seed: int, hypothesis: str = worlds.TRUE_LAW, **changed: Any) -> Config:
    """The segmenter of the table: small enough for two cores, float32 on every machine.

    Args:
        seed: of weights and crops.
        hypothesis: g.
        **changed: settings that differ.
    """
    usual = {**NEAR, "c": 8, "margin": 12, "epochs": 10, "learning_rate": 0.003, "policy": "float32"}
    return default_config("segmenter", PAPER, **{**usual, "hypothesis": hypothesis, "seed": seed, **changed})


def name_of(seed: int, *words: str, **changed: Any) -> str:
    """The folder of a run: words, and the settings that differ from those of the table.

    Args:
        seed: of weights and crops.
        *words: empty ones are left out.
        **changed: settings, some of which may be as in the table: then the run is the table's own.
    """
    usual = config(seed).flat()
    return "-".join([*filter(None, words), *(f"{k}{v}" for k, v in changed.items() if v != usual[k])])


def world(folder: Path, seed: int) -> Results:
    """A1 and A2 on the pictures as they were written."""
    from copper_tf.data.pictures import examples

    built, f = worlds.dataset(folder, seed), worlds.settings(seed).law_values()
    rows = [
        (e.t, e.pixels.mean(), fine_coarse(e.pixels), abs(int(np.sum(e.truth)) - f[e.label] * e.pixels.size))
        for split in built.split_sizes
        for e in examples(built, split)
    ]
    t, mean, texture, area = np.array(rows).T
    return {
        "area_error_px": float(area.max()),
        "mean_spearman": abs(float(stats.spearmanr(t, mean).statistic)),
        "texture_spearman": abs(float(stats.spearmanr(t, texture).statistic)),
    }


def run_of(folder: Path, name: str, settings: Config, built: Dataset) -> Any:
    """The trained and evaluated run of that name.

    Args:
        folder: of a seed.
        name: of the run.
        settings: of its training, done first or gone on with where it is not finished.
        built: its dataset.
    """
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.training.loop import train

    with progress_bar() as progress:
        run = train(settings, built, folder / "runs" / name, resume=True, progress=progress)
        if not run.has(Evaluation):
            evaluate(run, built, progress)
    return run


def _scores(run: Any) -> Results:
    """Test scores, the validation NMSE, and the curve of a run."""
    splits = run.read(Evaluation).splits
    test = splits["test"]
    correlation = test.scores["spearman_t"]
    return {
        **test.scores,
        "spearman_t": abs(correlation) if math.isfinite(correlation) else 0.0,
        "validation_nmse": splits["validation"].scores["nmse"],
        "binarity": test.scores["binarity"],
        "curve": test.reanchored_curve,
    }


def trained(
    folder: Path, seed: int, hypothesis: str = worlds.TRUE_LAW, world: str = "binary", shuffled: bool = False,
    estimated: bool = False, **changed: Any,
) -> Results:  # fmt: skip
    """A segmenter's scores for one hypothesis on one world, and, where asked for, its estimate of the ageing curve."""
    built = worlds.dataset(folder, seed, world=world, shuffled=shuffled)
    name = name_of(seed, world, "shuffled" * shuffled, hypothesis, **changed)
    run = run_of(folder, name, config(seed, hypothesis, **changed), built)
    return _scores(run) | ({"estimate": estimate(run, built)} if estimated else {})


def decoded(folder: Path, seed: int, **changed: Any) -> Results:
    """Test scores of the map as a grader: its mean decoded through the validation means of the labels."""
    name = name_of(seed, "binary", worlds.TRUE_LAW, **changed)
    run = run_of(folder, name, config(seed, **changed), worlds.dataset(folder, seed))
    pictures = run.read(Evaluation).pictures.arrays()
    pictures["grade"] = map_grades(pictures, worlds.LABELS)
    test = {name: column[pictures["split"] == "test"] for name, column in pictures.items()}
    return grade_scores(test, worlds.LABELS).scores


def shuffled_levels(folder: Path, seed: int, **changed: Any) -> Results:
    """A hypothesis whose levels are in random order."""
    built = worlds.dataset(folder, seed)
    (table,) = permuted(worlds.TRUE_LAW, built.times, 1, seed)
    return _scores(run_of(folder, name_of(seed, "permuted", **changed), config(seed, table, **changed), built))


def estimate(run: Any, built: Dataset) -> list[float]:
    """The ageing curve that the label means of a run give, without what borders likely add."""
    from copper_tf.analysis.hypotheses.curves import ageing_curve
    from copper_tf.analysis.hypotheses.groups import read_groups
    from copper_tf.training.boundary_bias import measure_boundary_bias

    if not run.has(BoundaryBias):
        measure_boundary_bias(run, built)
    groups, pictures, _ = read_groups({run.path.name: [run.path]})
    return list(ageing_curve(groups[0], pictures, len(built.times)).estimate)


def learned(
    folder: Path, seed: int, learn: str, law: str = worlds.TRUE_LAW, start: str = "linear", **changed: Any
) -> Results:
    """How far a learned g, or the curve estimated by a net that saw the ends alone, lies from the true f."""
    built, f = worlds.dataset(folder, seed, law), worlds.settings(seed, law).law_values()
    chosen = {"learn": learn, **LEARNING[learn]} | ({"hypothesis": start} if learn == "iterative" else {})
    settings = config(seed, **{"hypothesis": "linear", **chosen, **changed})
    run = run_of(folder, name_of(seed, law, learn, start, **changed), settings, built)
    scores = _scores(run)
    found = run.hypothesis if learn == ITERATIVE else estimate(run, built)
    seconds = run.read(TrainingRecord).seconds
    return {**scores, "g": run.hypothesis, "seconds": seconds, "sup_error": float(np.abs(np.array(found) - f).max())}


def trusted(
    folder: Path, seed: int, hypothesis: str = worlds.TRUE_LAW, world: str = "binary", **changed: Any
) -> Results:
    """What the trust tests measure of a segmenter, or of the global painter that they must not pass."""
    from copper_tf.analysis.trust.trust import trust

    built = worlds.dataset(folder, seed, world=world)
    name = name_of(seed, world, hypothesis, **changed)
    run = run_of(folder, name, config(seed, hypothesis, **changed), built)
    with progress_bar() as progress:
        result = trust(run, progress=progress)
    return {**result.values, "not_supported": float(result.verdict == NOT_SUPPORTED)}


def constant(folder: Path, seed: int) -> Results:
    """Whether a constant g is refused before anything is trained."""
    from copper_tf.training.loop import train

    table = json.dumps(dict.fromkeys(range(worlds.LABELS), 0.5))
    try:
        train(config(seed, table), worlds.dataset(folder, seed), folder / "runs" / "constant")
    except SettingError:
        return {"refused": 1.0}
    return {"refused": 0.0}


# Those that train no segmenter.
_WITHOUT: dict[str, Experiment] = {
    "world": world,
    "constant": constant,
    **{name: partial(baselines.measured, world=world) for world, name in baselines.WORLDS.items()},
}


def experiments(**changed: Any) -> dict[str, Experiment]:
    """Every experiment of the table, by name.

    Args:
        **changed: settings of all its segmenters that differ.
    """
    train, ask, learn = (partial(what, **changed) for what in (trained, trusted, learned))
    return {
        **_WITHOUT,
        **{name: partial(train, hypothesis=name, estimated=True) for name in RANKED},
        "alternating": partial(train, hypothesis="alternating"),
        "permuted": partial(shuffled_levels, **changed),
        "decoded": partial(decoded, **CALM, **changed),
        "trust": ask,
        "painter": partial(ask, **PAINTED),
        "shuffled": partial(train, shuffled=True),
        "null": partial(train, world="null"),
        **{f"wide {name}": partial(train, hypothesis=name, estimated=True, **WIDE) for name in APART},
        **{f"gradual {name}": partial(train, hypothesis=name, world="gradual", estimated=True) for name in APART},
        **{
            f"{law} from {start}": partial(learn, learn="iterative", law=law, start=start)
            for law in TRUTHS
            for start in STARTS[law]
        },
        "anchors": partial(learn, learn="anchors"),
    }


EXPERIMENTS = experiments()
