"""``copper hypotheses``: which law the decay follows, and whether the data can say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.settings import (
    GROUPS,
    PAPER,
    ReadSettings,
    SplitSettings,
    data_settings,
    default_config,
    training_settings,
    unread_settings,
)
from copper_tf.api.studies import (
    COMPARED,
    HYPOTHESES_PAGE,
    NOT_SUPPORTED,
    WAYS,
    HypothesisStudy,
    hypotheses,
    is_worker,
    plan_hypotheses,
    work_on_hypotheses,
)
from copper_tf.cli.options import Variadic, explicit, flags, folder_option, force_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table

__all__ = ["command"]

_REFUSED = 1
# The settings that the plan gives each run.
_PLANNED = ("hypothesis", "learn", "seed")
_PLAN = ("compare", "learn", "permutations", "seed", "seeds")


def _print(study: HypothesisStudy) -> None:
    rows = [
        [
            row.name,
            number(row.nmse, row.interval),
            number(row.validation_nmse),
            "best" if row is study.hypotheses[0] else number(row.behind.difference, row.behind.interval),
            number(row.behind.p_holm),
            ", ".join(row.indistinguishable) or "–",
        ]
        for row in study.hypotheses
    ]
    if rows:
        print_table(["hypothesis", "test NMSE", "validation", "behind the best", "p (Holm)", "indistinguishable"], rows)
    if study.permuted.median is not None:
        levels = study.permuted.nmse
        say(
            f"permuted levels ({len(levels)} orders): NMSE {min(levels):.3f} to {max(levels):.3f}, median "
            f"{study.permuted.median:.3f}"
        )
    apart = "no two curves to compare" if study.gap is None else f"curves of falling g lie {study.gap:.3f} apart"
    say(apart)
    say(f"ranking: {study.verdict}")
    for text in filter(None, [*study.reasons, study.ranking, study.sentence]):
        say(f"- {text}")
    for name, reason in study.failed.items():
        warn(f"run {name} is left out: {reason}")
    for text in study.caveats:
        warn(text)


def _run(
    data: Path, output: Path, workers: int, resume: bool, force: bool, dry_run: bool, open_page: bool, **values: Any
) -> int:
    given = explicit(values)
    split, reading = data_settings(given)
    arguments: dict[str, Any] = {
        "split_settings": split,
        "read_settings": reading,
        "resume": resume,
        **training_settings(given),
    }
    arguments |= {name: value for name, value in given.items() if name in _PLAN}
    with progress_bar() as progress:
        if dry_run:
            sweep = plan_hypotheses(data, output, progress=progress, **arguments)
        elif is_worker():
            work_on_hypotheses(data, output, progress=progress, **arguments)
            return 0
        else:
            study = hypotheses(data, output, workers=workers, force=force, progress=progress, **arguments)
    if dry_run:
        rows = [[n, *(str(sweep.config(n).flat()[k])[:24] for k in _PLANNED)] for n in sweep.plan]
        print_table(["run", "g", "learn", "seed"], rows)
        return 0
    _print(study)
    say(output / HYPOTHESES_PAGE)
    give(study)
    if open_page:
        click.launch(str(output / HYPOTHESES_PAGE))
    return _REFUSED if study.verdict == NOT_SUPPORTED else 0


def _made() -> click.Command:
    defaults = default_config("segmenter", PAPER)
    run: Any = flags(SplitSettings, omit=("seed",))(flags(ReadSettings)(_run))
    for name, group in reversed(GROUPS.items()):
        run = flags(group, getattr(defaults, name), omit=(*unread_settings("segmenter"), *_PLANNED))(run)
    tables = f"Hypotheses: registered names, or JSON files of tables keyed by t.  [default: {' '.join(COMPARED)}]"
    ways = f"Also estimate the curve without a hypothesis, in one or several ways: {', '.join(WAYS)}."
    orders = "Hypotheses with permuted levels, each trained once: what any order reaches.  [default: 20, or all]"
    beside = "Processes of this machine that train side by side."
    added = "Continue what is planned there; hypotheses, seeds or orders that are named are added, none is dropped."

    def count(name: str, low: int, high: int | None, default: int, text: str) -> Any:
        return click.option(name, type=click.IntRange(low, high), default=default, show_default=True, help=text)

    options = (
        click.argument("data", type=click.Path(path_type=Path)),
        folder_option("The folder of the runs, their table and page."),
        click.option("--compare", multiple=True, metavar="NAME...", help=tables),
        click.option("--learn", multiple=True, type=click.Choice(WAYS), metavar="WAY...", help=ways),
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
