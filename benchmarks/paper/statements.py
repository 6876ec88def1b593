"""What the paper's figures say, and whether our results say the same: one sentence each, with its number."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import stats

from benchmarks.paper.raters import RATERS
from copper_tf.analysis.blindtest.results import RATER, BlindTestResult
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.hypotheses.results import HypothesisStudy, RankedHypothesis
from copper_tf.analysis.search_results import DONE, SearchResult

__all__ = ["Pictures", "Results", "Statement", "statements"]

# Grey values alone must not tell t; as required of the simulated world in the acceptance table.
_GREY_LIMIT = 0.2
# Potencies of training and test pictures of a label that are this close don't show overfitting.
_GAP_LIMIT = 0.05
# So much of the way from the line to the true law is a bend that one sees.
_BENDS = 0.1
# A hypothesis fails whose error is so many times that of the best.
_FAILS = 5.0
# What is left of a constant's error where a hypothesis fits.
_FITS = 0.05


@dataclasses.dataclass(frozen=True)
class Pictures:
    """What the test pictures themselves say, one entry each.

    Attributes:
        label: rank of t.
        grey: mean grey value.
        share: true rough share of the area.
        contrast_rough: standard deviation of the grey values of the fine structure where the map is over one half.
        contrast_smooth: the same where it is under one half.
    """

    label: np.ndarray
    grey: np.ndarray
    share: np.ndarray
    contrast_rough: np.ndarray
    contrast_smooth: np.ndarray


@dataclasses.dataclass(frozen=True)
class Results:
    """All that the page shows.

    Attributes:
        pictures: of the test split.
        truth: the true rough share of each label, over its pictures, ``(K,)``.
        search: of the classifier's architecture.
        classifier: the winner, trained and evaluated.
        segmenter: that learned g while it was trained, evaluated.
        study: of the hypotheses.
        blind: of the scripted raters and both models.
    """

    pictures: Pictures
    truth: np.ndarray
    search: SearchResult
    classifier: Evaluation
    segmenter: Evaluation
    study: HypothesisStudy
    blind: BlindTestResult


@dataclasses.dataclass(frozen=True)
class Statement:
    """One statement of the paper beside ours.

    Attributes:
        figure: of the paper.
        paper: what its figure shows.
        ours: what ours shows, with the number.
        agrees: None where the simulated surface can't agree or disagree.
    """

    figure: int
    paper: str
    ours: str
    agrees: bool | None


def _data(results: Results) -> list[Statement]:
    seen = results.pictures
    rho = abs(float(stats.spearmanr(seen.label, seen.grey).statistic))
    sd = max(float(np.std(seen.share[seen.label == k])) for k in np.unique(seen.label))
    return [
        Statement(
            3, "The differences between labels are minimal to an untrained eye.",
            f"The mean grey value hardly follows t: absolute rank correlation {rho:.2f}.", rho <= _GREY_LIMIT,
        ),
        Statement(
            5, "The share of white in the mask is the same for pictures of the same label.",
            f"So it was simulated: within a label the true share differs by a standard deviation of {sd:.3f} at most.",
            None,
        ),
    ]  # fmt: skip


def _network(results: Results) -> list[Statement]:
    search, best = results.search, results.search.best_trial
    tried = sum(trial.status == DONE for trial in search.trials)
    found = ", ".join(f"{name} = {best.settings[name]}" for name in ("n", "N", "c", "d")) if best else "none"
    return [
        Statement(
            4, "n, N, c and d are found by a grid search within 12 GB of memory.",
            f"{found}: best of {len(search.trials)} points, {tried} of them trained to the end, for "
            f"{search.cost.share:.0%} of the full grid's steps.", None,
        ),
        Statement(
            6, "The segmenter adds an ascending path with sums in place of concatenations.",
            "Built so; the figure is drawn from the network itself.", None,
        ),
    ]  # fmt: skip


def _thirds(evaluation: Evaluation) -> tuple[float, float]:
    """Accuracy of the test pictures of the first and of the last third of the labels."""
    test, count = evaluation.pictures.of_split("test"), len(evaluation.labels.times)
    right = test["grade"] == test["label"]
    third = max(1, count // 3)
    return float(right[test["label"] < third].mean()), float(right[test["label"] >= count - third].mean())


def _grades(results: Results) -> list[Statement]:
    blind, label = results.blind, np.array(results.blind.pictures.label)
    raters = {grader.name: grader for grader in blind.graders if grader.kind == RATER}
    stated = {rater.name: rater.stated_mae(label, len(blind.labels.times)) for rater in RATERS}
    pairs = ", ".join(f"{n} {raters[n].scores['mae']:.2f} (built to err by {stated[n]:.2f})" for n in stated)
    intervals = [(raters[n].intervals["mae"], value) for n, value in stated.items()]
    covered = all(span is None or span[0] <= value <= span[1] for span, value in intervals)
    model = next(grader for grader in blind.graders if grader.kind == "classifier")
    early, late = _thirds(results.classifier)
    expert = raters[RATERS[0].name].scores["mae"]
    return [
        Statement(
            7, "The expert is sure of the freshest surface and guesses at aged ones.",
            f"Raters are scripted here, so only the test is tested: their error in steps is {pairs}, which the "
            f"intervals {'cover' if covered else 'miss'}.",
            None if covered else False,
        ),
        Statement(
            8, "The model is more accurate than the expert.",
            f"MAE {model.scores['mae']:.2f} steps against {expert:.2f} of the rater who errs like an expert.",
            bool(model.scores["mae"] < expert),
        ),
        Statement(
            8, "The model is sure at high t and confuses neighbours at low t.",
            f"Accuracy {early:.0%} in the first third of the labels, {late:.0%} in the last."
            + ("" if late > early else " This surface follows the square root, so it changes most at low t."),
            late > early,
        ),
    ]  # fmt: skip


def _maps(results: Results) -> list[Statement]:
    seen = results.pictures
    known = np.isfinite(seen.contrast_rough) & np.isfinite(seen.contrast_smooth)
    ratio = float(np.median(seen.contrast_rough[known] / seen.contrast_smooth[known]))
    auc = results.segmenter.splits["test"].scores.get("auc", float("nan"))
    return [
        Statement(
            9, "The model gives smoother regions the lower potency.",
            f"Fine structure has {ratio:.2f} times the contrast where the map is blue; against the true masks the maps "
            f"have a ROC-AUC of {auc:.3f}.",
            ratio > 1,
        )
    ]  # fmt: skip


def _ranked(study: HypothesisStudy, name: str) -> RankedHypothesis:
    return next(row for row in study.hypotheses if row.name == name)


def _means(study: HypothesisStudy, name: str, split: str) -> np.ndarray:
    """Mean potency of each label over the pictures of a split."""
    label, chosen = np.array(study.pictures.label), np.array(study.pictures.split) == split
    potency = np.array(study.pictures.potency[name])
    return np.array([potency[chosen & (label == k)].mean() for k in range(len(study.labels.times))])


def _linear(results: Results) -> list[Statement]:
    study, g = results.study, np.array(_ranked(results.study, "linear").g)
    means = {split: _means(study, "linear", split) for split in ("train", "test")}
    gap = float(np.abs(means["train"] - means["test"]).max())
    away = results.truth - g
    bent = {split: float((mean - g) @ away / (away @ away)) for split, mean in means.items()}
    curve = next(curve for curve in study.curves if curve.name == "linear")
    without = float((np.array(curve.estimate) - g) @ away / (away @ away))
    bends = min(bent.values()) >= _BENDS
    return [
        Statement(
            10, "No overfitting: training and test pictures give the same potencies.",
            f"Label means of training and test pictures differ by {gap:.3f} at most.", gap <= _GAP_LIMIT,
        ),
        Statement(
            10, "The potencies bend away from the line, on training pictures as well, towards a steeper early decay.",
            f"They go {bent['train']:.0%} of the way from the line to the true law on training pictures, "
            f"{bent['test']:.0%} on test pictures, and {without:.0%} once what borders of areas add is taken away."
            + ("" if bends else " In so many steps the network has learned to draw the borders that the line needs."),
            bends,
        ),
    ]  # fmt: skip


def _others(results: Results) -> list[Statement]:
    study, evaluation = results.study, results.segmenter
    nmse = {name: _ranked(study, name).nmse for name in ("sqrt", "linear", "square", "sine")}
    best = min(nmse, key=lambda name: nmse[name])
    square = _means(study, "square", "test") - np.array(_ranked(study, "square").g)
    learned = np.array(evaluation.hypothesis.g)
    off = float(np.abs(learned - results.truth).max())
    return [
        Statement(
            11, "The square root fits.",
            f"NMSE {nmse['sqrt']:.3f}, the {'lowest' if best == 'sqrt' else f'lowest is {best}'} of four.",
            best == "sqrt" and nmse["sqrt"] <= _FITS,
        ),
        Statement(
            11, "The square is left for a more rapid decay.",
            f"Potencies lie below it by {-square[1:-1].mean():.2f} on average; NMSE {nmse['square']:.3f}.",
            bool(square[1:-1].mean() < 0),
        ),
        Statement(
            11, "A sine can't be learned.",
            f"NMSE {nmse['sine']:.3f}, {nmse['sine'] / nmse['sqrt']:.0f} times that of the square root.",
            nmse["sine"] >= _FAILS * nmse["sqrt"],
        ),
        Statement(
            11, "Future work: learn g together with the model.",
            f"Learned with its ends free, g is within {off:.3f} of the true share at every t.", None,
        ),
    ]  # fmt: skip


def statements(results: Results) -> list[Statement]:
    """Every statement of the paper beside ours, in the order of its figures.

    Args:
        results: of all stages.
    """
    parts = (_data, _network, _grades, _maps, _linear, _others)
    return sorted((one for part in parts for one in part(results)), key=lambda one: one.figure)
