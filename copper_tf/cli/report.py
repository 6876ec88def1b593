"""``copper report``: everything that is known of the runs of one dataset, as a page, a PDF and a model card."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.progress import progress_bar
from tfds_copper.errors import InputError, OutputError, RunError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from copper_tf.analysis.blindtest.results import BlindTestResult
    from copper_tf.analysis.hypotheses.results import HypothesisStudy
    from copper_tf.report.full.models import Member

__all__ = ["command"]

_PDF = "report.pdf"


def _json(file: Path, verb: str) -> dict[str, Any]:
    if not file.is_file():
        raise InputError(f"{file}: must be written by `copper {verb}`. Received: no such file")
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{file}: must be what `copper {verb}` wrote. Received: {error}") from None


def _study(folder: Path | None, fingerprint: str) -> HypothesisStudy | None:
    """What `copper hypotheses` wrote into a folder, if it is of the same dataset."""
    if folder is None:
        return None
    from copper_tf.analysis.hypotheses.results import STUDY, HypothesisStudy

    _json(folder / STUDY, "hypotheses")
    found = HypothesisStudy.read(folder / STUDY)
    if found.fingerprint != fingerprint:
        raise RunError(f"{folder}: must be hypotheses on the dataset of the runs. Received: those of another dataset")
    return found


def _blindtest(folder: Path | None, fingerprint: str) -> BlindTestResult | None:
    """The results of a blind test, if it is of the same dataset."""
    if folder is None:
        return None
    from copper_tf.analysis.blindtest.folder import open_test
    from copper_tf.analysis.blindtest.scoring import read_result

    result = read_result(open_test(folder))
    if result.fingerprint != fingerprint:
        raise RunError(f"{folder}: must be a blind test on the dataset of the runs. Received: one on another dataset")
    return result


def _check_licence(licence: str) -> None:
    # Hugging Face and bioimage.io take SPDX identifiers, which hold no other marks.
    if not all(c.isalnum() or c in "-.+" for c in licence):
        raise SettingError(f"license must be an SPDX identifier, such as CC-BY-4.0. Received: {licence!r}")


def _evaluate_missing(found: Sequence[Member]) -> None:
    for member in found:
        if not member.evaluated:
            click.echo(f"{member.path}: not evaluated yet, so that comes first")
            with progress_bar() as progress:
                member.evaluate(progress)


def _extra(blindtest: Path | None, hypotheses: Path | None, licence: str) -> list[str]:
    """The words of the command beside the runs, for the page."""
    folders = {"blindtest": blindtest, "hypotheses": hypotheses}
    words = [f"--{name} {shlex.quote(folder.resolve().name)}" for name, folder in folders.items() if folder]
    return words + ([f"--license {licence}"] if licence else [])


@click.command("report")
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--blindtest", type=click.Path(path_type=Path), help="A scored blind test on the same data.")
@click.option("--hypotheses", type=click.Path(path_type=Path), help="A folder of `copper hypotheses` on the same data.")
@click.option("--license", "licence", default="", help="Licence of the weights for the model card, as SPDX names it.")
@folder_option("Where the report goes.", default="report")
@force_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(
    runs: tuple[Path, ...],
    blindtest: Path | None,
    hypotheses: Path | None,
    licence: str,
    output: Path,
    force: bool,
    open_page: bool,
) -> None:
    """Write all that is known of RUNS, runs of one dataset, as one page that can be handed on.

    Writes report.html (all figures in it), report.pdf where a Chromium or Chrome is on PATH, MODEL_CARD.md, report.json
    and figures/. RUNS are classifiers, segmenters, or folders of folds or seeds; the first segmenter is shown on page
    one. What was not evaluated is evaluated first. Results of `copper trust` and `copper baselines` are taken in where
    they are; the page says what is missing.
    """
    from copper_tf.report.full.contents import DOSSIER, gather
    from copper_tf.report.full.models import members

    if (output / DOSSIER).exists() and not force:
        raise OutputError(f"{output / DOSSIER}: --force replaces it. Received: a report that is there already")
    _check_licence(licence)
    found = members(runs)
    study, blind = _study(hypotheses, found[0].fingerprint), _blindtest(blindtest, found[0].fingerprint)
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    _evaluate_missing(found)
    from copper_tf.report.common.pdf import print_pdf
    from copper_tf.report.full.model_card import render_card
    from copper_tf.report.full.page import render_report
    from copper_tf.report.full.summary import one_sentence
    from tfds_copper.files import write_json

    with progress_bar() as progress:
        told, pictures = gather(found, study, blind, _extra(blindtest, hypotheses, licence), progress)
    write_json(output / DOSSIER, told)
    # As it stands there, so that page and file are one.
    told = _json(output / DOSSIER, "report")
    page = render_report(told, found, pictures, output)
    card = render_card(told, output, licence)
    problem = print_pdf(page, output / _PDF)
    click.echo(one_sentence(told))
    for row in told["missing"]:
        click.echo(f"missing: {row['what']}: {row['how']}")
    click.echo(f"{page}\n{card}\n{problem or output / _PDF}")
    if open_page:
        click.launch(str(page))
