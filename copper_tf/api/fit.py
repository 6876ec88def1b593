"""From a SEM folder to the report in one call: what `copper fit` does, each stage by the function of its own verb."""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from copper_tf.analysis.baselines.results import Baselines
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.trust.results import Trust, Verdict
from copper_tf.analysis.trust.verdict import NOT_SUPPORTED
from copper_tf.api.analysis import baselines, evaluate, trust
from copper_tf.api.inference import export
from copper_tf.api.reports import Report, report
from copper_tf.api.training import train
from copper_tf.config import KINDS, default_config
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import EVALUATION_PAGE, TRUST_PAGE, Run, is_run
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.audit.findings import LEAST_CROPS
from tfds_copper.dataset import Dataset, is_dataset, open_dataset
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.files import check_links, lock_folder, read_json, write_json
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.results import Result, transient
from tfds_copper.settings import Value
from tfds_copper.splits.assign import SplitSettings

__all__ = ["BUDGET", "NOT_SUPPORTED", "Fit", "FitPlan", "fit"]

# Minutes that are planned for where no one says how many.
BUDGET = 60.0
CLASSIFIER, SEGMENTER = KINDS
CHECK, DATASET, REPORT = "check", "dataset", "report"
PLAN, RESULT = "fit_plan.json", "fit.json"
# What was asked for; it marks the folder of a fit from its first moment.
_MARK = "fit_request.json"
_MODEL = "{}_model"
# What happens after the build, in this order.
_STAGES = (SEGMENTER, CLASSIFIER, "evaluation", "trust", "baselines", REPORT, "export")
# A classifier of fewer epochs isn't worth its name, unless its pictures are so many that it needs no more.
_LEAST_EPOCHS = 10

PathLike = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True)
class FitPlan(Result):
    """How long each stage is to take, and the epochs that fit into that: ``fit_plan.json``.

    Attributes:
        budget: minutes that were asked for.
        seconds: of each stage, measured or expected.
        epochs: of each kind of model.
        classifier_epoch: seconds of one epoch of the classifier.
    """

    FORMAT: ClassVar[str] = "copper-fit-plan 1"

    budget: float
    seconds: Mapping[str, float]
    epochs: Mapping[str, int]
    classifier_epoch: float

    def after_segmenter(self, seconds: float) -> FitPlan:
        """The plan once the segmenter has taken so long: what is over the budget then, the classifier makes up for."""
        known = dataclasses.replace(self, seconds={**self.seconds, SEGMENTER: seconds})
        late, planned = 60 * (known.minutes - self.budget), self.epochs[CLASSIFIER]
        if late <= 0:
            return known
        epochs = max(min(planned, _LEAST_EPOCHS), planned - math.ceil(late / self.classifier_epoch))
        classifier = self.seconds[CLASSIFIER] - (planned - epochs) * self.classifier_epoch
        return dataclasses.replace(
            known, seconds={**known.seconds, CLASSIFIER: classifier}, epochs={**self.epochs, CLASSIFIER: epochs}
        )

    @property
    def minutes(self) -> float:
        """Of all stages together."""
        return sum(self.seconds.values()) / 60


@dataclasses.dataclass(frozen=True)
class Fit(Result):
    """What a fit came to: ``fit.json``.

    Attributes:
        verdict: of `trust` on the maps; not supported, too, where the pictures gave no map.
        reasons: the sentences that it rests on.
        seconds: that each stage took, in the call that ended it.
        plan: how long they were to take.
        report: transient; the report that was written.
        output: transient; the folder.
    """

    FORMAT: ClassVar[str] = "copper-fit 1"

    verdict: Verdict
    reasons: tuple[str, ...]
    seconds: Mapping[str, float]
    plan: FitPlan
    report: Report | None = transient()
    output: Path | None = transient()


def _check_request(budget: float | None, values: Mapping[str, Value]) -> None:
    """Whether so much time and these settings can be had."""
    if budget is not None and not 0 < budget < math.inf:
        raise SettingError(f"budget must be a positive number of minutes. Received: {budget:g}")
    if (folds := values.get("folds")) and not values.get("fold"):
        raise SettingError(f"fold must be chosen, from 1 to {folds}, since a fit has one dataset. Received: 0")


def _check_output(output: Path, resume: bool, force: bool) -> None:
    """Whether a fit may go here; nothing is written or deleted."""
    if resume and force:
        raise SettingError("resume goes on with a fit and force replaces it; give one of them. Received: both")
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output}: fit needs a folder. Received: a file")
    if not output.is_dir() or not any(output.iterdir()):
        return
    check_links(output)
    if not (output / _MARK).is_file():
        raise OutputError(f"{output}: fit needs an absent or empty folder. Received: one with other files")
    if not (resume or force) and (output / PLAN).is_file():
        raise OutputError(f"{output}: holds a fit; --resume goes on with it, --force replaces it. Received: neither")


