"""``copper train``: from a dataset to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import explicit, flags, folder_option, force_option, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.config import GROUPS, KINDS, Config, default_config
from tfds_copper.dataset import is_dataset
from tfds_copper.errors import RunError, SettingError
from tfds_copper.settings import setting_fields
from tfds_copper.splits import SplitSettings

__all__ = ["command"]


@click.group("train")
def command() -> None:
    """Train a classifier or a segmenter into a run folder."""


def _config(kind: str, output: Path, resume: bool, values: dict[str, Any]) -> Config:
    """The settings asked for; with --resume, those not given are the run's own."""
    names = {f.name for group in GROUPS.values() for f in setting_fields(group)}
    given = {name: value for name, value in values.items() if name in names}
    from copper_tf.runs import is_run, open_run

    if not (resume and is_run(output)):
        return default_config(kind, **given)
    run = open_run(output)
    if run.config.kind != kind:
        raise RunError(f"{output}: --resume goes on with the run's own kind, {run.config.kind}. Received: {kind}")
    return run.config.replace(**explicit(given))


def _split(data: Path, values: dict[str, Any]) -> SplitSettings:
    """The split asked for; a dataset that is built has its own already.

    Raises:
        SettingError: if a split is asked for where it can't have an effect.
    """
    names = {f.name for f in setting_fields(SplitSettings)} - {"seed"}
    asked = {name: value for name, value in values.items() if name in names}
    if is_dataset(data) and (given := explicit(asked)):
        raise SettingError(
            f"{data}: a built dataset keeps the split it was built with; build it anew with `copper build`. "
            f"Received: {', '.join(given)}"
        )
    split: SplitSettings = group_of(SplitSettings, asked)
    return split


def _train(kind: str, data: Path, output: Path, resume: bool, force: bool, dry_run: bool, **values: Any) -> None:
    config = _config(kind, output, resume, values)
    if dry_run:
        click.echo(config.to_json(), nl=False)
        return
    split = _split(data, values)
    with progress_bar() as progress:
        from copper_tf.cli.sources import dataset_from, import_tensorflow

        dataset = dataset_from(data, split, progress)
        import_tensorflow()
        from copper_tf.training import train

        run = train(config, dataset, output, resume=resume, force=force, progress=progress)
    history = run.history()
    best = history[run.best_epoch()]
    shown = " ".join(f"{k} {v:.4g}" for k, v in best.items() if k.startswith("val_"))
    click.echo(f"receptive field {config.receptive_field} px")
    click.echo(f"{run.path}: {len(history)} epochs, best epoch {best['epoch']:.0f}: {shown}")


def _verb(kind: str) -> click.Command:
    defaults = default_config(kind)

    def run(**values: Any) -> None:
        _train(kind, **values)

    hidden = ("margin", "hypothesis", "decoder") if kind == "classifier" else ("head",)
    for name, group in reversed(GROUPS.items()):
        run = flags(group, getattr(defaults, name), omit=hidden)(run)
    run = flags(SplitSettings, omit=("seed",))(run)
    run = click.option("--dry-run", is_flag=True, help="Only show the settings.")(run)
    run = force_option(run)
    run = click.option("--resume", is_flag=True, help="Go on from the last finished epoch.")(run)
    run = folder_option("The run folder.")(run)
    run = click.argument("data", type=click.Path(path_type=Path))(run)
    article = "the paper's residual classifier" if kind == "classifier" else "the paper's sum-skip U-Net"
    return click.command(kind, help=f"Train {article} on DATA. --split and --min-sheets apply to a SEM folder.")(run)


for _kind in KINDS:
    command.add_command(_verb(_kind))
