"""Runs compared on the same test pictures: what differs, how sure that is, and what could not be seen at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy import stats

from copper_tf.analysis.comparison_results import (
    DECODINGS,
    LEVEL,
    POWER,
    ComparedGrader,
    Comparison,
    GraderDifference,
    McNemar,
    ScoreDifference,
    Wilcoxon,
)
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.runs.run import fold_runs, open_run, seed_runs
from copper_tf.statistics.bootstrap import bootstrap, groups_of, holm, intervals, two_sided
from copper_tf.statistics.scores import Rows, Scores, step_scores
from tfds_copper.errors import RunError

__all__ = [
    "SCORES",
    "Grader",
    "compare",
    "group_seeds",
    "mcnemar",
    "read_grader",
    "read_graders",
    "wilcoxon",
]

Test = TypeVar("Test", ScoreDifference, McNemar, Wilcoxon)

_MAP = "map_grade"
SCORES = ("accuracy", "within_one", "mae", "qwk")
# Up to so many pictures that differ, all signs can be tried: the Wilcoxon test is exact.
_EXACT = 13


@dataclasses.dataclass(frozen=True)
class Grader:
    """The grades that one run, or several of different seeds, give the test pictures.

    Attributes:
        name: what it is called.
        kind: ``"classifier"`` or ``"segmenter"``.
        decoding: where the grade comes from: ``"median"``, ``"argmax"`` or ``"map"``.
        paths: the runs.
        settings: all settings but the seed.
        fingerprint: of the dataset.
        pictures: ``file``, ``sheet`` and ``label`` of the test pictures, in the order of their files.
        grades: ranks of t, ``(pictures, runs)``.
        times: stress time of each label.
    """

    name: str
    kind: str
    decoding: str
    paths: tuple[str, ...]
    settings: dict[str, Any]
    fingerprint: str
    pictures: Rows
    grades: np.ndarray
    times: tuple[float, ...]


def read_grader(path: Path, decoding: str = "median") -> Grader:
    """The grades of an evaluated run, of all folds of a cross-validation, or of an ensemble.

    Args:
        path: its folder.
        decoding: of a classifier, a name in `DECODINGS`; a segmenter's map is decoded by the validation pictures.

    Raises:
        RunError: if it is no run, or not evaluated.
    """
    runs = fold_runs(path) or seed_runs(path) or [open_run(path)]
    run = dataclasses.replace(runs[0], path=path)
    evaluation = run.read(Evaluation)
    classifier = evaluation.kind == "classifier"
    test = evaluation.pictures.of_split("test")
    order = np.argsort(test["file"])
    settings = run.config.flat() | {"number of runs": len(runs)}
    del settings["seed"]
    return Grader(
        name=path.resolve().name,
        kind=evaluation.kind,
        decoding=decoding if classifier else "map",
        paths=(str(path),),
        settings=settings,
        fingerprint=" ".join(sorted({r.data["fingerprint"] for r in runs})),
        pictures={name: test[name][order] for name in ("file", "sheet", "label")},
        grades=test[DECODINGS[decoding] if classifier else _MAP][order, None],
        times=run.labels.times,
    )


def read_graders(paths: Sequence[Path], decoding: str = "median") -> list[Grader]:
    """As `read_grader`, for several; folders of the same name are called by their paths."""
    graders = [read_grader(path, decoding) for path in paths]
    names = [grader.name for grader in graders]
    if len(set(names)) == len(names):
        return graders
    return [dataclasses.replace(grader, name=grader.paths[0]) for grader in graders]


def group_seeds(graders: Sequence[Grader]) -> list[Grader]:
    """Graders that differ in nothing but their seed as one, called by what sets it apart from others of its kind.

    Args:
        graders: of the same dataset, see `compare`.
    """
    groups: dict[str, list[Grader]] = {}
    for grader in graders:
        groups.setdefault(repr((sorted(grader.settings.items()), grader.decoding)), []).append(grader)
    firsts = [group[0] for group in groups.values()]
    made = []
    for group in groups.values():
        first, same = group[0], [g.settings for g in firsts if g.kind == group[0].kind]
        apart = [n for n, v in first.settings.items() if any(other[n] != v for other in same)]
        name = " ".join([first.kind, *(f"{n}={first.settings[n]}" for n in apart)])
        grades = np.concatenate([g.grades for g in group], axis=1)
        paths = tuple(p for g in group for p in g.paths)
        made.append(dataclasses.replace(first, name=name, paths=paths, grades=grades))
    return made


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """Exact McNemar test of two graders on the same pictures: a fair coin for those that only one gets right.

    Args:
        first: whether the first is right, ``(pictures,)`` bool.
        second: the same of the second.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    total = only_first + only_second
    p = float(stats.binomtest(only_first, total).pvalue) if total else 1.0
    return McNemar(only_first, only_second, p)


def wilcoxon(first: np.ndarray, second: np.ndarray) -> Wilcoxon:
    """The Wilcoxon signed-rank test of the errors of two graders on the same pictures, two-sided.

    Args:
        first: error of the first in steps, ``(pictures,)``.
        second: the same of the second.
    """
    differing = int(np.sum(first != second))
    if differing < 2:
        return Wilcoxon(1.0)
    method: Any = stats.PermutationMethod() if differing <= _EXACT else "asymptotic"
    apart = (second - first)[first != second]
    return Wilcoxon(float(stats.wilcoxon(apart, method=method).pvalue))


