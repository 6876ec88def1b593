"""Every score of a run on its own data, as JSON; ``report/`` makes figures and pages of it."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.grading import grade_block, map_grades
from copper_tf.data.pictures import Example, examples
from copper_tf.inference.predictor import Prediction, RunPredictor
from copper_tf.inference.results import OOD_COLUMN
from copper_tf.ood.check import check_ood, pixel_size_range
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import EVALUATION, Run, all_caveats
from copper_tf.statistics.scores import (
    Rows,
    Scores,
    binarity,
    bootstrap,
    confusion_matrix,
    difference_interval,
    groups_of,
    intervals,
    middle_mean,
    ordinal_scores,
    pixel_scores,
    potency_scores,
    reanchored,
)
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError
from tfds_copper.files import replacing, write_text
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SPLITS

__all__ = [
    "EVALUATION",
    "EXAMPLES",
    "PICTURES",
    "Maps",
    "evaluate",
    "evaluate_folds",
    "evaluate_with",
    "picture_row",
    "pooled",
    "validated",
]

PICTURES = "pictures.csv"
EXAMPLES = "examples.npz"

# The side in px of the patches kept for figures, and the labels they are taken from.
_PATCH = 256
_EXAMPLE_LABELS = 4

Row = dict[str, Any]


class Maps:
    """Patches of a few test micrographs with map and truth, for figures.

    Args:
        labels: number K of labels; a few, evenly spread, are kept.
    """

    def __init__(self, labels: int) -> None:
        self.wanted = {int(k) for k in np.linspace(0, labels - 1, min(labels, _EXAMPLE_LABELS)).round()}
        self.kept: dict[str, np.ndarray] = {}

    def offer(self, example: Example, mask: np.ndarray) -> None:
        """Keeps the middle of the first picture of each wanted label."""
        if example.label not in self.wanted:
            return
        self.wanted.discard(example.label)
        height, width = (min(_PATCH, s) for s in mask.shape)
        top, left = ((s - p) // 2 for s, p in zip(mask.shape, (height, width), strict=True))
        patch = slice(top, top + height), slice(left, left + width)
        key = f"{example.label:03d}"
        self.kept[f"{key}_pixels"] = example.pixels[patch]
        self.kept[f"{key}_map"] = mask[patch]
        self.kept[f"{key}_pixel_size_nm"] = np.array(example.pixel_size_nm)
        self.kept[f"{key}_file"] = np.array(example.file)
        if example.truth is not None:
            self.kept[f"{key}_truth"] = example.truth[patch]


def picture_row(run: Run, split: str, example: Example, prediction: Prediction) -> Row:
    """One line of the table of pictures: names, labels and every score of the picture.

    Args:
        run: whose g it is scored against.
        split: that it is of.
        example: the picture.
        prediction: what the model says of it.
    """
    row: Row = {"file": example.file, "split": split, "label": example.label, "t": example.t, "sheet": example.sheet}
    if prediction.probabilities is not None:
        row |= {"grade": prediction.grade, "median_grade": prediction.median_grade}
        row |= {f"p_{k}": float(p) for k, p in enumerate(prediction.probabilities)}
    if prediction.map is not None:
        row |= {"g": run.hypothesis[example.label], "potency": prediction.potency}
        row["binarity"] = binarity(prediction.map)
        if prediction.scatter is not None:
            row["scatter"] = float(prediction.scatter.mean())
        unknown = {"iou": math.nan, "auc": math.nan, "true_fraction": math.nan}
        row |= unknown if example.truth is None else pixel_scores(prediction.map, example.truth)
    return row | {f"column {name}": value for name, value in example.columns.items()}


def _rows(
    run: Run, predictor: Any, dataset: Dataset, maps: Maps, progress: Progress | None,
    splits: Sequence[str] = SPLITS,
) -> Iterator[Row]:  # fmt: skip
    total, done = sum(dataset.split_sizes[split] for split in splits), 0
    scale = pixel_size_range(predictor.pixel_sizes_nm)
    for split in splits:
        for example in examples(dataset, split):
            prediction = predictor.predict(example.pixels, example.bit_depth, example.file)
            if split == "test" and prediction.map is not None:
                maps.offer(example, prediction.map)
            done += 1
            if progress:
                progress(done, total, f"evaluating {split} pictures")
            row = picture_row(run, split, example, prediction)
            if split == "test":
                picture = Windows.of(example.pixels, example.bit_depth)
                row[OOD_COLUMN] = check_ood(picture, example.pixel_size_nm, predictor.reference_statistics, scale)
            yield row


def _columns(rows: list[Row], names: tuple[str, ...]) -> Rows:
    return {name: np.array([row[name] for row in rows]) for name in names}


_NUMBERS = {
    "classifier": ("label", "grade", "median_grade", "t"),
    "segmenter": ("label", "potency", "g", "t", "iou", "auc", "true_fraction", "binarity"),
}


def _scorer(run: Run) -> Callable[[Rows], Scores]:
    labels = len(run.labels.times)
    if run.config.kind == "segmenter":
        return potency_scores

    def score(rows: Rows) -> Scores:
        by_median = ordinal_scores({**rows, "grade": rows["median_grade"]}, labels)
        return ordinal_scores(rows, labels) | {f"median_{name}": value for name, value in by_median.items()}

    return score


def _split_scores(run: Run, rows: list[Row]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(scores of one split with their intervals, the resampled scores behind the intervals)."""
    score, kind = _scorer(run), run.config.kind
    columns = _columns(rows, _NUMBERS[kind])
    groups, unit = groups_of([r["sheet"] for r in rows], [r["file"] for r in rows])
    scores = score(columns)
    resampled = bootstrap(columns, groups, score, seed=run.config.training.seed)
    labels = len(run.labels.times)
    result: dict[str, Any] = {
        "pictures": len(rows),
        "groups": int(groups.max()) + 1,
        "resampled": unit,
        "scores": scores,
        "intervals": intervals(resampled, list(scores)),
    }
    if kind == "classifier":
        counts = confusion_matrix(columns["label"], columns["grade"], labels)
        result["confusion"] = counts.tolist()
        shares = np.diag(counts) / np.where(counts.sum(1) > 0, counts.sum(1), np.nan)
        result["recall"] = shares.tolist()
    else:
        means, curve = reanchored(columns["potency"], columns["label"], labels)
        result |= {"mean_potency": means, "reanchored_curve": curve}
        result["curve_intervals"] = _curve_intervals(columns, groups, labels, run.config.training.seed)
        result["binarity_middle"] = middle_mean(columns["binarity"], columns["label"], labels)
    return result, resampled


