"""``copper search``: the architecture (n, N, c, d) within a memory limit and a budget of training steps."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.cli.options import Variadic, explicit, flags, folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.config import GROUPS, KINDS, TrainingSettings, default_config, unread_settings
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings
from tuning.objectives import AGAINST, AUTO, BUDGETS, OBJECTIVES

if TYPE_CHECKING:
    from tuning.trials import Search

__all__ = ["command"]

_NOTHING = 1
_SHOWN = 20
# What a search sets itself: its runs are trained for a g that is supposed.
_OWN = ("learn", "seed", "batch_size")
# Flags that a search keeps under their own names.
_SAME = ("oracle", "objective", "against", "budget", "seed", "oracle_seed")


def _print(found: dict[str, Any]) -> None:
    from tuning.memory import bytes_text

    tried = [row for row in found["trials"] if row["status"] != "infeasible"]
    names = list(found["space"])
    rows = [
        [
            *(f"{row['settings'][name]}" for name in names),
            row["status"],
            str(row["epochs"]),
            number(row["objective"], row["interval"]),
            bytes_text(row["memory_bytes"]),
            number(row["seconds_per_picture"]),
            f"{row['receptive_field_px']}",
        ]
        for row in tried[:_SHOWN]
    ]
    head = ["status", "epochs", found["objective"]["title"], "memory", "s a picture", "sees, px"]
    print_table([*names, *head], rows)
    if len(tried) > _SHOWN:
        click.echo(f"and {len(tried) - _SHOWN} more trials, see the page")
    for row in found["trials"]:
        if row["status"] == "failed":
            click.echo(f"warning: {row['name']} failed: {row['reason']}")
    out = sum(row["status"] == "infeasible" for row in found["trials"])
    if out:
        click.echo(f"{out} points need more memory than the limit and were not tried")
    cost = found["cost"]
    click.echo(f"{cost['steps']} training steps, {100 * cost['share']:.0f} % of the full grid's {cost['grid_steps']}")
    if found["best"]:
        best = next(row for row in found["trials"] if row["name"] == found["best"])
        alike = f"; within one standard error of it: {', '.join(found['alike'])}" if found["alike"] else ""
        click.echo(f"best: {found['best']}, {found['objective']['title']} {best['objective']:.3f}{alike}")
        click.echo(found["command"])
    else:
        click.echo("warning: no point was trained in full; --resume with a larger --budget goes on")
    for text in found["caveats"]:
        click.echo(f"warning: {text}")


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of runs among the flags, with a batch that is a number."""
    names = {f.name for group in GROUPS.values() for f in setting_fields(group)} - set(_OWN)
    given = {name: value for name, value in values.items() if name in names}
    batch = values["batch_size"]
    if batch != AUTO:
        if not batch.isdecimal():
            raise SettingError(f"batch_size must be {AUTO} or a whole number of at least 1. Received: {batch!r}")
        given["batch_size"] = int(batch)
    return given


def _resumed(begun: Search, kind: str, dataset: Dataset, values: dict[str, Any]) -> Search:
    """The search that is there, with what is asked for anew; what can't be changed is found out later."""
    from tuning.memory import parse_bytes
    from tuning.search_space import parse_space

    if begun.sweep.base.kind != kind:
        raise RunError(
            f"{begun.sweep.path}: --resume goes on with a search of a {begun.sweep.base.kind}. Received: {kind}"
        )
    given = explicit(values)
    if "probe_memory" in given:
        raise SettingError("memory is measured before a search is planned. Received: --probe-memory with --resume")
    base = begun.sweep.base.replace(**explicit(_settings(values)))
    asked: dict[str, Any] = {name: given[name] for name in _SAME if name in given}
    if "space" in given:
        asked["space"] = parse_space(values["space"], base)
    if "memory_limit" in given:
        asked["limit"] = parse_bytes(values["memory_limit"], "memory limit")
    if "batch_size" in given:
        asked["auto"] = values["batch_size"] == AUTO
    sweep = dataclasses.replace(
        begun.sweep, base=base, data=dataset.path.resolve(), fingerprint=dataset.fingerprint
    )  # fmt: skip
    return dataclasses.replace(begun, sweep=sweep, **asked)


