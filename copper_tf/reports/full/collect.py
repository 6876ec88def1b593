"""Collects everything that a report says of the models of one dataset."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from copper_tf.analysis.baselines.results import Baselines
from copper_tf.analysis.blindtest.folder import open_test
from copper_tf.analysis.blindtest.results import BlindTestResult
from copper_tf.analysis.blindtest.scoring import read_result
from copper_tf.analysis.comparison import SCORES, Grader, compare, group_seeds, read_graders
from copper_tf.analysis.comparison_results import Comparison
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.hypotheses.results import STUDY, HypothesisStudy
from copper_tf.analysis.trust.results import Trust
from copper_tf.reports.full.acquisition import acquisition, read_records
from copper_tf.reports.full.examples import ExampleImage, choose_examples, map_examples
from copper_tf.reports.full.models import FOLDS, SEEDS, OpenedModel, first_of_kind
from copper_tf.reports.full.results import (
    ExamplePicture,
    MissingPart,
    Report,
    ReportDataset,
    ReportedModel,
    SeedScores,
    SheetMean,
)
from copper_tf.reports.full.summary import one_sentence
from copper_tf.runs.provenance import build_command, software, training_command, training_cost, weights
from copper_tf.statistics.bootstrap import UNIT, sheet_means
from copper_tf.statistics.scores import step_scores
from tfds_copper.copper_sem.metadata import DatasetMetadata
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError, RunError
from tfds_copper.progress import Progress

__all__ = ["collect_report", "read_blindtest", "read_study"]


def read_study(folder: Path, fingerprint: str) -> HypothesisStudy:
    """The study in a folder of `copper hypotheses`.

    Args:
        folder: of the study.
        fingerprint: of the dataset that it must be of.

    Raises:
        InputError: if there is none.
        RunError: if it is damaged, or of another dataset.
    """
    if not (folder / STUDY).is_file():
        raise InputError(f"{folder / STUDY}: must be written by `copper hypotheses`. Received: no such file")
    study = HypothesisStudy.read(folder / STUDY)
    if study.fingerprint != fingerprint:
        raise RunError(f"{folder}: must be hypotheses on the dataset of the runs. Received: those of another dataset")
    return study


def read_blindtest(folder: Path, fingerprint: str) -> BlindTestResult:
    """The result of a blind test.

    Args:
        folder: of the test.
        fingerprint: of the dataset that it must be of.

    Raises:
        InputError: if there is no test, or it is not scored.
        RunError: if it is damaged, or of another dataset.
    """
    result = read_result(open_test(folder))
    if result.fingerprint != fingerprint:
        raise RunError(f"{folder}: must be a blind test on the dataset of the runs. Received: one on another dataset")
    return result


def _reported(model: OpenedModel) -> ReportedModel:
    """What the report says of one model: settings, scores, cost, hashes."""
    run, first = model.pooled, model.first_run
    evaluation, statistics = run.read(Evaluation), first.reference_statistics
    costs = [training_cost(one) for one in model.runs]
    judged = first.read(Trust) if first.has(Trust) else None
    return ReportedModel(
        name=model.name,
        kind=model.kind,
        grouping=model.grouping,
        runs=len(model.runs),
        seeds=tuple(one.config.training.seed for one in model.runs),
        config=run.config.flat(),
        hypothesis=evaluation.hypothesis,
        hypothesis_note=run.hypothesis_note,
        caveats=evaluation.caveats,
        splits=evaluation.splits,
        gaps=evaluation.gaps,
        reference=tuple(statistics.described()) if statistics else (),
        out_of_distribution=evaluation.out_of_distribution,
        cost=tuple(cost for cost in costs if cost),
        weights=weights(model.runs, model.path),
        trust=judged.verdict if judged else None,
        trust_reasons=judged.reasons if judged else (),
        baselines=first.has(Baselines),
        label_means=evaluation.label_means,
        law=evaluation.law_sentence,
    )


def _dataset(datasets: Sequence[Dataset], folds: bool) -> ReportDataset:
    metadata = datasets[0].metadata
    # The folder's name, but not where on this machine it lies: a report is handed on.
    name = Path(metadata.source).name
    return ReportDataset(
        name=name,
        metadata=dataclasses.replace(metadata, source=name),
        fingerprints=tuple(d.fingerprint for d in datasets),
        pictures=sum(datasets[0].split_sizes.values()),
        folds=len(datasets) if folds else 0,
    )


def _sheets(evaluation: Evaluation) -> tuple[SheetMean, ...]:
    """The means of the sheets of the test pictures; empty where sheets are unknown."""
    test = evaluation.pictures.of_split("test")
    names = test["sheet"].tolist()
    if evaluation.kind != "segmenter" or not all(names):
        return ()
    return tuple(SheetMean(**row) for row in sheet_means(test["potency"], names, test["label"], UNIT))


def _commands(models: Sequence[OpenedModel], metadata: DatasetMetadata, options: Sequence[str]) -> tuple[str, ...]:
    """The commands that make all of it again, in their order; folders are called by their names."""
    commands = [build_command(metadata)]
    for model in models:
        name = model.path.resolve().name
        command = training_command(model.runs[0].config, "DATA", name)
        if model.grouping == SEEDS:
            command += f" --seeds {len(model.runs)}"
        commands += [command, f"copper evaluate {shlex.quote(name)}"]
        commands += [model.command_of(kind.NAME) for kind in (Trust, Baselines) if model.first_run.has(kind)]
    names = " ".join(shlex.quote(model.path.resolve().name) for model in models)
    return (*commands, " ".join(["copper report", names, *options]))


def _missing(
    models: Sequence[OpenedModel], study: HypothesisStudy | None, blindtest: BlindTestResult | None
) -> tuple[MissingPart, ...]:
    """What a report could say and this one can't, each with the command that makes it."""
    maps, grades = first_of_kind(models, "segmenter"), first_of_kind(models, "classifier")
    missing = []
    if maps is None:
        missing.append(MissingPart("Potency maps (Figures 9 and 10)",
                                   "copper train segmenter DATA -o MAPS, then name MAPS too"))  # fmt: skip
    else:
        tests = ((Trust, "Whether the maps can be believed"), (Baselines, "Simpler methods beside the model"))
        missing += [MissingPart(what, maps.command_of(kind.NAME)) for kind, what in tests
                    if not maps.first_run.has(kind)]  # fmt: skip
    if grades is None:
        missing.append(MissingPart("A classifier of the same pictures (Figure 8)",
                                   "copper train classifier DATA -o GRADES, then name it too"))  # fmt: skip
    if blindtest is None:
        missing.append(MissingPart("The experts' blind test (Figure 7)",
                                   "copper blindtest RUNS -o FOLDER, then --blindtest FOLDER"))  # fmt: skip
    if study is None:
        missing.append(MissingPart("Other hypotheses of the decay (Figure 11)",
                                   "copper hypotheses DATA -o FOLDER, then --hypotheses FOLDER"))  # fmt: skip
    return tuple(missing)


