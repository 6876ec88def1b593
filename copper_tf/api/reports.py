"""Reports: everything that is known of the runs of one dataset, as a page, a PDF and a model card."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.api.decisions import read_calibration
from copper_tf.reports.full.results import Report
from copper_tf.runs.run import Run
from copper_tf.utils.tensorflow import import_tensorflow
from tfds_copper.errors import InputError, OutputError
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.reports.full.models import OpenedModel

__all__ = ["Report", "report"]

_PDF = "report.pdf"
StrPath = str | os.PathLike[str]
Runs = StrPath | Run | Sequence[StrPath | Run]


def report(
    runs: Runs, output: StrPath = "report", *, blindtest: StrPath | None = None, hypotheses: StrPath | None = None,
    calibration: StrPath | None = None, license: str = "", data: StrPath | None = None, force: bool = False,
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Writes all that is known of runs of one dataset as one page that can be handed on.

    What was not evaluated is evaluated first. Results of trust tests and baselines are taken in where they are.

    Args:
        runs: classifiers, segmenters, or folders of folds or seeds; the first segmenter is shown on page one.
        output: folder of the page, its PDF where a Chromium or Chrome is on PATH, the model card and figures.
        blindtest: folder of a scored blind test on the same data.
        hypotheses: folder of hypotheses compared on the same data.
        calibration: file or folder of `calibrate`, by the score of one of the models.
        license: of the weights, for the model card, as SPDX names it.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        force: replace a report that is there.
        progress: called with (done, total, what).

    Returns:
        The report, and where its page, card and PDF are.

    Raises:
        InputError: if the study or the blind test is missing, or the calibration is of another score.
        OutputError: if there is a report already and `force` is not given.
        RunError: if a run is none, not trained, or of another dataset than the first.
        SettingError: if the licence is no SPDX identifier.

    Example:

    >>> import copper_tf
    >>> report = copper_tf.report([classifier, segmenter], "report")
    >>> report.page.name, report.first
    ('report.html', 'segmenter')
    """
    from copper_tf.reports.full.models import open_models
    from copper_tf.reports.full.results import REPORT
    from copper_tf.runs.datasets import located

    folder = Path(output)
    if (folder / REPORT).exists() and not force:
        raise OutputError(f"{folder / REPORT}: --force replaces it. Received: a report that is there already")
    given = _given(license, calibration=calibration, blindtest=blindtest, hypotheses=hypotheses)
    models = open_models(_paths(located(_several(runs), data)))
    strength = None if calibration is None else _calibration(Path(calibration), models)
    return _written(models, folder, blindtest, hypotheses, strength, given, progress)


def _given(license: str, **folders: StrPath | None) -> dict[str, str]:
    """The options of the command that repeats a report, the licence checked."""
    from copper_tf.utils.licenses import check_license

    check_license(license)
    named = {name: Path(value).resolve().name for name, value in folders.items() if value}
    return named | ({"license": license} if license else {})


def _calibration(path: Path, models: list[OpenedModel]) -> Calibration:
    """The calibration in a file or folder, which must be of a score that one of the models gives."""
    from copper_tf.inference.prediction_rows import VALUE_COLUMNS

    found = read_calibration(path)
    scores = [VALUE_COLUMNS[model.kind] for model in models]
    if found.score not in scores:
        raise InputError(f"{path}: must be of {' or '.join(scores)}, which the models give. Received: {found.score}")
    return found


def _several(runs: Runs) -> Sequence[StrPath | Run]:
    return [runs] if isinstance(runs, str | os.PathLike | Run) else runs


def _paths(runs: Sequence[StrPath | Run]) -> list[Path]:
    return [run.path if isinstance(run, Run) else Path(run) for run in runs]


def _written(
    models: list[OpenedModel], folder: Path, blindtest: StrPath | None, hypotheses: StrPath | None,
    calibration: Calibration | None, given: dict[str, str], progress: Progress | None,
) -> Report:  # fmt: skip
    """Evaluates what isn't evaluated yet, collects the report and writes its files."""
    from copper_tf.reports.common.pdf import print_pdf
    from copper_tf.reports.full.collect import collect_report, read_blindtest, read_study
    from copper_tf.reports.full.model_card import render_card
    from copper_tf.reports.full.page import render_report
    from copper_tf.reports.full.results import REPORT

    study = None if hypotheses is None else read_study(Path(hypotheses), models[0].fingerprint)
    blind = None if blindtest is None else read_blindtest(Path(blindtest), models[0].fingerprint)
    import_tensorflow()
    unevaluated = [model for model in models if not model.evaluated]
    for model in unevaluated:
        model.evaluate(progress)
    result, images = collect_report(models, study, blind, given, progress)
    result = dataclasses.replace(result, calibration=calibration)
    result.write(folder / REPORT)
    page, card = render_report(result, models, images, folder), render_card(result, folder, given.get("license", ""))
    problem = print_pdf(page, folder / _PDF)
    return dataclasses.replace(
        result, page=page, card=card, pdf=None if problem else folder / _PDF, pdf_problem=problem,
        newly_evaluated=tuple(model.path for model in unevaluated),
    )  # fmt: skip
