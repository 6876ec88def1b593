"""``copper hypotheses``: which law the decay follows, and whether the data can say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.analysis.trust.verdict import NOT_SUPPORTED
from copper_tf.cli.options import Variadic, explicit, flags, folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.config import ANCHORS, GROUPS, ITERATIVE, Config, default_config, unread_settings
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError
from tfds_copper.files import write_json
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    from tuning.sweep import Sweep

__all__ = ["command"]

_REFUSED = 1
_COMPARED = ("linear", "sqrt", "square", "exponential", "alternating")
# What the plan sets for each run.
_PLANNED = ("hypothesis", "learn", "seed")


def _print(found: dict[str, Any]) -> None:
    rows = []
    for row in found["hypotheses"]:
        behind = row["behind"]
        rows.append(
            [
                row["name"],
                number(row["nmse"], row["interval"]),
                number(row["validation_nmse"]),
                "best" if row is found["hypotheses"][0] else number(behind["difference"], behind["interval"]),
                number(behind.get("p_holm")),
                ", ".join(row["alike"]) or "–",
            ]
        )
    if rows:
        print_table(
            ["hypothesis", "test NMSE", "validation", "behind the best", "p (Holm)", "not told apart from"], rows
        )
    if found["permuted"]["median"] is not None:
        levels = found["permuted"]["nmse"]
        click.echo(
            f"permuted levels ({len(levels)} orders): NMSE {min(levels):.3f} to {max(levels):.3f}, median "
            f"{found['permuted']['median']:.3f}"
        )
    apart = "no two curves to compare" if found["gap"] is None else f"curves of falling g lie {found['gap']:.3f} apart"
    click.echo(apart)
    click.echo(f"ranking: {found['verdict']}")
    for text in filter(None, [*found["reasons"], found["ranking"], found["sentence"]]):
        click.echo(f"- {text}")
    for name, reason in found["failed"].items():
        click.echo(f"warning: run {name} is left out: {reason}")
    for text in found["caveats"]:
        click.echo(f"warning: {text}")


def _brightness(dataset: Dataset, first: Path, progress: Any) -> float:
    """QWK of a first-order histogram as a grader of the same pictures."""
    from copper_tf.analysis.baselines.baselines import graded
    from copper_tf.runs.run import open_run

    found = graded(dataset, open_run(first).normalisation, 0, progress, ["histogram"])
    return float(found["histogram"]["scores"]["qwk"])


def _studied(sweep: Any, dataset: Dataset, seed: int) -> dict[str, Any]:
    """What the finished runs say; written beside them."""
    from copper_tf.analysis.hypotheses.study import STUDY, study
    from tuning.hypothesis_plan import runs_of

    supposed, orders, failed = runs_of(sweep)
    if not supposed:
        raise InputError(f"{sweep.path}: at least one run must finish. Received: {next(iter(failed.values()))}")
    with progress_bar() as progress:
        qwk = _brightness(dataset, next(iter(supposed.values()))[0], progress)
    found = study(supposed, orders, qwk, seed) | {"failed": failed}
    write_json(sweep.path / STUDY, found)
    # As it stands there, so that page and file are one.
    return dict(json.loads((sweep.path / STUDY).read_text(encoding="utf-8")))


def _begun(output: Path, resume: bool) -> Sweep | None:
    """The sweep that --resume goes on with, None where there is none or a new one is wanted."""
    from tuning.sweep import PLAN, open_sweep

    return open_sweep(output) if resume and (output / PLAN).is_file() else None


def _base(begun: Sweep | None, values: dict[str, Any]) -> Config:
    """The settings that all runs share; with --resume, those not given are the sweep's own."""
    names = {f.name for group in GROUPS.values() for f in setting_fields(group)} - set(_PLANNED)
    given = {name: value for name, value in values.items() if name in names}
    if begun:
        return begun.base.replace(**explicit(given))
    return default_config("segmenter", **given)


def _asked(output: Path, base: Config, dataset: Dataset, begun: Sweep | None, values: dict[str, Any]) -> Sweep:
    """The sweep that is wanted; --resume alone asks for nothing new."""
    from tuning.hypothesis_plan import planned
    from tuning.sweep import Sweep

    wanted = {name: values[name] for name in ("compare", "learn", "seed", "seeds", "permutations")}
    plan = dict(begun.plan) if begun else {}
    if not begun or explicit(wanted):
        seeds = range(int(values["seed"]), int(values["seed"]) + int(values["seeds"]))
        compared = values["compare"] or _COMPARED
        plan |= planned(
            compared, values["learn"], values["permutations"], seeds, dataset.times, base.training.time_scale
        )  # fmt: skip
    return Sweep(output, base, dataset.path.resolve(), dataset.fingerprint, plan)