def _request(output: Path, resume: bool, given: dict[str, Any]) -> dict[str, Any]:
    """All that was asked for, by name: what is given, and for the rest the defaults or what a fit to go on with has."""
    if resume and (output / _MARK).is_file():
        try:
            kept: dict[str, Any] = dict(read_json(output / _MARK))
        except (TypeError, ValueError) as error:
            raise RunError(f"{output / _MARK}: must be what copper fit wrote. Received: {error}") from None
        for name, value in given.items():
            if value != kept.get(name):
                raise RunError(
                    f"{output}: --resume goes on with the fit's own settings, {name} = {kept.get(name)!r}. "
                    f"Received: {name} = {value!r}"
                )
        return kept
    usual = {**SplitSettings().to_dict(), **ReadSettings().to_dict(), "budget": BUDGET}
    if unknown := sorted(set(given) - {*usual, "folder"}):
        raise SettingError(f"unknown setting; known are {', '.join(usual)}. Received: {', '.join(unknown)}")
    return {**usual, **given}


def _dataset(output: Path, request: dict[str, Any], force: bool, progress: Progress | None) -> Dataset:
    """Checks and builds the folder, unless that is done already; a fit that was there is deleted once that is sound."""
    if is_dataset(output / DATASET) and not force:
        return open_dataset(output / DATASET)
    from copper_tf.data.sources import build_datasets, named_settings, scan_and_survey
    from copper_tf.reports.check.page import write_check

    folder, given = request["folder"], {k: v for k, v in request.items() if k not in ("folder", "budget")}
    splitting, reading = named_settings(None, None, given)
    survey = scan_and_survey(folder, splitting, reading, progress)
    found = write_check(survey, splitting, output / CHECK)
    if not found.sound:
        raise InputError(
            f"{folder}: must be sound to learn from; {found.page} shows all. Received: {found.problems[0].text}"
        )
    for name in (DATASET, *KINDS, REPORT, *map(_MODEL.format, KINDS)):
        shutil.rmtree(output / name, ignore_errors=True)
    for name in (PLAN, RESULT):
        (output / name).unlink(missing_ok=True)
    write_json(output / _MARK, request)
    return build_datasets(survey, splitting, output / DATASET, progress=progress)[0]


def _check_enough(dataset: Dataset, crop: int) -> None:
    """Refuses training pictures that hold too few different crops for a map to be learned from."""
    from copper_tf.data.pictures import examples

    held = sum(example.pixels.size for example in examples(dataset, "train")) // crop**2
    if held < LEAST_CROPS:
        raise InputError(
            f"{dataset.metadata.source}: the training pictures must hold at least {LEAST_CROPS} crops of {crop} px to "
            f"learn maps from; add pictures, or larger ones. Received: {dataset.split_sizes['train']} pictures that "
            f"hold {held}"
        )


def _planned(dataset: Dataset, budget: float, seed: int) -> FitPlan:
    """Measures both models on this machine, and spends the budget on what is left to the classifier's epochs."""
    from copper_tf.analysis.baselines.features import texture_seconds
    from copper_tf.training.plan import FITS, plan_stages

    trained = dataset.split_sizes["train"]
    configs = {kind: default_config(kind, seed=seed).for_pictures(trained) for kind in KINDS}
    _check_enough(dataset, configs[SEGMENTER].data.crop)
    seconds, epochs, each = plan_stages(configs, dataset, budget * 60, texture_seconds)
    if epochs[CLASSIFIER] < (least := min(_LEAST_EPOCHS, configs[CLASSIFIER].training.epochs)):
        needed = FITS * (sum(seconds.values()) + each * (least - epochs[CLASSIFIER])) / 60
        raise SettingError(
            f"budget must be at least {math.ceil(needed)} minutes for these pictures on this machine. "
            f"Received: {budget:g}"
        )
    return FitPlan(budget, seconds, epochs, each)


class _Stages:
    """Counts the stages, tells how far each is, and notes how long it took.

    Args:
        progress: called with (done, total, what).
    """

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.number = progress, 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress | None]:
        """Yields the progress of one stage."""
        self.number += 1
        started, number = time.monotonic(), self.number

        def tell(done: int, total: int, what: str) -> None:
            assert self.progress is not None
            self.progress(done, total, f"{number}/{len(_STAGES)} {name}: {what}")

        yield tell if self.progress else None
        self.seconds[name] = time.monotonic() - started


def _segmenter(dataset: Dataset, output: Path, plan: FitPlan, seed: int, progress: Progress | None) -> Run | str:
    """The trained segmenter; the reason why there is none where the pictures give no map."""
    from copper_tf.training.free_ends import NothingLearnedError

    settings: dict[str, Any] = {"epochs": plan.epochs[SEGMENTER], "seed": seed}
    try:
        return train(SEGMENTER, dataset, output / SEGMENTER, resume=True, progress=progress, **settings)
    except NothingLearnedError as error:
        return str(error)


