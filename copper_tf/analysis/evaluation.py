"""All scores of a run on its own data; ``report/`` makes figures and pages of them."""

from __future__ import annotations

import dataclasses
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.evaluation_results import (
    Evaluation,
    Gap,
    GradeScores,
    Interval,
    OutOfDistribution,
    PictureColumns,
    SplitScores,
)
from copper_tf.analysis.example_maps import EXAMPLES, ExampleMaps
from copper_tf.analysis.grading import count_tuples, grade_scores, map_grades
from copper_tf.analysis.law import measure_borders, with_law
from copper_tf.data.pictures import Example, examples
from copper_tf.inference.ensemble import Ensemble
from copper_tf.inference.prediction_rows import OOD_COLUMN
from copper_tf.inference.predictor import Prediction, Predictor, RunPredictor
from copper_tf.ood.check import check_ood, pixel_size_range
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run, all_caveats
from copper_tf.statistics.bootstrap import bootstrap, difference_interval, groups_of, intervals
from copper_tf.statistics.scores import (
    Rows,
    Scores,
    binarity,
    confusion_matrix,
    ordinal_scores,
    pixel_scores,
    potency_scores,
    reanchored,
)
from tfds_copper.cells import write_rows
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError
from tfds_copper.files import replacing, write_text
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SPLITS

__all__ = [
    "EXAMPLES",
    "PICTURES",
    "evaluate",
    "evaluate_folds",
    "evaluate_seeds",
    "evaluate_with",
    "picture_row",
    "pool_folds",
    "validation_scores",
]

# The table of all pictures, in scores/.
PICTURES = "pictures.csv"

Row = dict[str, Any]


def picture_row(run: Run, split: str, example: Example, prediction: Prediction) -> Row:
    """One row of the table of pictures: names, labels and every score of the picture.

    Args:
        run: the run whose g it is scored against.
        split: the split that it belongs to.
        example: the picture.
        prediction: the model's answer.
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
    run: Run,
    predictor: Predictor,
    dataset: Dataset,
    maps: ExampleMaps,
    progress: Progress | None,
    splits: Sequence[str] = SPLITS,
) -> Iterator[Row]:
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


def _split_scores(run: Run, rows: list[Row]) -> tuple[SplitScores, dict[str, np.ndarray]]:
    """(scores of one split with their intervals, the resampled scores behind the intervals)."""
    score, kind, labels = _scorer(run), run.config.kind, len(run.labels.times)
    columns = _columns(rows, _NUMBERS[kind])
    groups, unit = groups_of([r["sheet"] for r in rows], [r["file"] for r in rows])
    scores = score(columns)
    resampled = bootstrap(columns, groups, score, seed=run.config.training.seed)
    by_kind: dict[str, Any] = {}
    if kind == "classifier":
        counts = confusion_matrix(columns["label"], columns["grade"], labels)
        shares = np.diag(counts) / np.where(counts.sum(1) > 0, counts.sum(1), np.nan)
        by_kind = {"confusion": count_tuples(counts), "recall": tuple(shares.tolist())}
    else:
        means, curve = reanchored(columns["potency"], columns["label"], labels)
        by_kind = {
            "mean_potency": tuple(means),
            "reanchored_curve": tuple(curve),
            "curve_intervals": _curve_intervals(columns, groups, labels, run.config.training.seed),
        }
    summary = SplitScores(
        pictures=len(rows),
        groups=int(groups.max()) + 1,
        resampled=unit,
        scores=scores,
        intervals=intervals(resampled, list(scores)),
        **by_kind,
    )
    return summary, resampled


def _curve_intervals(columns: Rows, groups: np.ndarray, labels: int, seed: int) -> tuple[Interval | None, ...]:
    """The 95 % interval of the stretched curve at each label, None where there is none to give."""

    def score(rows: Rows) -> Scores:
        return {str(k): a for k, a in enumerate(reanchored(rows["potency"], rows["label"], labels)[1])}

    resampled = bootstrap(columns, groups, score, seed=seed)
    return tuple(intervals(resampled, [str(k) for k in range(labels)]).values())


def _gaps(splits: dict[str, SplitScores], resampled: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, Gap]]:
    """What each score loses from the training pictures to pictures that the model hasn't learned from."""
    train = splits["train"].scores
    return {
        split: {
            name: Gap(
                value - train[name], difference_interval(resampled["train"].get(name), resampled[split].get(name))
            )
            for name, value in splits[split].scores.items()
        }
        for split in SPLITS[1:]
    }