def _planned(kind: str, output: Path, dataset: Dataset, values: dict[str, Any]) -> Search:
    """A new search: space, memory and budget, all checked before anything is trained."""
    from copper_tf.models.policy import resolve_policy
    from tuning.devices import device_here, probed
    from tuning.memory import parse_bytes
    from tuning.search_plan import affordable, planned_points
    from tuning.search_space import parse_space
    from tuning.sweep import Sweep
    from tuning.trials import Search

    base = default_config(kind, **_settings(values))
    limit = None if values["memory_limit"] is None else parse_bytes(values["memory_limit"], "memory limit")
    auto, space = values["batch_size"] == AUTO, parse_space(values["space"], base)
    if auto and limit is None:
        raise SettingError(f"batch_size can be {AUTO} only where there is a --memory-limit. Received: none")
    twice = sorted(set(explicit(values)) & set(space.values))
    if twice:
        raise SettingError(f"{twice[0]} is either searched or given by its flag. Received: both")
    # What memory is predicted for, every worker must train in.
    policy = resolve_policy(base.training.policy)
    base, device, labels = base.replace(policy=policy), device_here(), len(dataset.times)
    crops = dataset.split_sizes["train"] * base.data.crops if auto else 0
    with progress_bar() as progress:
        asked = (space, base, labels, policy, limit, crops, values["seed"])
        plan, memory = planned_points(*asked, device, progress)
        sweep = Sweep(output, base, dataset.path.resolve(), dataset.fingerprint, plan)
        if values["probe_memory"]:
            device = probed({n: sweep.config(n) for n in plan}, labels, policy, device, limit, progress)
            plan, memory = planned_points(*asked, device, progress)
    search = Search(
        sweep=dataclasses.replace(sweep, plan=plan), space=space, oracle=values["oracle"],
        objective=values["objective"], against=values["against"], seed=values["seed"],
        oracle_seed=values["seed"] if values["oracle_seed"] is None else values["oracle_seed"], budget=1.0, limit=limit,
        auto=auto, memory=memory, device=dataclasses.asdict(device),
    )  # fmt: skip
    return affordable(search, values["budget"])


def _as_worker(output: Path) -> int:
    """Performs what the chief hands out, once its plan is there."""
    from tuning.engine import hunt
    from tuning.heartbeat import wait_for_plan
    from tuning.trials import is_search, open_search

    wait_for_plan(output, "search", lambda: is_search(output))
    hunt(open_search(output))
    return 0


def _show(search: Search, open_page: bool) -> int:
    """The table and the page of what is there."""
    from copper_tf.report.search.page import render_search
    from tuning.summary import summarise

    found = summarise(search)
    _print(found)
    page = render_search(search.sweep.path, found)
    click.echo(page)
    if open_page:
        click.launch(str(page))
    return 0 if found["best"] else _NOTHING


def _plan_table(search: Search) -> None:
    from tuning.memory import bytes_text

    rows = [
        [
            name,
            bytes_text(search.memory[name]),
            str(search.sweep.config(name).training.batch_size),
            point.role or "fits",
        ]
        for name, point in search.sweep.plan.items()
    ]
    print_table(["point", "memory of a step", "batch", "limit"], rows)
    click.echo(f"precision {search.sweep.base.training.policy}, memory of a {search.device['name']}")
    click.echo(f"{search.steps} of the full grid's {search.whole} training steps may be taken")


def _reported(kind: str, data: Path | None, output: Path, values: dict[str, Any], open_page: bool) -> int:
    """What a search has found so far; nothing is trained."""
    from tuning.trials import open_search

    search = open_search(output)
    if data is not None:
        raise SettingError(f"--report reads the folder of the search alone: leave DATA out. Received: {data}")
    if search.sweep.base.kind != kind:
        raise RunError(f"{output}: holds a search of a {search.sweep.base.kind}. Received: {kind}")
    return _show(dataclasses.replace(search, **explicit({"against": values["against"]})), open_page)