def _scores(label: np.ndarray, grades: np.ndarray, labels: int) -> dict[str, np.ndarray]:
    """The scores of every run of a grader, each ``(runs,)``."""
    each = [step_scores({"label": label, "grade": column}, labels) for column in grades.T]
    return {name: np.array([scores[name] for scores in each]) for name in SCORES}


def _difference(
    grader: Scores, reference: Scores, resampled: dict[str, np.ndarray], index: int, name: str
) -> ScoreDifference:
    """One score of a grader minus that of the reference."""
    difference = grader[name] - reference[name]
    apart = resampled[f"{index} {name}"] - resampled[f"0 {name}"] if resampled else np.empty(0)
    finite = apart[np.isfinite(apart)]
    if not finite.size:
        return ScoreDifference(difference)
    # The least true difference that a test at this level finds with this power: z (level) + z (power) standard errors.
    wide = stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER)
    return ScoreDifference(
        difference,
        interval=intervals({name: apart}, [name])[name],
        p=two_sided(finite),
        detectable=float(wide * finite.std(ddof=1)),
    )


def _corrected(tests: Sequence[Test]) -> list[Test]:
    """Tests of one family with their p values corrected for their number; those without a value stay as they are."""
    known = [test.p for test in tests if test.p is not None]
    corrected = iter(holm(known))
    return [test if test.p is None else dataclasses.replace(test, p_holm=next(corrected)) for test in tests]


def _differences(
    graders: Sequence[Grader], means: list[Scores], resampled: dict[str, np.ndarray]
) -> tuple[GraderDifference, ...]:
    """Every grader but the first against the first, corrected for their number."""
    reference, label, others = graders[0], graders[0].pictures["label"], graders[1:]
    steps = [np.abs(g.grades - label[:, None]).mean(1) for g in graders]
    scores = {
        name: _corrected([_difference(means[k], means[0], resampled, k, name) for k in range(1, len(graders))])
        for name in SCORES
    }
    # Right or wrong is a matter of one run; a mean over seeds is neither.
    single = [reference.grades.shape[1] == grader.grades.shape[1] == 1 for grader in others]
    right = iter(_corrected([mcnemar(steps[0] == 0, s == 0) for s, one in zip(steps[1:], single, strict=True) if one]))
    signed = _corrected([wilcoxon(steps[0], s) for s in steps[1:]])
    return tuple(
        GraderDifference(
            name=grader.name,
            decoding=grader.decoding,
            reference=reference.name,
            scores={name: scores[name][k] for name in SCORES},
            mcnemar=next(right) if single[k] else None,
            wilcoxon=signed[k],
        )
        for k, grader in enumerate(others)
    )


def _check(graders: Sequence[Grader]) -> None:
    if len(graders) < 2:
        raise RunError(f"compare needs at least two graders. Received: {len(graders)}")
    first = graders[0]
    for grader in graders[1:]:
        if grader.fingerprint != first.fingerprint:
            raise RunError(f"{grader.paths[0]}: must be of the dataset of {first.paths[0]}. Received: another one")
        if not np.array_equal(grader.pictures["file"], first.pictures["file"]):
            raise RunError(
                f"{grader.paths[0]}: must be evaluated on the test pictures of {first.paths[0]}. Received: others"
            )


def compare(graders: Sequence[Grader], seed: int = 0) -> Comparison:
    """Scores of graders on the same test pictures, and paired differences to the first.

    Intervals and p values of differences come from one bootstrap over whole sheets for all graders; a score of several
    seeds is their mean. McNemar's and Wilcoxon's tests take pictures as independent, which those of one sheet aren't:
    they say too much where sheets hold many pictures. All p values are corrected over the graders (Holm).

    Args:
        graders: at least two of one dataset; the first is what the others are compared with.
        seed: of the resampling.

    Raises:
        RunError: if there are fewer than two, or their datasets or test pictures differ.
    """
    _check(graders)
    pictures, labels = graders[0].pictures, len(graders[0].times)
    groups, unit = groups_of(pictures["sheet"].tolist(), pictures["file"].tolist())

    def score(rows: Rows) -> Scores:
        each = {k: _scores(rows["label"], rows[str(k)], labels) for k in range(len(graders))}
        return {f"{k} {name}": float(values.mean()) for k, found in each.items() for name, values in found.items()}

    columns = {"label": pictures["label"], **{str(k): g.grades for k, g in enumerate(graders)}}
    resampled = bootstrap(columns, groups, score, seed=seed)
    compared, means = [], []
    for k, grader in enumerate(graders):
        each = _scores(pictures["label"], grader.grades, labels)
        means.append({name: float(values.mean()) for name, values in each.items()})
        own = {name: resampled[f"{k} {name}"] for name in SCORES if resampled}
        compared.append(
            ComparedGrader(
                name=grader.name,
                kind=grader.kind,
                decoding=grader.decoding,
                runs=grader.paths,
                scores=means[-1],
                ranges={name: (float(v.min()), float(v.max())) for name, v in each.items()},
                intervals=intervals(own, SCORES),
            )
        )
    return Comparison(
        pictures=len(groups),
        groups=len(np.unique(groups)),
        resampled=unit,
        graders=tuple(compared),
        differences=_differences(graders, means, resampled),
    )