def _as_worker(asked: Sweep) -> int:
    """Performs what the chief hands out, once its plan is there."""
    from tuning.engine import walk
    from tuning.heartbeat import wait_for_plan
    from tuning.sweep import PLAN, open_sweep

    def ready() -> bool:
        return (asked.path / PLAN).is_file() and set(open_sweep(asked.path).plan) >= set(asked.plan)

    wait_for_plan(asked.path, "sweep", ready)
    walk(open_sweep(asked.path))
    return 0


def _run(
    data: Path, output: Path, workers: int, resume: bool, force: bool, dry_run: bool, open_page: bool, **values: Any
) -> int:
    begun = _begun(output, resume)
    from copper_tf.data.sources import data_settings, open_single
    from copper_tf.utils.tensorflow import import_tensorflow

    base = _base(begun, values)
    with progress_bar() as progress:
        dataset = open_single(data, *data_settings(explicit(values)), progress, "hypotheses are compared on one split")
    import_tensorflow()
    from tuning.engine import walk
    from tuning.heartbeat import is_worker
    from tuning.sweep import start_sweep
    from tuning.workers import spread

    sweep = _asked(output, base, dataset, begun, values)
    if dry_run:
        rows = [[n, *(str(sweep.config(n).flat()[k])[:24] for k in _PLANNED)] for n in sweep.plan]
        print_table(["run", "g", "learn", "seed"], rows)
        return 0
    if is_worker():
        return _as_worker(sweep)
    sweep = start_sweep(sweep, resume=resume, force=force)
    with progress_bar() as progress:
        if workers > 1:
            spread(sweep.path, workers, sweep.look, progress)
        else:
            walk(sweep, progress)
    found = _studied(sweep, dataset, int(values["seed"]))
    from copper_tf.report.hypotheses.page import render_ageing

    _print(found)
    page = render_ageing(output, found)
    click.echo(page)
    if open_page:
        click.launch(str(page))
    return _REFUSED if found["verdict"] == NOT_SUPPORTED else 0


def _made() -> click.Command:
    defaults = default_config("segmenter")
    run: Any = _run
    for name, group in reversed(GROUPS.items()):
        run = flags(
            group, getattr(defaults, name), omit=(*unread_settings("segmenter"), "hypothesis", "learn", "seed")
        )(run)
    run = flags(ReadSettings)(flags(SplitSettings, omit=("seed",))(run))
    tables = f"Hypotheses: registered names, or JSON files of tables keyed by t.  [default: {' '.join(_COMPARED)}]"
    ways = f"Also estimate the curve without a hypothesis: {ANCHORS}, {ITERATIVE} or both."
    orders = "Hypotheses with permuted levels, each trained once: what any order reaches.  [default: 20, or all]"
    beside = "Processes of this machine that train side by side."
    added = "Go on with what is planned there; hypotheses, seeds or orders that are named are added, none is dropped."

    def count(name: str, low: int, high: int | None, default: int, text: str) -> Any:
        return click.option(name, type=click.IntRange(low, high), default=default, show_default=True, help=text)

    options = (
        click.argument("data", type=click.Path(path_type=Path)),
        folder_option("The folder of the runs, their table and page."),
        click.option("--compare", multiple=True, metavar="NAME...", help=tables),
        click.option("--learn", multiple=True, type=click.Choice([ANCHORS, ITERATIVE]), metavar="WAY...", help=ways),
        count("--seed", 0, None, 0, "The first seed."),
        count("--seeds", 1, 100, 5, "Seeds of each."),
        click.option("--permutations", type=click.IntRange(0, 1000), help=orders),
        count("--workers", 1, 256, 1, beside),
        click.option("--resume", is_flag=True, help=added),
        force_option,
        click.option("--dry-run", is_flag=True, help="Only show the plan."),
        click.option("--open", "open_page", is_flag=True, help="Open the page in a browser."),
    )
    for option in reversed(options):
        run = option(run)
    about = (
        "Train the segmenter for several hypotheses g on DATA, and say which law the decay follows; exit code 1 where "
        "the data don't allow a ranking. On a cluster every machine runs the same command, with KerasTuner's variables "
        "KERASTUNER_TUNER_ID (chief, or a name of its own), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set, on a "
        "dataset that is built. DATA goes before --compare, which takes all words up to the next flag."
    )
    return click.command("hypotheses", cls=Variadic, help=about)(run)


command = _made()