def _run(
    kind: str, data: Path | None, output: Path, workers: int, resume: bool, force: bool, dry_run: bool, report: bool,
    open_page: bool, **values: Any,
) -> int:  # fmt: skip
    if report:
        return _reported(kind, data, output, values, open_page)
    if data is None:
        raise click.UsageError("DATA must be given, before the options that take several values (--space).")
    from copper_tf.data.sources import data_settings, open_single
    from copper_tf.utils.tensorflow import import_tensorflow
    from tuning.trials import is_search, open_search

    begun = open_search(output) if resume and is_search(output) else None
    with progress_bar() as progress:
        dataset = open_single(
            data, *data_settings(explicit(values)), progress, "architectures are searched on one split"
        )
    import_tensorflow()
    from tuning.engine import hunt
    from tuning.heartbeat import check_address, is_chief, is_worker
    from tuning.search_plan import start_search
    from tuning.workers import spread

    check_address()
    if force and (is_worker() or is_chief()):
        raise SettingError("--force can't be used by chief and workers: some would go on with the old. Received: it")
    if is_worker():
        return _as_worker(output)
    search = _resumed(begun, kind, dataset, values) if begun else _planned(kind, output, dataset, values)
    if dry_run:
        _plan_table(search)
        return 0
    search = start_search(search, resume=resume, force=force)
    with progress_bar() as progress:
        if workers > 1:
            spread(output, workers, search.look, progress)
        else:
            hunt(search, progress)
    return _show(search, open_page)


def _options(kind: str) -> tuple[Any, ...]:
    """What a search has beside the settings of its runs."""
    objectives = OBJECTIVES[kind]
    words = "Settings that are searched: NAME, or NAME=VALUE,VALUE.  [default: n N c d]"
    share = (
        "Share of the full grid's training steps that may be taken.  [default: 1 for grid, 0.25 else, more where that "
        "trains no point in full]"
    )
    limit = "What a training step of a worker may need, e.g. 12GB; points over it are not tried."
    batch = f"Crops in a training step, or {AUTO}: for each point the largest power of 2 within the memory limit."
    probe = "Measure the memory of a few points first, and go by that."
    return (
        click.argument("data", type=click.Path(path_type=Path), required=False),
        folder_option("The folder of the runs, their table and page."),
        click.option("--space", multiple=True, metavar="NAME[=VALUES]...", help=words),
        click.option("--oracle", type=click.Choice(list(BUDGETS)), default="hyperband", show_default=True,
                     help="How points are chosen."),
        click.option("--objective", type=click.Choice(list(objectives)), default=next(iter(objectives)),
                     show_default=True, help="What is made better, on the validation pictures."),
        click.option("--against", type=click.Choice(list(AGAINST)), default=next(iter(AGAINST)), show_default=True,
                     help="What it is weighed against in table and figure."),
        click.option("--budget", type=click.FloatRange(0, 1, min_open=True), help=share),
        click.option("--memory-limit", metavar="SIZE", help=limit),
        click.option("--batch-size", metavar=f"N|{AUTO}", default=str(TrainingSettings.batch_size), show_default=True,
                     help=batch),
        click.option("--probe-memory", is_flag=True, help=probe),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                     help="With the settings of a point, the seed of its weights and crops."),
        click.option("--oracle-seed", type=click.IntRange(0), help="Seed of the choices.  [default: that of --seed]"),
        click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
                     help="Processes of this machine that train side by side."),
        click.option("--resume", is_flag=True, help="Go on with the search that is there; a larger --budget is taken."),
        force_option,
        click.option("--dry-run", is_flag=True, help="Only show the points and their memory."),
        click.option("--report", is_flag=True, help="Only show what a search has found; without DATA."),
        click.option("--open", "open_page", is_flag=True, help="Open the page in a browser."),
    )  # fmt: skip


def _verb(kind: str) -> click.Command:
    defaults = default_config(kind)

    def run(**values: Any) -> int:
        return _run(kind, **values)

    made: Any = run
    for name, group in reversed(GROUPS.items()):
        made = flags(group, getattr(defaults, name), omit=(*unread_settings(kind), *_OWN))(made)
    made = flags(ReadSettings)(flags(SplitSettings, omit=("seed",))(made))
    for option in reversed(_options(kind)):
        made = option(made)
    about = (
        f"Search the architecture of a {kind} for DATA on KerasTuner's engine; a setting that is searched takes no "
        "flag of its own. Every trial is a run that the other commands take. Killed, it goes on with --resume. On a "
        "cluster every machine runs the same command on a folder that all share, with KerasTuner's variables "
        "KERASTUNER_TUNER_ID (chief, or a name of its own), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set. DATA "
        "goes before --space, which takes all words up to the next flag."
    )
    return click.command(kind, cls=Variadic, help=about)(made)


@click.group("search")
def command() -> None:
    """Search the architecture (n, N, c, d) within a memory limit and a budget of training steps."""


for _kind in KINDS:
    command.add_command(_verb(_kind))
