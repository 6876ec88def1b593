"""Judge trained runs: their scores, whether their maps can be believed, simpler methods, and runs side by side."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.analysis.baselines.results import Baselines
from copper_tf.analysis.comparison_results import DECODINGS, Comparison
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.trust.results import Trust
from copper_tf.runs.datasets import located
from copper_tf.runs.run import Run, fold_runs, open_run, seed_runs
from tfds_copper.errors import OutputError, SettingError
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from typing import Literal

__all__ = [
    "COMPARISON",
    "DECODINGS",
    "Baselines",
    "Comparison",
    "Evaluation",
    "Trust",
    "baselines",
    "compare",
    "evaluate",
    "trust",
]

PathLike = str | os.PathLike[str]

# The file of `compare`.
COMPARISON = "comparison.json"


def _open(run: PathLike | Run) -> Run:
    return run if isinstance(run, Run) else open_run(Path(run))


def evaluate(run: PathLike | Run, *, data: PathLike | None = None, progress: Progress | None = None) -> Evaluation:
    """Scores a run on the data it was trained on, and draws its page.

    Writes ``scores/evaluation.json``, ``scores/pictures.csv`` (every picture) and ``report/evaluation.html`` into the
    folder of the run.

    Args:
        run: a trained run; or a folder of runs: of folds, each of which is scored and then all pooled, or of several
            seeds, whose mean is scored.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        progress: called with (done, total, what).

    Returns:
        The scores of every split with their intervals; ``page`` is the path of the page.

    Raises:
        RunError: if there is no run, it isn't trained, or its dataset is gone or has changed.

    Example:
        >>> scores = copper_tf.evaluate(run)
        >>> sorted(scores.splits)
        ['test', 'train', 'validation']
        >>> scores.splits["test"].pictures
        6
        >>> scores.splits["test"].scores["mae"] >= 0
        True
    """
    (run,) = located([run], data)
    folds, seeds = ([], []) if isinstance(run, Run) else (fold_runs(Path(run)), seed_runs(Path(run)))
    opened = None if folds or seeds else _open(run)
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis import evaluation
    from copper_tf.reports.evaluation.page import render_evaluation
    from copper_tf.runs.datasets import dataset_of

    if opened is not None:
        result = evaluation.evaluate(opened, dataset_of(opened), progress)
    elif folds:
        opened, result = evaluation.evaluate_folds(folds[0].path.parent, folds, progress)
        for fold in folds:
            render_evaluation(fold)
    else:
        opened, result = evaluation.evaluate_seeds(seeds[0].path.parent, seeds, progress)
    return dataclasses.replace(result, page=render_evaluation(opened))


def trust(
    run: PathLike | Run, *others: PathLike | Run, data: PathLike | None = None, progress: Progress | None = None
) -> Trust:
    """Tests whether the maps of a segmenter can be believed; no true masks are needed.

    Test pictures are joined, pasted into, shifted and brightened, and mapped again. Writes ``scores/trust.json`` and
    ``report/trust.html`` into the folder of the run.

    Args:
        run: a trained run; or a folder of runs of several seeds, of which the first is tested and the rest are others.
        *others: runs that differ from it in their seed alone; their maps must agree with its own.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        progress: called with (done, total, what).

    Returns:
        Every test with its outcome, and the verdict; ``page`` is the path of the page.

    Raises:
        RunError: if the run is no segmenter, isn't trained, its dataset is gone, or another run differs in more than
            its seed.

    Example:
        >>> result = copper_tf.trust(run)
        >>> result.verdict in ("supported", "not supported", "undecided")
        True
        >>> [test.name for test in result.tests if test.decisive]
        ['nmse', 'binarity', 'phase_drift', 'mixture', 'additivity', 'reach_ratio', 'deletion_error']
    """
    run, *others_now = located([run, *others], data)
    seeds = [] if isinstance(run, Run) else seed_runs(Path(run))
    tested, *more = [*(seeds or [_open(run)]), *map(_open, others_now)]
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis.trust.trust import trust as test_maps
    from copper_tf.reports.evaluation.page import render_evaluation
    from copper_tf.reports.trust.page import render_trust

    result = test_maps(tested, more, progress)
    page = render_trust(tested)
    if tested.has(Evaluation):
        # The page of the evaluation shows it too.
        render_evaluation(tested)
    return dataclasses.replace(result, page=page)


def baselines(
    run: PathLike | Run,
    classifier: PathLike | Run | None = None,
    *,
    data: PathLike | None = None,
    progress: Progress | None = None,
) -> Baselines:
    """Scores simpler methods on the pictures and splits of a run.

    Graders are a first-order histogram, local binary patterns and a filter bank; for a segmenter, maps are a grey
    threshold, gradient energy and Grad-CAM. Writes ``scores/baselines.json`` into the folder of the run, and draws the
    page of its evaluation again if there is one.

    Args:
        run: a trained run.
        classifier: a classifier of the same dataset, for Grad-CAM; if it was trained with the same seed and has the
            graders' scores already, they are taken from it.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        progress: called with (done, total, what).

    Returns:
        The scores of every method; ``page`` is the path of the page, None where the run wasn't evaluated.

    Raises:
        RunError: if a run isn't trained, or the classifier is none or of another dataset.

    Example:
        >>> result = copper_tf.baselines(run)
        >>> sorted(result.graders)
        ['filter_bank', 'histogram', 'lbp']
        >>> sorted(result.maps)
        ['gradient', 'grey', 'net']
    """
    opened = _open(*located([run], data))
    explained = None if classifier is None else _open(classifier)
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis.baselines.baselines import baselines as score_baselines
    from copper_tf.reports.evaluation.page import render_evaluation
    from copper_tf.runs.datasets import dataset_of

    result = score_baselines(opened, dataset_of(opened), explained, progress)
    return dataclasses.replace(result, page=render_evaluation(opened)) if opened.has(Evaluation) else result


def compare(
    *runs: PathLike,
    output: PathLike | None = None,
    decoding: Literal["median", "argmax"] = "median",
    group_seeds: bool = False,
    force: bool = False,
) -> Comparison:
    """Compares evaluated runs of one dataset as graders of the same test pictures.

    Intervals and p values of differences come from one bootstrap over whole sheets; p values are corrected for the
    number of graders (Holm).

    Args:
        *runs: at least two evaluated runs, or folders of folds or seeds; the first is the reference.
        output: the folder that ``comparison.json`` is written to; None writes nothing.
        decoding: how the probabilities of a classifier become a grade; a map is always decoded by the mean potencies
            of the validation pictures.
        group_seeds: take runs that differ in their seed alone as one, by their mean.
        force: replace an earlier comparison.

    Returns:
        Every grader with its scores, and its differences to the reference.

    Raises:
        RunError: if a run is none, not evaluated, or of another dataset than the first.
        SettingError: if the decoding is unknown.
        OutputError: if the folder holds a comparison already, unless `force`.

    Example:
        >>> comparison = copper_tf.compare(classifier, run)
        >>> [grader.decoding for grader in comparison.graders]
        ['median', 'map']
        >>> comparison.differences[0].reference
        'classifier'
    """
    from copper_tf.analysis import comparison

    if decoding not in DECODINGS:
        raise SettingError(f"decoding must be one of {', '.join(DECODINGS)}. Received: {decoding!r}")
    file = None if output is None else Path(output) / COMPARISON
    if file and file.exists() and not force:
        raise OutputError(f"{file}: --force replaces it. Received: a comparison that is there already")
    graders = comparison.read_graders([Path(run) for run in runs], decoding)
    result = comparison.compare(comparison.group_seeds(graders) if group_seeds else graders)
    if file:
        result.write(file)
    return result