def _judged(
    stages: _Stages, maps: Run | None, grades: Run, output: Path
) -> tuple[Trust | None, Report]:  # fmt: skip
    """Evaluates, tests and reports what was trained, and exports it; what is done already is left as it is."""
    runs, judged = [run for run in (maps, grades) if run], None
    with stages.stage("evaluation") as progress:
        for run in runs:
            # Its page comes last.
            if not run.has(Evaluation) or not (run.path / EVALUATION_PAGE).is_file():
                evaluate(run, progress=progress)
    with stages.stage("trust") as progress:
        if maps:
            done = maps.has(Trust) and (maps.path / TRUST_PAGE).is_file()
            judged = maps.read(Trust) if done else trust(maps, progress=progress)
    with stages.stage("baselines") as progress:
        # The classifier first: the graders of both are the same.
        for run in reversed(runs):
            if not run.has(Baselines):
                baselines(run, grades if run is maps else None, progress=progress)
    with stages.stage(REPORT) as progress:
        written = report(runs, output / REPORT, force=True, progress=progress)
    with stages.stage("export") as progress:
        for run in runs:
            export(run, output / _MODEL.format(run.config.kind), force=True, progress=progress)
    return judged, written


def fit(
    folder: PathLike, output: PathLike, *, budget: float | None = None, resume: bool = False, force: bool = False,
    on_plan: Callable[[FitPlan], None] | None = None, progress: Progress | None = None, **values: Value,
) -> Fit:  # fmt: skip
    """Checks and builds a SEM folder, trains both models on it, judges them, and writes the report and the exports.

    All that is made is an ordinary dataset, run, report or export, in folders of `output`; killed at any moment,
    `resume` goes on.

    Args:
        folder: the SEM folder.
        output: a folder, absent or empty.
        budget: minutes to plan for, `BUDGET` where None; where the segmenter takes longer, the classifier gets fewer
            epochs.
        resume: go on with a fit that is there, or start one where there is none; what isn't given is the fit's own.
        force: replace a fit that is there, once the folder is found to be sound.
        on_plan: called with the plan, before anything is trained.
        progress: called with (done, total, what).
        **values: settings of `SplitSettings` and `ReadSettings`, by name; ``seed`` is that of both models, too, and
            with ``folds`` one ``fold`` must be chosen.

    Returns:
        The verdict on the maps, the plan and what it took; ``report`` has the files.

    Raises:
        InputError: if the folder can't be used, or nothing sound could be learnt from it.
        OutputError: if the output folder is in use.
        RunError: if `resume` meets other settings, or another folder.
        SettingError: if a setting is unknown or not allowed, or the budget is too small.
    """
    where = Path(output)
    _check_request(budget, values)
    _check_output(where, resume, force)
    given = {"folder": str(Path(folder).resolve()), **({} if budget is None else {"budget": budget}), **values}
    request = _request(where, resume, given)
    where.mkdir(parents=True, exist_ok=True)
    with lock_folder(where):
        # What ended before its plan (a wrong folder, too small a budget) is no fit to keep: the next call begins anew.
        unplanned = not (where / PLAN).is_file() and not resume
        if unplanned or not (where / _MARK).is_file():
            write_json(where / _MARK, request)
        dataset = _dataset(where, request, force or unplanned, progress)
        seed = int(request["seed"])
        plan = FitPlan.read(where / PLAN) if (where / PLAN).is_file() else _planned(dataset, request["budget"], seed)
        plan.write(where / PLAN)
        if on_plan:
            on_plan(plan)
        return _trained_and_judged(dataset, where, plan, seed, progress)


def _trained_and_judged(dataset: Dataset, output: Path, plan: FitPlan, seed: int, progress: Progress | None) -> Fit:
    """All stages after the build."""
    import_tensorflow()
    stages = _Stages(progress)
    with stages.stage(SEGMENTER) as told:
        maps = _segmenter(dataset, output, plan, seed, told)
    if isinstance(maps, Run) and not is_run(output / CLASSIFIER):
        plan = plan.after_segmenter(maps.read(TrainingRecord).seconds)
        plan.write(output / PLAN)
    with stages.stage(CLASSIFIER) as told:
        settings: dict[str, Any] = {"epochs": plan.epochs[CLASSIFIER], "seed": seed}
        grades = train(CLASSIFIER, dataset, output / CLASSIFIER, resume=True, progress=told, **settings)
    judged, written = _judged(stages, None if isinstance(maps, str) else maps, grades, output)
    verdict: Verdict = judged.verdict if judged else NOT_SUPPORTED
    reasons = judged.reasons if judged else (str(maps),)
    result = Fit(verdict, reasons, stages.seconds, plan, written, output)
    result.write(output / RESULT)
    return result