def _curve_intervals(columns: Rows, groups: np.ndarray, labels: int, seed: int) -> list[list[float] | None]:
    """The 95 % interval of the re-anchored curve at each label, None where there is none to give."""

    def score(rows: Rows) -> Scores:
        return {str(k): a for k, a in enumerate(reanchored(rows["potency"], rows["label"], labels)[1])}

    found = intervals(bootstrap(columns, groups, score, seed=seed), [str(k) for k in range(labels)])
    return list(found.values())


def _gaps(scores: dict[str, Any], resampled: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """What each score loses from the training pictures to pictures that the model hasn't learnt from."""
    gaps: dict[str, Any] = {}
    for split in SPLITS[1:]:
        for name, value in scores[split]["scores"].items():
            gap = value - scores["train"]["scores"][name]
            interval = difference_interval(resampled["train"].get(name), resampled[split].get(name))
            gaps.setdefault(split, {})[name] = {"gap": gap, "interval": interval}
    return gaps


def _map_grading(run: Run, rows: list[Row]) -> dict[str, Any]:
    """Gives each row its ``map_grade``, and scores those of the test pictures."""
    labels = len(run.labels.times)
    # Pooled rows were graded by the run of their own fold: potencies of two runs aren't comparable.
    if "map_grade" not in rows[0]:
        grades = map_grades(_columns(rows, ("split", "label", "potency")), labels)
        for row, grade in zip(rows, grades.tolist(), strict=True):
            row["map_grade"] = grade
    test = _columns([r for r in rows if r["split"] == "test"], ("file", "sheet", "label", "map_grade"))
    return grade_block({**test, "grade": test["map_grade"]}, labels, run.config.training.seed)


def _unlike(rows: Sequence[Row]) -> dict[str, Any]:
    """Of how many test pictures which are unlike those of training, and how many were not compared, and why."""
    found = [(row["file"], row[OOD_COLUMN]) for row in rows]
    return {
        "of": len(found),
        "pictures": [[file, "; ".join(said.reasons)] for file, said in found if said.reasons],
        "untold": dict(Counter(said.not_checked for _, said in found if said.not_checked)),
    }


def _write_table(run: Run, rows: list[Row]) -> None:
    # A column of labels.csv keeps its own name unless a score has it already; test pictures have one more than others.
    names = {name: None for row in rows for name in row}
    taken = {name for name in names if not name.startswith("column ")}
    renamed = {n: n if (own := n.removeprefix("column ")) in taken else own for n in names}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(renamed.values())
    writer.writerows([row.get(name, "") for name in renamed] for row in rows)
    write_text(run.path / "scores" / PICTURES, text.getvalue(), encoding="utf-8-sig")


def _written(run: Run, rows: list[Row], maps: Maps) -> dict[str, Any]:
    """Scores all rows, writes the three files, and returns what went into the first."""
    per_split = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
    both = {split: _split_scores(run, part) for split, part in per_split.items()}
    splits = {split: scores for split, (scores, _) in both.items()}
    pick = partial(_columns, names=("file", "split", "t", "label", "sheet"))
    result: dict[str, Any] = {
        "kind": run.config.kind,
        "labels": dataclasses.asdict(run.labels),
        "hypothesis": run.law,
        "folds": int(run.data.get("folds", 0)),
        "caveats": list(run.caveats),
        "splits": splits,
        "unlike": _unlike(per_split["test"]),
        "gaps": _gaps(splits, {split: resampled for split, (_, resampled) in both.items()}),
        "pictures": {name: values.tolist() for name, values in pick(rows).items()},
    }
    if run.config.kind == "segmenter":
        result["map_grading"] = _map_grading(run, rows)
    answers = {"classifier": ("grade", "median_grade"), "segmenter": ("potency", "map_grade")}[run.config.kind]
    result["pictures"] |= {name: [row[name] for row in rows] for name in answers}
    _write_table(run, rows)
    if maps.kept:
        with replacing(run.path / "scores" / EXAMPLES) as file:
            np.savez_compressed(file, allow_pickle=False, **maps.kept)
    run.write_scores(EVALUATION, result)
    return result


def evaluate(run: Run, dataset: Dataset, progress: Progress | None = None) -> dict[str, Any]:
    """Predicts every picture of the dataset whole and scores each split.

    Writes ``scores/evaluation.json``, ``scores/pictures.csv`` and, for a segmenter, ``scores/examples.npz``.

    Args:
        run: a trained run.
        dataset: the dataset it was trained on, see `dataset_of`.
        progress: called with (done, total, what).

    Returns:
        What was written to ``scores/evaluation.json``.

    Raises:
        RunError: if the run isn't trained or incomplete.
    """
    return evaluate_with(run, RunPredictor(run), dataset, progress)


def validated(run: Run, dataset: Dataset, progress: Progress | None = None) -> dict[str, Any]:
    """The scores of the validation pictures alone, which choose between runs; writes nothing.

    Args:
        run: a trained run, whole or stopped early.
        dataset: the dataset it was trained on.
        progress: called with (done, total, what).

    Returns:
        ``scores`` and ``intervals``, as `evaluate` writes them of each split.
    """
    maps = Maps(len(run.labels.times))
    rows = list(_rows(run, RunPredictor(run), dataset, maps, progress, ("validation",)))
    return _split_scores(run, rows)[0]


def evaluate_with(run: Run, predictor: Any, dataset: Dataset, progress: Progress | None = None) -> dict[str, Any]:
    """As `evaluate`, by any predictor of the run's labels.

    Args:
        run: where the scores go, and what they are scored against.
        predictor: anything whose `predict` is that of `RunPredictor`.
        dataset: whose pictures are predicted.
        progress: called with (done, total, what).
    """
    maps = Maps(len(run.labels.times))
    return _written(run, list(_rows(run, predictor, dataset, maps, progress)), maps)


def pooled(path: Path, runs: Sequence[Run]) -> Run:
    """The runs of a cross-validation as one at `path`.

    Args:
        path: the folder of the runs.
        runs: one for each fold.
    """
    # DATA/copper_sem/CONFIG/VERSION of a fold: what all of them lie in is the folder of its name.
    data = {"path": str(Path(runs[0].data["path"]).parents[1]), "folds": len(runs), "caveats": all_caveats(runs)}
    # A g that is learnt is another one in every fold; a supposed one is the same in all.
    g = np.mean([run.hypothesis for run in runs], 0).tolist() if runs[0].initial_hypothesis else runs[0].hypothesis
    return dataclasses.replace(runs[0], path=path, data=runs[0].data | data, hypothesis=tuple(g))


def evaluate_folds(path: Path, runs: Sequence[Run], progress: Progress | None = None) -> tuple[Run, dict[str, Any]]:
    """Evaluates the runs of a cross-validation and all of them pooled: each picture is tested once, by its own fold.

    Args:
        path: the folder of the runs, where the pooled scores go.
        runs: one for each fold.
        progress: called with (done, total, what).

    Returns:
        The pooled scores as those of a run at `path`, and what was written to its ``scores/evaluation.json``.

    Raises:
        RunError: if a fold is missing, not trained or of other settings than the first.
    """
    datasets = [dataset_of(run) for run in runs]
    folds = datasets[0].folds
    if len(runs) != folds:
        raise RunError(f"{path}: must hold the runs of all {folds} folds. Received: {len(runs)}")
    for run in runs[1:]:
        if run.config != runs[0].config:
            raise RunError(f"{run.path}: all folds must have the same settings. Received: others than {runs[0].path}")
    maps, rows = Maps(len(runs[0].labels.times)), []
    for run, dataset in zip(runs, datasets, strict=True):
        own = Maps(len(run.labels.times))
        part = list(_rows(run, RunPredictor(run), dataset, own, progress))
        _written(run, part, own)
        rows += part
        maps.kept = maps.kept or own.kept
    whole = pooled(path, runs)
    return whole, _written(whole, rows, maps)
