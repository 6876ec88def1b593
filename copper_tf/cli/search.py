"""``copper search``: the architecture (n, N, c, d) within a memory limit and a budget of training steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.settings import (
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
from copper_tf.api.studies import (
    AUTO,
    BUDGETS,
    COSTS,
    FAILED,
    INFEASIBLE,
    OBJECTIVES,
    PRESET,
    SEARCH_PAGE,
    SearchResult,
    SearchSettings,
    bytes_text,
    is_worker,
    plan_search,
    search,
    search_result,
    work_on_search,
)
from copper_tf.cli.options import Variadic, explicit, flags, folder_option, force_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import VerbGroup

__all__ = ["command"]

_NO_RESULT = 1
_SHOWN = 20
# Settings of runs that have no flag, or another one: runs are trained for a supposed g with seeds of their own.
_OWN = ("learn", "seed", "batch_size")


def _print(result: SearchResult) -> None:
    tried = [trial for trial in result.trials if trial.status != INFEASIBLE]
    rows = [
        [
            *(f"{trial.settings[name]}" for name in result.space),
            trial.status,
            str(trial.epochs),
            number(trial.objective, trial.interval),
            bytes_text(trial.memory_bytes),
            number(trial.seconds_per_picture),
            f"{trial.receptive_field_px}",
        ]
        for trial in tried[:_SHOWN]
    ]
    head = ["status", "epochs", result.objective.title, "memory", "s a picture", "sees, px"]
    print_table([*result.space, *head], rows)
    if len(tried) > _SHOWN:
        say(f"and {len(tried) - _SHOWN} more trials, see the page")
    for trial in result.trials:
        if trial.status == FAILED:
            warn(f"{trial.name} failed: {trial.reason}")
    if skipped := len(result.trials) - len(tried):
        say(f"{skipped} points need more memory than the limit and were not tried")
    cost = result.cost
    say(f"{cost.steps} training steps, {100 * cost.share:.0f} % of the full grid's {cost.grid_steps}")
    if best := result.best_trial:
        near = ", ".join(result.within_standard_error)
        also = f"; within one standard error of it: {near}" if near else ""
        say(f"best: {best.name}, {result.objective.title} {best.objective:.3f}{also}")
        say(result.command)
    else:
        warn("no point was trained in full; --resume with a larger --budget continues the search")
    for text in result.caveats:
        warn(text)


def _show(result: SearchResult, output: Path, open_page: bool) -> int:
    """Prints the table and where the page is."""
    _print(result)
    say(output / SEARCH_PAGE)
    give(result)
    if open_page:
        click.launch(str(output / SEARCH_PAGE))
    return 0 if result.best else _NO_RESULT


def _show_plan(plan: Any) -> int:
    rows = [
        [
            name,
            bytes_text(plan.memory[name]),
            str(plan.sweep.config(name).training.batch_size),
            point.infeasible or "fits",
        ]
        for name, point in plan.sweep.plan.items()
    ]
    print_table(["point", "memory of a step", "batch", "limit"], rows)
    say(f"precision {plan.sweep.base.training.policy}, memory of a {plan.device['name']}")
    say(f"{plan.steps} of the full grid's {plan.grid_steps} training steps may be taken")
    return 0


def _run(
    kind: str, data: Path | None, output: Path, workers: int, resume: bool, force: bool, dry_run: bool, report: bool,
    open_page: bool, **values: Any,
) -> int:  # fmt: skip
    given = explicit(values)
    if report:
        if data is not None:
            raise SettingError(f"--report reads the folder of the search alone: leave DATA out. Received: {data}")
        return _show(search_result(output, kind, given.get("against")), output, open_page)
    if data is None:
        raise click.UsageError("DATA must be given, before the options that take several values (--space).")
    if is_worker() and not force:
        work_on_search(output)
        return 0
    split, reading = data_settings(given)
    settings = {**training_settings(given), **vars(SearchSettings.split(given)[0])}
    arguments = {**settings, "split_settings": split, "read_settings": reading, "resume": resume}
    with progress_bar() as progress:
        if dry_run:
            plan = plan_search(kind, data, output, progress=progress, **arguments)
        else:
            result = search(kind, data, output, workers=workers, force=force, progress=progress, **arguments)
    return _show_plan(plan) if dry_run else _show(result, output, open_page)


def _options(kind: str) -> tuple[Any, ...]:
    """The options of a search beside the settings of its runs."""
    objectives = OBJECTIVES[kind]
    entries = "Settings that are searched: NAME, or NAME=VALUE,VALUE.  [default: n N c d]"
    share = (
        "Share of the full grid's training steps that may be taken.  [default: 1 for grid, 0.25 else, more where that "
        "trains no point in full]"
    )
    limit = "What a training step of a worker may need, e.g. 12GB; points over it are not tried."
    batch = f"Crops in a training step, or {AUTO}: for each point the largest power of 2 within the memory limit."
    preset = f"Settings that the runs begin with, which flags change.  [default: {PRESET[kind]}]"
    added = "Continue the search that is there; a larger --budget is taken, values of --space are added."
    probe = "Measure the memory of a few points first, and go by that."
    return (
        click.argument("data", type=click.Path(path_type=Path), required=False),
        folder_option("The folder of the runs, their table and page."),
        click.option("--space", multiple=True, metavar="NAME[=VALUES]...", help=entries),
        click.option("--oracle", type=click.Choice(list(BUDGETS)), default="hyperband", show_default=True,
                     help="How points are chosen."),
        click.option("--objective", type=click.Choice(list(objectives)), default=next(iter(objectives)),
                     show_default=True, help="What is improved, on the validation pictures."),
        click.option("--against", type=click.Choice(list(COSTS)), default=next(iter(COSTS)), show_default=True,
                     help="What it is weighed against in table and figure."),
        click.option("--budget", type=click.FloatRange(0, 1, min_open=True), help=share),
        click.option("--memory-limit", metavar="SIZE", help=limit),
        click.option("--batch-size", metavar=f"N|{AUTO}", show_default=True,
                     default=str(default_config(kind, PRESET[kind]).training.batch_size), help=batch),
        click.option("--preset", type=click.Choice(list(PRESETS)), help=preset),
        click.option("--probe-memory", is_flag=True, help=probe),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                     help="With the settings of a point, the seed of its weights and crops."),
        click.option("--oracle-seed", type=click.IntRange(0), help="Seed of the choices.  [default: that of --seed]"),
        click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
                     help="Processes of this machine that train side by side."),
        click.option("--resume", is_flag=True, help=added),
        force_option,
        click.option("--dry-run", is_flag=True, help="Only show the points and their memory."),
        click.option("--report", is_flag=True, help="Only show the result so far; without DATA."),
        click.option("--open", "open_page", is_flag=True, help="Open the page in a browser."),
    )  # fmt: skip


def _verb(kind: str) -> click.Command:
    defaults = default_config(kind, PRESET[kind])

    def run(**values: Any) -> int:
        return _run(kind, **values)

    made: Any = flags(SplitSettings, omit=("seed",))(flags(ReadSettings)(run))
    for name, group in reversed(GROUPS.items()):
        made = flags(group, getattr(defaults, name), omit=(*unread_settings(kind), *_OWN))(made)
    for option in reversed(_options(kind)):
        made = option(made)
    about = (
        f"Search the architecture of a {kind} for DATA on KerasTuner's engine; a setting that is searched takes no "
        "flag of its own. Every trial is a run that the other commands take. After a kill, --resume continues it. On a "
        "cluster every machine runs the same command on a folder that all share, with KerasTuner's variables "
        "KERASTUNER_TUNER_ID (chief, or a name of its own), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set. DATA "
        "goes before --space, which takes all words up to the next flag."
    )
    return click.command(kind, cls=Variadic, help=about)(made)


@click.group("search", cls=VerbGroup)
def command() -> None:
    """Search the architecture (n, N, c, d) within a memory limit and a budget of training steps."""


for _kind in KINDS:
    command.add_command(_verb(_kind))
