"""Many runs at once: hypotheses of the decay compared, and architectures searched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.hypotheses.results import HypothesisStudy
from copper_tf.analysis.hypotheses.verdict import NOT_SUPPORTED
from copper_tf.analysis.search_results import FAILED, INFEASIBLE, SearchResult
from copper_tf.data.sources import Data, open_single
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.errors import InputError, RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SplitSettings
from tuning.cluster import check_address, is_chief, is_worker, wait_for_plan
from tuning.hypothesis_plan import COMPARED, WAYS
from tuning.memory import bytes_text
from tuning.search_space import AUTO, BUDGETS, COSTS, OBJECTIVES, PRESET, SearchSettings

if TYPE_CHECKING:
    from tuning.sweep import Sweep
    from tuning.trials import Search

__all__ = [
    "AUTO",
    "BUDGETS",
    "COMPARED",
    "COSTS",
    "FAILED",
    "HYPOTHESES_PAGE",
    "INFEASIBLE",
    "NOT_SUPPORTED",
    "OBJECTIVES",
    "PRESET",
    "SEARCH_PAGE",
    "WAYS",
    "HypothesisStudy",
    "SearchResult",
    "SearchSettings",
    "bytes_text",
    "hypotheses",
    "is_worker",
    "plan_hypotheses",
    "plan_search",
    "search",
    "search_result",
    "work_on_hypotheses",
    "work_on_search",
]

# The pages, in the output folders.
HYPOTHESES_PAGE, SEARCH_PAGE = "report/hypotheses.html", "report/search.html"


def plan_hypotheses(
    data: Data, output: str | os.PathLike[str], *, compare: Sequence[str] | None = None,
    learn: Sequence[str] | None = None, permutations: int | None = None, seed: int | None = None,
    seeds: int | None = None, split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Sweep:  # fmt: skip
    """The runs that `hypotheses` trains with the same arguments, which it describes; nothing is written.

    Returns:
        The sweep; its ``plan`` holds every run by name.

    Raises:
        InputError: if the data can't be used.
        SettingError: if a setting or hypothesis is not allowed.
    """
    from tuning.hypothesis_plan import plan_sweep

    dataset = open_single(data, split_settings, read_settings, progress, "hypotheses are compared on one split")
    return plan_sweep(
        Path(output), dataset, compare=compare, learn=learn, permutations=permutations, seed=seed, seeds=seeds,
        settings=settings, resume=resume,
    )  # fmt: skip


def hypotheses(
    data: Data, output: str | os.PathLike[str], *, compare: Sequence[str] | None = None,
    learn: Sequence[str] | None = None, permutations: int | None = None, seed: int | None = None,
    seeds: int | None = None, workers: int = 1, split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, resume: bool = False, force: bool = False,
    progress: Progress | None = None, **settings: Any,
) -> HypothesisStudy:  # fmt: skip
    """Trains the segmenter for several hypotheses g, ranks them, and names the law of the decay.

    Args:
        data: a built dataset, a SEM folder (built first), or an open dataset.
        output: the folder of the runs, of the study (``hypotheses.json``) and its page (``report/hypotheses.html``).
        compare: registered names, or JSON files of tables keyed by t; `hypothesis_plan.COMPARED` by default.
        learn: ways to estimate the curve without a hypothesis, ``"anchors"``, ``"iterative"`` or
            ``"areas"``; none by default.
        permutations: hypotheses with permuted levels, each trained once; 20 by default, or all where there are fewer.
        seed: the first seed; 0 by default.
        seeds: number of seeds of each; 5 by default.
        workers: processes of this machine that train side by side.
        split_settings: how a SEM folder is split, or which ``fold`` of a built dataset is taken.
        read_settings: how the pictures of a SEM folder are read.
        resume: continue what is planned in the folder; what is named here is added, nothing is dropped.
        force: replace what is in the folder.
        progress: called with (done, total, what).
        **settings: of the runs, by name, e.g. ``epochs=20``.

    Raises:
        InputError: if the data can't be used, or no run finishes.
        OutputError: if the folder is in use.
        RunError: if `resume` meets other settings or data.
        SettingError: if a setting or hypothesis is not allowed.

    Example:

    >>> import copper_tf
    >>> study = copper_tf.hypotheses(data, "study", compare=["linear", "sqrt"], seeds=1, permutations=1, **tiny)
    >>> sorted(row.name for row in study.hypotheses)
    ['linear', 'sqrt']
    """
    sweep = plan_hypotheses(
        data, output, compare=compare, learn=learn, permutations=permutations, seed=seed, seeds=seeds,
        split_settings=split_settings, read_settings=read_settings, resume=resume, progress=progress, **settings,
    )  # fmt: skip
    return _study(_trained(sweep, workers, resume, force, progress), seed or 0, progress)


def _trained(sweep: Sweep, workers: int, resume: bool, force: bool, progress: Progress | None) -> Sweep:
    """The sweep with every run trained."""
    import_tensorflow()
    from tuning.engine import run_sweep
    from tuning.sweep import start_sweep
    from tuning.workers import run_workers

    sweep = start_sweep(sweep, resume=resume, force=force)
    if workers > 1:
        run_workers(sweep.path, workers, sweep.status, progress)
    else:
        run_sweep(sweep, progress)
    return sweep


def _study(sweep: Sweep, seed: int, progress: Progress | None) -> HypothesisStudy:
    """What the finished runs say, written beside them with its page."""
    from copper_tf.analysis.baselines.baselines import score_graders
    from copper_tf.analysis.hypotheses.results import STUDY
    from copper_tf.analysis.hypotheses.study import study_runs
    from copper_tf.reports.hypotheses.page import render_hypotheses
    from copper_tf.runs.run import open_run
    from tuning.hypothesis_plan import finished_runs

    runs, permuted, failed = finished_runs(sweep)
    if not runs:
        raise InputError(f"{sweep.path}: at least one run must finish. Received: {next(iter(failed.values()))}")
    first = open_run(next(iter(runs.values()))[0])
    # How well brightness alone grades the same pictures.
    graders = score_graders(sweep.dataset(), first.normalisation, 0, progress, ["histogram"])
    study = study_runs(runs, permuted, graders["histogram"].scores["qwk"], seed, failed)
    study.write(sweep.path / STUDY)
    render_hypotheses(sweep.path, study)
    return study


def work_on_hypotheses(data: Data, output: str | os.PathLike[str], **arguments: Any) -> None:
    """Trains what a chief hands out, in a worker process of a cluster, see `is_worker`.

    Args:
        data: see `hypotheses`; a dataset that is built.
        output: the folder that all processes share.
        **arguments: those of `plan_hypotheses`, the same as the chief's.

    Raises:
        RunError: if the chief's plan doesn't come, or the chief stops answering.
    """
    planned = plan_hypotheses(data, output, **arguments)
    import_tensorflow()
    from tuning.engine import run_sweep
    from tuning.sweep import PLAN, open_sweep

    def ready() -> bool:
        return (planned.path / PLAN).is_file() and set(open_sweep(planned.path).plan) >= set(planned.plan)

    wait_for_plan(planned.path, "sweep", ready)
    run_sweep(open_sweep(planned.path))


def plan_search(
    kind: str, data: Data, output: str | os.PathLike[str], *, resume: bool = False,
    split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None,
    progress: Progress | None = None, **settings: Any,
) -> Search:  # fmt: skip
    """The points that `search` may try with the same arguments, which it describes; nothing is written.

    Returns:
        The search: the points, the memory of a training step of each, and the budget.

    Raises:
        InputError: if the data can't be used, or no point fits into memory.
        RunError: if `resume` meets a search of the other kind.
        SettingError: if a setting is not allowed, or the budget is too small.
    """
    from tuning.trials import is_search, open_search

    folder, (wanted, of_runs) = Path(output), SearchSettings.split(settings)
    existing = open_search(folder) if resume and is_search(folder) else None
    dataset = open_single(data, split_settings, read_settings, progress, "architectures are searched on one split")
    import_tensorflow()
    check_address()
    import tuning.search_plan as planning

    if existing:
        return planning.resume_search(existing, kind, dataset, wanted, of_runs)
    return planning.plan_search(kind, folder, dataset, wanted, of_runs, progress)


def search(
    kind: str, data: Data, output: str | os.PathLike[str], *, workers: int = 1, resume: bool = False,
    force: bool = False, split_settings: SplitSettings | Mapping[str, Any] | None = None,
    read_settings: ReadSettings | Mapping[str, Any] | None = None, progress: Progress | None = None, **settings: Any,
) -> SearchResult:  # fmt: skip
    """Searches the architecture within a memory limit and a budget of training steps.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        data: a built dataset, a SEM folder (built first), or an open dataset.
        output: the folder of the runs, of the result (``search_result.json``) and its page (``report/search.html``).
        workers: processes of this machine that train side by side.
        resume: continue the search in the folder, or start one where there is none; a larger budget is taken, and the
            values of a space that is named are added to those of the search.
        force: replace the search in the folder.
        split_settings: how a SEM folder is split, or which ``fold`` of a built dataset is taken.
        read_settings: how the pictures of a SEM folder are read.
        progress: called with (done, total, what).
        **settings: of the search, by the names of `SearchSettings`, e.g. ``space=["c=8,16", "d"], oracle="random"``;
            and of its runs, e.g. ``epochs=20``.

    Raises:
        InputError: if the data can't be used, or no point fits into memory.
        OutputError: if the folder is in use.
        RunError: if `resume` meets other settings or data.
        SettingError: if a setting is not allowed, or the budget is too small.

    Example:

    >>> import copper_tf
    >>> result = copper_tf.search("segmenter", data, "search", space=["c=4,6"], oracle="grid", **tiny)
    >>> result.best in ("c4", "c6"), result.cost.share
    (True, 1.0)
    """
    if force and (is_worker() or is_chief()):
        raise SettingError("--force can't be used by chief and workers: some would continue the old. Received: it")
    planned = plan_search(
        kind, data, output, resume=resume, split_settings=split_settings, read_settings=read_settings,
        progress=progress, **settings,
    )  # fmt: skip
    from tuning.engine import run_search
    from tuning.search_plan import start_search
    from tuning.workers import run_workers

    started = start_search(planned, resume=resume, force=force)
    if workers > 1:
        run_workers(started.sweep.path, workers, started.status, progress)
    else:
        run_search(started, progress)
    return search_result(output)


def search_result(
    output: str | os.PathLike[str], kind: str | None = None, against: str | None = None
) -> SearchResult:  # fmt: skip
    """The result of a search so far, whether it has ended or not; the page is drawn again, nothing is trained.

    Args:
        output: the folder of the search.
        kind: that the search must be of; None for any.
        against: what the objective is weighed against, ``"memory"`` or ``"speed"``; that of the search by default.

    Raises:
        RunError: if there is no search, or one of the other kind.
        SettingError: if `against` is unknown.
    """
    import dataclasses

    from copper_tf.reports.search.page import render_search
    from tuning.search_space import COSTS
    from tuning.summary import summarise
    from tuning.trials import open_search

    opened, wanted = open_search(Path(output)), SearchSettings(against=against)
    if kind not in (None, opened.sweep.base.kind):
        raise RunError(f"{output}: holds a search of a {opened.sweep.base.kind}. Received: {kind}")
    result = summarise(dataclasses.replace(opened, against=COSTS[wanted.against or opened.against.name]))
    render_search(Path(output), result)
    return result


def work_on_search(output: str | os.PathLike[str]) -> None:
    """Trains what a chief hands out, in a worker process of a cluster, see `is_worker`.

    Args:
        output: the folder that all processes share.

    Raises:
        RunError: if the chief's plan doesn't come, or the chief stops answering.
    """
    check_address()
    import_tensorflow()
    from tuning.engine import run_search
    from tuning.trials import is_search, open_search

    wait_for_plan(Path(output), "search", lambda: is_search(Path(output)))
    run_search(open_search(Path(output)))