def _map_grading(run: Run, rows: list[Row]) -> GradeScores:
    """Gives each row its ``map_grade``, and scores those of the test pictures."""
    labels = len(run.labels.times)
    # Pooled rows were graded by the run of their own fold: potencies of two runs aren't comparable.
    if "map_grade" not in rows[0]:
        grades = map_grades(_columns(rows, ("split", "label", "potency")), labels)
        for row, grade in zip(rows, grades.tolist(), strict=True):
            row["map_grade"] = grade
    test = _columns([r for r in rows if r["split"] == "test"], ("file", "sheet", "label", "map_grade"))
    return grade_scores({**test, "grade": test["map_grade"]}, labels, run.config.training.seed)


def _out_of_distribution(rows: Sequence[Row]) -> OutOfDistribution:
    """Which test pictures differ from those of training, and how many were not compared, and why."""
    checks = [(row["file"], row[OOD_COLUMN]) for row in rows]
    return OutOfDistribution(
        pictures=len(checks),
        different=tuple((file, "; ".join(check.reasons)) for file, check in checks if check.reasons),
        not_compared=dict(Counter(check.not_checked for _, check in checks if check.not_checked)),
    )


def _write_table(run: Run, rows: list[Row]) -> None:
    # A column of labels.csv keeps its own name unless a score has it already; test pictures have one more than others.
    names = {name: None for row in rows for name in row}
    taken = {name for name in names if not name.startswith("column ")}
    renamed = {n: n if (own := n.removeprefix("column ")) in taken else own for n in names}
    text = io.StringIO()
    write_rows(text, [list(renamed.values()), *([row.get(name, "") for name in renamed] for row in rows)])
    write_text(run.path / "scores" / PICTURES, text.getvalue(), encoding="utf-8-sig")


def _picture_columns(run: Run, rows: list[Row]) -> PictureColumns:
    """The columns of `PictureColumns` that this kind of run has."""
    names = ["file", "split", "t", "label", "sheet"]
    names += ["potency", "map_grade"] if run.config.kind == "segmenter" else ["grade", "median_grade"]
    return PictureColumns(**{name: tuple(np.array([row[name] for row in rows]).tolist()) for name in names})


def _write(run: Run, rows: list[Row], maps: ExampleMaps) -> Evaluation:
    """Scores all rows and writes the three files of an evaluation."""
    per_split = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
    scored = {split: _split_scores(run, part) for split, part in per_split.items()}
    splits = {split: scores for split, (scores, _) in scored.items()}
    map_grading = _map_grading(run, rows) if run.config.kind == "segmenter" else None
    evaluation = Evaluation(
        kind="segmenter" if run.config.kind == "segmenter" else "classifier",
        labels=run.labels,
        hypothesis=run.hypothesis_record,
        folds=int(run.data.get("folds", 0)),
        caveats=tuple(run.caveats),
        splits=splits,
        out_of_distribution=_out_of_distribution(per_split["test"]),
        gaps=_gaps(splits, {split: resampled for split, (_, resampled) in scored.items()}),
        pictures=_picture_columns(run, rows),
        map_grading=map_grading,
    )
    if run.config.kind == "segmenter":
        evaluation = with_law(run, evaluation)
    _write_table(run, rows)
    if maps.arrays:
        with replacing(run.path / "scores" / EXAMPLES) as file:
            np.savez_compressed(file, allow_pickle=False, **maps.arrays)
    run.write(evaluation)
    return evaluation


