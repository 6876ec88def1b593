"""``copper demo``: the whole road on simulated pictures, small enough for a few minutes on two cores."""

from __future__ import annotations

import time
from pathlib import Path

import click

from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.config import Config, default_config
from copper_tf.simulation import SimulationSettings

__all__ = ["command"]

# Small pictures and a short training: enough for the map to find the rough areas, not for the paper's figures.
WORLD = SimulationSettings(labels=6, pictures=20, sheets=10, height=128, width=128, law="sqrt", seed=1)
CLASSIFIER = default_config("classifier", crop=96, c=8, d=3, epochs=40, learning_rate=0.003)
SEGMENTER = default_config("segmenter", crop=88, c=8, d=2, epochs=12, hypothesis="sqrt", learning_rate=0.003)
_MARK = "copper-demo"


def _prepare(output: Path, force: bool) -> None:
    """An empty folder of ours; nothing that the demo didn't make is ever deleted."""
    import shutil

    from tfds_copper.errors import OutputError
    from tfds_copper.files import write_text

    if output.is_dir() and any(output.iterdir()):
        ours = (output / _MARK).is_file()
        if not (ours and force):
            advice = "; --force replaces an earlier demo" if ours else ""
            raise OutputError(f"{output}: the demo needs an absent or empty folder{advice}. Received: one in use")
        shutil.rmtree(output)
    write_text(output / _MARK, "made by `copper demo`; replaced by --force\n")


def _run(kind: str, config: Config, output: Path, data: Path) -> dict[str, float]:
    """Trains, evaluates, draws and exports one model; returns its test scores."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.cli.export import print_formats
    from copper_tf.exporters.export import export_run
    from copper_tf.reports.evaluation.page import render_evaluation
    from copper_tf.runs.datasets import dataset_of
    from copper_tf.training.loop import train
    from tfds_copper.dataset import open_dataset

    with progress_bar() as progress:
        run = train(config, open_dataset(data), output / kind, progress=progress)
        scores = evaluate(run, dataset_of(run), progress)
    model = output / f"{kind}_model"
    print_formats(model, export_run(run, model))
    click.echo(render_evaluation(run))
    return dict(scores.splits["test"].scores)


@click.command("demo")
@folder_option("Where everything goes.", default="demo")
@force_option
@click.option("--open", "open_pages", is_flag=True, help="Open the report in a browser.")
@click.pass_context
def command(ctx: click.Context, output: Path, force: bool, open_pages: bool) -> None:
    """Simulate, build, train both models, evaluate, predict, export and report; a few minutes on two cores."""
    from copper_tf.cli import predict, report
    from copper_tf.simulation import simulate
    from copper_tf.utils.tensorflow import import_tensorflow
    from tfds_copper.copper_sem import build
    from tfds_copper.splits.assign import SplitSettings

    started = time.monotonic()
    _prepare(output, force)
    folder = output / "micrographs"
    with progress_bar() as progress:
        simulate(folder, WORLD, progress=progress, workers=1)
        import_tensorflow()
        data = build(folder, output / "dataset", SplitSettings(split="30/10/10"), progress=progress)
    grades = _run("classifier", CLASSIFIER, output, data)
    maps = _run("segmenter", SEGMENTER, output, data)
    middle = sorted((folder / "t02").glob("*.png"))[:2]
    ctx.invoke(
        predict.command, model=output / "segmenter_model", pictures=tuple(middle), output=output / "prediction",
        table="predictions.csv", sheet="", pixel_size=WORLD.pixel_size_nm, palette="paper",
    )  # fmt: skip
    click.echo(f"grades of test pictures: {grades['median_mae']:.2f} steps off on average")
    click.echo(f"potency maps of test pictures: ROC-AUC {maps['auc']:.3f} against the true masks")
    ctx.invoke(
        report.command, runs=(output / "segmenter", output / "classifier"), blindtest=None, hypotheses=None, licence="",
        output=output / "report", force=False, open_page=open_pages,
    )  # fmt: skip
    click.echo(f"{time.monotonic() - started:.0f} s in all")
