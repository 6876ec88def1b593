"""``copper demo``: the whole road on simulated pictures, as a script of the Python API."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click

from copper_tf.api.analysis import Evaluation, evaluate
from copper_tf.api.data import SimulationSettings, build, simulate
from copper_tf.api.inference import export, predict
from copper_tf.api.reports import report
from copper_tf.api.settings import OutputError, Progress, default_config
from copper_tf.api.training import train
from copper_tf.cli.export import print_formats
from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.report import print_report

__all__ = ["command"]

# Small pictures and a short training: enough for the map to find the rough areas, not for the paper's figures.
WORLD = SimulationSettings(labels=6, pictures=20, sheets=10, height=128, width=128, law="sqrt", seed=1)
MODELS = {
    "classifier": default_config("classifier", crop=96, c=8, d=3, epochs=40, learning_rate=0.003),
    "segmenter": default_config("segmenter"),
}
_MARK = "copper-demo"


def _prepare(output: Path, force: bool) -> None:
    """Makes an empty folder; nothing that the demo didn't make is ever deleted."""
    if output.is_dir() and any(output.iterdir()):
        ours = (output / _MARK).is_file()
        if not (ours and force):
            advice = "; --force replaces an earlier demo" if ours else ""
            raise OutputError(f"{output}: the demo needs an absent or empty folder{advice}. Received: one in use")
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARK).write_text("made by `copper demo`; replaced by --force\n", encoding="utf-8")


def _models(output: Path, progress: Progress) -> dict[str, Evaluation]:
    """Simulates and builds the data; trains, evaluates and exports a model of each kind."""
    folder = simulate(output / "micrographs", WORLD, workers=1, progress=progress)
    dataset = build(folder, output / "dataset", split="30/10/10", progress=progress)
    evaluations = {}
    for kind, config in MODELS.items():
        run = train(config, dataset, output / kind, progress=progress)
        evaluations[kind] = evaluate(run, progress=progress)
        model = output / f"{kind}_model"
        print_formats(model, export(run, model, progress=progress))
        click.echo(evaluations[kind].page)
    return evaluations


@click.command("demo")
@folder_option("Where everything goes.", default="demo")
@force_option
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
def command(output: Path, force: bool, open_page: bool) -> None:
    """Simulate, build, train both models, evaluate, predict, export and report; a few minutes on two cores."""
    started = time.monotonic()
    _prepare(output, force)
    with progress_bar() as progress:
        evaluations = _models(output, progress)
        pictures = sorted((output / "micrographs" / "t02").glob("*.png"))[:2]
        prediction = predict(output / "segmenter_model", pictures, output / "prediction", progress=progress)
        result = report([output / "segmenter", output / "classifier"], output / "report", progress=progress)
    for file in prediction.files:
        click.echo(file)
    scores = {kind: evaluation.splits["test"].scores for kind, evaluation in evaluations.items()}
    click.echo(f"grades of test pictures: {scores['classifier']['median_mae']:.2f} steps off on average")
    click.echo(f"potency maps of test pictures: ROC-AUC {scores['segmenter']['auc']:.3f} against the true masks")
    print_report(result)
    if open_page:
        click.launch(str(result.page))
    click.echo(f"{time.monotonic() - started:.0f} s in all")