def evaluate(run: Run, dataset: Dataset, progress: Progress | None = None) -> Evaluation:
    """Predicts every picture of the dataset whole and scores each split.

    Writes ``scores/evaluation.json``, ``scores/pictures.csv`` and, for a segmenter, ``scores/examples.npz``.

    Args:
        run: a trained run.
        dataset: the dataset it was trained on, see `dataset_of`.
        progress: called with (done, total, what).

    Raises:
        RunError: if the run isn't trained or incomplete.
    """
    return evaluate_with(run, RunPredictor(run), dataset, progress, members=[run])


def validation_scores(run: Run, dataset: Dataset, progress: Progress | None = None) -> SplitScores:
    """The scores of the validation pictures alone, by which runs are chosen; writes nothing.

    Args:
        run: a trained run, finished or stopped early.
        dataset: the dataset it was trained on.
        progress: called with (done, total, what).
    """
    maps = ExampleMaps(len(run.labels.times))
    return _split_scores(run, list(_rows(run, RunPredictor(run), dataset, maps, progress, ("validation",))))[0]


def evaluate_with(
    run: Run, predictor: Predictor, dataset: Dataset, progress: Progress | None = None, members: Sequence[Run] = (),
) -> Evaluation:  # fmt: skip
    """As `evaluate`, by any predictor of the run's labels.

    Args:
        run: where the scores go, and what they are scored against.
        predictor: what predicts.
        dataset: the pictures.
        progress: called with (done, total, what).
        members: the runs behind the predictor; where there are none, as behind an export, it isn't measured what
            borders add to potencies.
    """
    maps = ExampleMaps(len(run.labels.times))
    rows = list(_rows(run, predictor, dataset, maps, progress))
    measure_borders(run, rows, members, dataset, progress)
    return _write(run, rows, maps)


def pool_folds(path: Path, runs: Sequence[Run]) -> Run:
    """The runs of a cross-validation as one run.

    Args:
        path: the folder of the runs.
        runs: one for each fold.
    """
    # A fold is DATA/copper_sem/CONFIG/VERSION; all of them share DATA/copper_sem.
    data = {"path": str(Path(runs[0].data["path"]).parents[1]), "folds": len(runs), "caveats": all_caveats(runs)}
    # A learned g differs from fold to fold; a supposed one is the same in all.
    g = np.mean([run.hypothesis for run in runs], 0).tolist() if runs[0].initial_hypothesis else runs[0].hypothesis
    return dataclasses.replace(runs[0], path=path, data=runs[0].data | data, hypothesis=tuple(g))


def evaluate_folds(path: Path, runs: Sequence[Run], progress: Progress | None = None) -> tuple[Run, Evaluation]:
    """Evaluates each run of a cross-validation, and all of them pooled: each picture is tested by its own fold.

    Args:
        path: the folder of the runs, where the pooled scores go.
        runs: one for each fold.
        progress: called with (done, total, what).

    Returns:
        The runs as one at `path`, and its evaluation.

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
    maps, rows = ExampleMaps(len(runs[0].labels.times)), []
    for run, dataset in zip(runs, datasets, strict=True):
        own = ExampleMaps(len(run.labels.times))
        part = list(_rows(run, RunPredictor(run), dataset, own, progress))
        measure_borders(run, part, [run], dataset, progress)
        _write(run, part, own)
        rows += part
        maps.arrays = maps.arrays or own.arrays
    whole = pool_folds(path, runs)
    measure_borders(whole, rows, runs, None)
    return whole, _write(whole, rows, maps)


def evaluate_seeds(path: Path, runs: Sequence[Run], progress: Progress | None = None) -> tuple[Run, Evaluation]:
    """Evaluates an ensemble of runs that differ in their seed alone, by their mean.

    Args:
        path: the folder of the runs, where the scores go.
        runs: the members.
        progress: called with (done, total, what).

    Returns:
        The ensemble as one run at `path`, and its evaluation.
    """
    ensemble = Ensemble(runs)
    run = dataclasses.replace(ensemble.run, path=path)
    return run, evaluate_with(run, ensemble, dataset_of(runs[0]), progress, members=runs)
