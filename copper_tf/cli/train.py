"""``copper train``: from a dataset to a run folder."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import explicit, flags, folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.config import GROUPS, KINDS, Config, default_config, unread_settings
from copper_tf.runs.run import FOLD, SEED
from tfds_copper.errors import RunError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

__all__ = ["command"]


@click.group("train")
def command() -> None:
    """Train a classifier or a segmenter into a run folder."""


def _config(kind: str, output: Path, resume: bool, values: dict[str, Any]) -> Config:
    """The settings asked for; with --resume, those not given are the run's own."""
    names = {f.name for group in GROUPS.values() for f in setting_fields(group)}
    given = {name: value for name, value in values.items() if name in names}
    from copper_tf.runs.run import is_run, open_run

    if not (resume and is_run(output)):
        return default_config(kind, **given)
    run = open_run(output)
    if run.config.kind != kind:
        raise RunError(f"{output}: --resume goes on with the run's own kind, {run.config.kind}. Received: {kind}")
    return run.config.replace(**explicit(given))


def _train_one(config: Config, dataset: Any, output: Path, resume: bool, force: bool) -> None:
    from copper_tf.training.loop import train

    with progress_bar() as progress:
        run = train(config, dataset, output, resume=resume, force=force, progress=progress)
    history = run.history()
    best = history[run.best_epoch()]
    shown = " ".join(f"{k} {v:.4g}" for k, v in best.items() if k.startswith("val_"))
    click.echo(f"{run.path}: {len(history)} epochs, weights of epoch {best['epoch']:.0f}: {shown}")
    if run.law_note:
        click.echo(run.law_note)
    from copper_tf.models.geometry import receptive_field_of

    seen = f"receptive field {receptive_field_of(config)} px, grey values relative to {config.normalised_over}"
    click.echo(seen + (f", mean chord of its maps {run.mean_chord:.0f} px" if run.mean_chord > 0 else ""))
    for text in run.caveats:
        click.echo(f"warning: {text}")


def _train(
    kind: str, data: Path, output: Path, resume: bool, force: bool, dry_run: bool, seeds: int, **values: Any
) -> None:  # fmt: skip
    config = _config(kind, output, resume, values)
    if dry_run:
        click.echo(config.to_json(), nl=False)
        return
    from copper_tf.data.sources import data_settings, open_or_build
    from copper_tf.utils.tensorflow import import_tensorflow

    with progress_bar() as progress:
        datasets = open_or_build(data, *data_settings(explicit(values)), progress)
    import_tensorflow()
    first = config.training.seed
    for seed, dataset in itertools.product(range(first, first + seeds), datasets):
        where = output / SEED.format(seed) if seeds > 1 else output
        where = where / FOLD.format(dataset.metadata["settings"]["fold"]) if len(datasets) > 1 else where
        config = _config(kind, where, resume, values).replace(seed=seed)
        _train_one(config, dataset, where, resume, force)


def _verb(kind: str) -> click.Command:
    defaults = default_config(kind)

    def run(**values: Any) -> None:
        _train(kind, **values)

    for name, group in reversed(GROUPS.items()):
        run = flags(group, getattr(defaults, name), omit=unread_settings(kind))(run)
    run = flags(ReadSettings)(flags(SplitSettings, omit=("seed",))(run))
    run = click.option("--dry-run", is_flag=True, help="Only show the settings.")(run)
    run = force_option(run)
    several = "Train so many, each with a seed of its own; together they are an ensemble."
    run = click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True, help=several)(run)
    run = click.option("--resume", is_flag=True, help="Go on from the last finished epoch.")(run)
    run = folder_option("The run folder.")(run)
    run = click.argument("data", type=click.Path(path_type=Path))(run)
    article = "the paper's residual classifier" if kind == "classifier" else "the paper's sum-skip U-Net"
    about = (
        f"Train {article} on DATA. Of folds, all are trained, each into a folder of its own, unless --fold chooses "
        "one. How pictures are split and read applies to a SEM folder."
    )
    return click.command(kind, help=about)(run)


for _kind in KINDS:
    command.add_command(_verb(_kind))
