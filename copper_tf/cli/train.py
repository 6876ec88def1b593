"""``copper train``: from a dataset to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.settings import (
    DEFAULT,
    GROUPS,
    KINDS,
    PRESETS,
    ReadSettings,
    SettingError,
    SplitSettings,
    data_settings,
    default_config,
    training_settings,
    unread_settings,
)
from copper_tf.api.training import Run, check_hypothesis, config_of, train_runs, training_config
from copper_tf.cli.options import explicit, flags, folder_option, force_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb, VerbGroup

__all__ = ["command"]


@click.group("train", cls=VerbGroup)
def command() -> None:
    """Train a classifier or a segmenter into a run folder."""


def _print(run: Run) -> None:
    """How training went, in a few lines."""
    history = run.history()
    best = history[run.best_epoch()]
    scores = " ".join(f"{k} {v:.4g}" for k, v in best.items() if k.startswith("val_"))
    say(f"{run.path}: {len(history)} epochs, weights of epoch {best['epoch']:.0f}: {scores}")
    if run.hypothesis_note:
        say(run.hypothesis_note)
    width = f"receptive field {run.receptive_field} px, grey values relative to {run.config.normalised_over}"
    say(width + (f", mean chord of its maps {run.mean_chord:.0f} px" if run.mean_chord > 0 else ""))
    for caveat in run.caveats:
        warn(caveat)


def _train(
    kind: str, data: Path, output: Path | None, preset: str | None, config_file: Path | None, resume: bool, force: bool,
    dry_run: bool, seeds: int, weights: Path | None, new_head: bool, **values: Any,
) -> None:  # fmt: skip
    given = explicit(values)
    settings = training_settings(given)
    if new_head and not weights:
        raise SettingError("--new-head is for training that begins with --weights. Received: none")
    begin: Any = kind
    if config_file:
        begin = config_of(config_file)
        if begin.kind != kind:
            raise SettingError(f"{config_file}: must be settings of a {kind}. Received: {begin.kind}")
    if dry_run:
        config = training_config(begin, output, preset=preset, resume=resume, weights=weights, **settings)
        check_hypothesis(config, data)
        click.echo(config.to_json(), nl=False)
        return
    if output is None:
        raise click.MissingParameter(
            ctx=click.get_current_context(), param_hint="'-o' / '--output'", param_type="option"
        )
    split, reading = data_settings(given)
    trained = []
    with progress_bar() as progress:
        for run in train_runs(
            begin, data, output, preset=preset, seeds=seeds, resume=resume, force=force, split_settings=split,
            read_settings=reading, weights=weights, new_head=new_head, progress=progress, **settings,
        ):  # fmt: skip
            _print(run)
            trained.append(run)
    give(trained)


def _verb(kind: str) -> click.Command:
    defaults = default_config(kind)

    def run(**values: Any) -> None:
        _train(kind, **values)

    run = flags(SplitSettings, omit=("seed",))(flags(ReadSettings)(run))
    for name, group in reversed(GROUPS.items()):
        run = flags(group, getattr(defaults, name), omit=unread_settings(kind))(run)
    run = click.option("--dry-run", is_flag=True, help="Only show the settings.")(run)
    run = force_option(run)
    several = "Train so many, each with a seed of its own; together they are an ensemble."
    run = click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True, help=several)(run)
    named = f"Settings to begin with, which flags change; paper has the paper's own.  [default: {DEFAULT}]"
    run = click.option("--preset", type=click.Choice(list(PRESETS)), help=named)(run)
    file = "Settings to begin with, as --dry-run prints them and a run's config.json has them; flags change them."
    run = click.option("--config", "config_file", type=click.Path(path_type=Path), help=file)(run)
    fresh = "With --weights: begin with fresh weights in the head, as other labels need."
    run = click.option("--new-head", is_flag=True, help=fresh)(run)
    tuned = "Begin with the weights of this run (fine-tuning); its network is the default."
    run = click.option("--weights", type=click.Path(path_type=Path), metavar="RUN", help=tuned)(run)
    further = "Go on from the last finished epoch; more --epochs than before train a finished run further."
    run = click.option("--resume", is_flag=True, help=further)(run)
    run = folder_option("The run folder; --dry-run needs none.", required=False)(run)
    run = click.argument("data", type=click.Path(path_type=Path))(run)
    article = "the paper's residual classifier" if kind == "classifier" else "the paper's sum-skip U-Net"
    about = (
        f"Train {article} on DATA. Of folds, all are trained, each into a folder of its own, unless --fold chooses "
        "one. How pictures are split and read applies to a SEM folder."
    )
    return click.command(kind, cls=Verb, help=about)(run)


for _kind in KINDS:
    command.add_command(_verb(_kind))
