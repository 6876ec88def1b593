"""Runs compared on the same test pictures: what differs, how sure that is, and what could not be seen at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from copper_tf.runs.run import EVALUATION, fold_runs, open_run, seed_runs
from copper_tf.statistics.scores import Rows, Scores, bootstrap, groups_of, holm, intervals, step_scores, two_sided
from tfds_copper.errors import RunError

__all__ = [
    "DECODINGS",
    "LEVEL",
    "POWER",
    "SCORES",
    "Grader",
    "compare",
    "grouped",
    "mcnemar",
    "read",
    "wilcoxon",
]

# How a classifier's probabilities become a grade, and the column of an evaluation that holds it.
DECODINGS = {"median": "median_grade", "argmax": "grade"}
_MAP = "map_grade"
SCORES = ("accuracy", "within_one", "mae", "qwk")
# A difference counts as detectable if a test at this level finds it with this probability.
LEVEL, POWER = 0.05, 0.8
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


def read(path: Path, decoding: str = "median") -> Grader:
    """The grades of an evaluated run, of all folds of a cross-validation, or of an ensemble.

    Args:
        path: its folder.
        decoding: of a classifier, a name in `DECODINGS`; a segmenter's map is decoded by the validation pictures.

    Raises:
        RunError: if it is no run, or not evaluated by this version.
    """
    runs = fold_runs(path) or seed_runs(path) or [open_run(path)]
    run = dataclasses.replace(runs[0], path=path)
    scores = run.read_scores(EVALUATION)
    classifier = scores["kind"] == "classifier"
    column = DECODINGS[decoding] if classifier else _MAP
    held = scores["pictures"]
    if column not in held:
        raise RunError(f"{path}: must be evaluated by this version, see `copper evaluate`. Received: no {column}")
    test = np.flatnonzero(np.array(held["split"]) == "test")
    order = test[np.argsort(np.array(held["file"])[test])]
    settings = run.config.flat() | {"runs together": len(runs)}
    del settings["seed"]
    return Grader(
        name=path.resolve().name,
        kind=scores["kind"],
        decoding=decoding if classifier else "map",
        paths=(str(path),),
        settings=settings,
        fingerprint=" ".join(sorted({r.data["fingerprint"] for r in runs})),
        pictures={name: np.array(held[name])[order] for name in ("file", "sheet", "label")},
        grades=np.array(held[column], int)[order, None],
        times=run.labels.times,
    )


def read_all(paths: Sequence[Path], decoding: str = "median") -> list[Grader]:
    """As `read`, for several; folders of the same name are called by their paths."""
    graders = [read(path, decoding) for path in paths]
    names = [grader.name for grader in graders]
    if len(set(names)) == len(names):
        return graders
    return [dataclasses.replace(grader, name=grader.paths[0]) for grader in graders]


def grouped(graders: Sequence[Grader]) -> list[Grader]:
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


def mcnemar(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Exact McNemar test of two graders on the same pictures: a fair coin for those that only one gets right.

    Args:
        first: whether the first is right, ``(pictures,)`` bool.
        second: the same of the second.

    Returns:
        ``only_first``, ``only_second`` (pictures) and ``p``, two-sided.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    total = only_first + only_second
    p = float(stats.binomtest(only_first, total).pvalue) if total else 1.0
    return {"only_first": only_first, "only_second": only_second, "p": p}


def wilcoxon(first: np.ndarray, second: np.ndarray) -> float:
    """P value of the Wilcoxon signed-rank test of the errors of two graders on the same pictures, two-sided.

    Args:
        first: error of the first in steps, ``(pictures,)``.
        second: the same of the second.
    """
    differing = int(np.sum(first != second))
    if differing < 2:
        return 1.0
    method: Any = stats.PermutationMethod() if differing <= _EXACT else "asymptotic"
    apart = (second - first)[first != second]
    return float(stats.wilcoxon(apart, method=method).pvalue)


def _scores(label: np.ndarray, grades: np.ndarray, labels: int) -> dict[str, np.ndarray]:
    """The scores of every run of a grader, each ``(runs,)``."""
    each = [step_scores({"label": label, "grade": column}, labels) for column in grades.T]
    return {name: np.array([scores[name] for scores in each]) for name in SCORES}


def _difference(here: Scores, there: Scores, resampled: dict[str, np.ndarray], place: int, name: str) -> dict[str, Any]:
    """One score of a grader minus that of the first."""
    found: dict[str, Any] = {"difference": here[name] - there[name], "interval": None, "p": None, "detectable": None}
    if not resampled:
        return found
    apart = resampled[f"{place} {name}"] - resampled[f"0 {name}"]
    finite = apart[np.isfinite(apart)]
    if not finite.size:
        return found
    # The least true difference that a test at this level finds with this power: z (level) + z (power) standard errors.
    wide = stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER)
    found |= {"p": two_sided(finite), "detectable": float(wide * finite.std(ddof=1))}
    return found | {"interval": intervals({name: apart}, [name])[name]}


def _differences(graders: Sequence[Grader], means: list[Scores], resampled: dict[str, np.ndarray]) -> list[Any]:
    """Every grader but the first against the first, corrected for their number."""
    first, label = graders[0], graders[0].pictures["label"]
    rows: list[dict[str, Any]] = []
    for place, grader in enumerate(graders[1:], start=1):
        single = first.grades.shape[1] == grader.grades.shape[1] == 1
        steps = [np.abs(g.grades - label[:, None]).mean(1) for g in (first, grader)]
        row: dict[str, Any] = {"name": grader.name, "decoding": grader.decoding, "to": first.name}
        row["scores"] = {name: _difference(means[place], means[0], resampled, place, name) for name in SCORES}
        # Right or wrong is a matter of one run; a mean over seeds is neither.
        row["mcnemar"] = mcnemar(steps[0] == 0, steps[1] == 0) if single else None
        row["wilcoxon"] = {"p": wilcoxon(*steps)}
        rows.append(row)
    families = [[row["scores"][name] for row in rows] for name in SCORES]
    families += [[row[test] for row in rows if row[test]] for test in ("mcnemar", "wilcoxon")]
    for family in families:
        known = [found for found in family if found["p"] is not None]
        for found, p in zip(known, holm([found["p"] for found in known]), strict=True):
            found["p_holm"] = p
    return rows


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


def compare(graders: Sequence[Grader], seed: int = 0) -> dict[str, Any]:
    """Scores of graders on the same test pictures, and paired differences to the first.

    Intervals and p values of differences come from one bootstrap over whole sheets for all graders; a score of several
    seeds is their mean. McNemar's and Wilcoxon's tests take pictures as independent, which those of one sheet aren't:
    they say too much where sheets hold many pictures. All p values are corrected over the graders (Holm).

    Args:
        graders: at least two of one dataset; the first is what the others are compared with.
        seed: of the resampling.

    Returns:
        ``pictures``, ``groups``, ``resampled``, ``graders`` and ``differences``, as they stand in the JSON.

    Raises:
        RunError: if there are fewer than two, or their datasets or test pictures differ.
    """
    _check(graders)
    pictures, labels = graders[0].pictures, len(graders[0].times)
    groups, unit = groups_of(pictures["sheet"].tolist(), pictures["file"].tolist())

    def score(rows: Rows) -> Scores:
        found = {k: _scores(rows["label"], rows[str(k)], labels) for k in range(len(graders))}
        return {f"{k} {name}": float(values.mean()) for k, each in found.items() for name, values in each.items()}

    columns = {"label": pictures["label"], **{str(k): g.grades for k, g in enumerate(graders)}}
    resampled = bootstrap(columns, groups, score, seed=seed)
    shown, means = [], []
    for k, grader in enumerate(graders):
        each = _scores(pictures["label"], grader.grades, labels)
        means.append({name: float(values.mean()) for name, values in each.items()})
        own = {name: resampled[f"{k} {name}"] for name in SCORES if resampled}
        shown.append(
            {
                **{name: getattr(grader, name) for name in ("name", "kind", "decoding")},
                "runs": list(grader.paths),
                "scores": means[-1],
                "ranges": {name: [float(v.min()), float(v.max())] for name, v in each.items()},
                "intervals": intervals(own, SCORES),
            }
        )
    return {
        "pictures": len(groups),
        "groups": len(np.unique(groups)),
        "resampled": unit,
        "graders": shown,
        "differences": _differences(graders, means, resampled),
    }