def _over_seeds(grader: Grader) -> SeedScores:
    """Mean and range of the scores over runs that differ in their seed alone."""
    labels = len(grader.times)
    each = [step_scores({"label": grader.pictures["label"], "grade": column}, labels) for column in grader.grades.T]
    return SeedScores(
        name=grader.name,
        runs=len(each),
        scores={name: float(np.mean([scores[name] for scores in each])) for name in SCORES},
        ranges={name: (min(s[name] for s in each), max(s[name] for s in each)) for name in SCORES},
    )


def _compared(models: Sequence[OpenedModel]) -> tuple[Comparison | None, SeedScores | None]:
    """The models as graders of the same test pictures; scores over seeds where they differ in their seed alone."""
    graders = group_seeds(read_graders([model.path for model in models]))
    if len(graders) == 1:
        return None, _over_seeds(graders[0]) if len(models) > 1 else None
    comparison = compare(graders)
    rows = (dataclasses.replace(row, runs=tuple(Path(run).name for run in row.runs)) for row in comparison.graders)
    return dataclasses.replace(comparison, graders=tuple(rows)), None


def _study_without_paths(study: HypothesisStudy) -> HypothesisStudy:
    rows = (dataclasses.replace(row, runs=tuple(Path(run).name for run in row.runs)) for row in study.hypotheses)
    return dataclasses.replace(study, data=Path(study.data).name, hypotheses=tuple(rows))


def _blindtest_without_paths(result: BlindTestResult) -> BlindTestResult:
    return dataclasses.replace(result, path=Path(result.path).name, dataset=Path(result.dataset).name)


def _examples(evaluation: Evaluation, images: Sequence[ExampleImage]) -> tuple[ExamplePicture, ...]:
    """The pictures of page one, with the sizes of their images."""
    by_file = {image.file: image for image in images}
    return tuple(
        dataclasses.replace(
            picture, shape=by_file[picture.file].shape, pixel_size_nm=by_file[picture.file].pixel_size_nm
        )
        for picture in choose_examples(evaluation)
    )


def collect_report(
    models: Sequence[OpenedModel],
    study: HypothesisStudy | None = None,
    blindtest: BlindTestResult | None = None,
    options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> tuple[Report, list[ExampleImage]]:
    """Collects what a report says of evaluated models of one dataset.

    Args:
        models: of `models.open_models`; the first segmenter, or else the first model, is shown on page one.
        study: of `copper hypotheses`, None where it is not given.
        blindtest: of `copper blindtest`, None where it is not given.
        options: of the command, for the section that says how to repeat it.
        progress: called with (done, total, what).

    Returns:
        The report, and the pictures of page one.

    Raises:
        RunError: if the dataset is gone or has changed.
    """
    first = first_of_kind(models, "segmenter") or models[0]
    datasets, evaluation = first.datasets(), first.pooled.read(Evaluation)
    images = map_examples(first, evaluation, progress)
    comparison, seeds = _compared(models)
    words = [f"--{name} {shlex.quote(value)}" for name, value in (options or {}).items()]
    report = Report(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labels=first.first_run.labels,
        first=first.name,
        models=tuple(_reported(model) for model in models),
        sheets=_sheets(evaluation),
        examples=_examples(evaluation, images),
        acquisition=acquisition(read_records(datasets[0], progress)),
        dataset=_dataset(datasets, first.grouping == FOLDS),
        comparison=comparison,
        seeds=seeds,
        hypotheses=study and _study_without_paths(study),
        blindtest=blindtest and _blindtest_without_paths(blindtest),
        missing=_missing(models, study, blindtest),
        commands=_commands(models, datasets[0].metadata, words),
        software=software(),
    )
    return dataclasses.replace(report, sentence=one_sentence(report)), images
