"""The page of an architecture search: verdict, figures, every trial, what it cost and what it left out."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from copper_tf.analysis.search_results import DONE, FAILED, INFEASIBLE, RUNNING, STATUS, STOPPED, SearchResult, Trial
from copper_tf.config import GROUPS
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import GLOSSARY, SCORE_NAMES, format_score
from copper_tf.reports.search.figures import cost_figure, effects_figure
from copper_tf.reports.search.formatting import (
    cost,
    cost_text,
    gigabytes,
    known,
    rated,
    searched,
    value_text,
    whole,
)
from copper_tf.reports.search.parallel_coordinates import curves_figure, settings_figure
from tfds_copper.settings import setting_fields

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["render_search", "search_verdict"]

_ORACLES = {
    "grid": "every configuration of the grid is trained in full",
    "random": "configurations are drawn at random, and each is trained in full",
    "bayesian": "each next configuration is the one that a model of all results so far expects most of, and each is "
    "trained in full",
    "hyperband": "many configurations start with a few epochs, and only the better share of them goes on, until few "
    "are trained in full",
}
_CAPTIONS = {
    "cost": "What each configuration reaches for what it costs; a dot is a trial. Pareto front (the steps, numbered): "
    "the trials that no other beats in both; whoever wants a cheaper one has to give up some of the objective, and "
    "whoever wants a better one has to pay. Vertical bars are the 95 % intervals of its trials. In the shaded band the "
    "objective is within one standard error of the best. Crosses at the lower edge have a cost but no "
    "result; triangles, here and below, are results beyond the axis.",
    "effects": "The effect of each searched setting: the mean (diamond) with its 95 % interval (bar) over the trials "
    "of each value, all after the same number of epochs, the furthest that at least half of them came to; how many "
    "they are stands in brackets. Faint dots are the single trials, shifted a little sideways so that none hides "
    "another. Where the bars of two values overlap widely, the search doesn't say which is better.",
    "settings": "Parallel coordinates: each line is a trial that runs through its value of every setting to its "
    "objective at the right, better ones higher up. Values stand at even steps, whatever their size; lines fan out in "
    "each, better ones higher up. Dark lines are the better ones, the thick one is the best; broken lines were "
    "stopped early. Where all dark lines pass through the same value, that setting likely matters.",
    "curves": "How the trials learned, epoch by epoch, on the validation pictures; each line is a trial, and its dot "
    "where it ends. A line that still falls or rises at its end had not finished learning.",
}
_ALTS = {
    "cost": "Scatter plot of the objective over the cost of every trial, with the Pareto front as a step line",
    "effects": "Panels of the objective over each searched setting: means with intervals, and the single trials",
    "settings": "Parallel coordinates plot of the settings of every trial, coloured by the objective",
    "curves": "Line plot of the learning curves of all trials over the epochs, the best one strong",
}
# Names in a sentence; more are only counted.
_NAMED = 4
# Up to so many characters a name stands in one line.
_SHORT = 24
_GLOSSARY_NAMES = {"accuracy": "accuracy", "qwk": "QWK", "nmse": "NMSE"}


def _several(number: int, things: str) -> str:
    return f"{whole(number)} {things if number != 1 else things.removesuffix('s')}"


def _listed(names: list[str]) -> str:
    """Names as a sentence has them; of many the first few."""
    if len(names) > _NAMED:
        return ", ".join(names[: _NAMED - 1]) + f" and {len(names) - _NAMED + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _duration(seconds: float | None) -> str:
    """A time in the unit that suits it, a dash where unknown."""
    number = known(seconds)
    if number is None:
        return "–"
    if number < 120:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 7200 else f"{number / 3600:.1f} h"


def _counts(result: SearchResult) -> str:
    """How many trials there are of each state."""
    states = [t.status for t in result.trials]
    return ", ".join(f"{states.count(s)} {title}" for s, title in STATUS.items() if s in states)


def _indistinguishable(result: SearchResult, best: Trial) -> str:
    """Which others are as good as the best within its error, and the cheapest of all these."""
    error = known(result.standard_error)
    if error is None:
        return "its standard error is unknown, so which others are as good is unknown too"
    trials = {t.name: t for t in result.trials}
    others = [n for n in result.within_standard_error if n != best.name and n in trials]
    if not others:
        return f"no other lies within one standard error ({_number(error)}) of it"
    priced = [t for t in (best, *(trials[n] for n in others)) if cost(result, t) is not None]
    cheapest = min(priced, key=lambda t: cost(result, t) or 0.0, default=best)
    title, than = result.against.title, f"against {cost_text(result, best)}"
    if len(others) == 1:
        text = f"{others[0]} lies within one standard error ({_number(error)}) of it"
        own = f", and is cheaper in {title} ({cost_text(result, cheapest)} {than})"
        return text + (own if cheapest is not best else f", and isn't cheaper in {title}" if priced else "")
    text = f"{len(others)} others lie within one standard error ({_number(error)}) of it ({_listed(others)})"
    if cheapest is best:
        return text + (f", none of them cheaper in {title} than the best ({cost_text(result, best)})" if priced else "")
    return text + f", of which {cheapest.name} is the cheapest in {title} ({cost_text(result, cheapest)} {than})"


def _share(result: SearchResult) -> str:
    share = known(result.cost.share)
    return "" if share is None else f"; the search cost {_percent(share)} of the training steps of the full grid"


def search_verdict(result: SearchResult) -> str:
    """One sentence of what the search found: the best, what may be as good, and what finding it cost.

    Args:
        result: of the search.
    """
    best = result.best_trial
    value = known(best.objective) if best else None
    if best is None or value is None:
        title = result.objective.title
        none = f"There is no best configuration: none that was trained in full has a {title} ({_counts(result)})"
        return f"{none}{_share(result)}."
    full = sum(t.status == DONE for t in result.trials)
    among = f"the {_several(full, 'configurations')} trained in full" if full > 1 else "those tried"
    interval = best.interval
    sure = f"95 % interval {_number(interval[0])} to {_number(interval[1])}" if interval else "no interval is known"
    what = f"the best of {among} by {result.objective.title}, {_number(value)} ({sure})"
    return f"{best.name} is {what}; {_indistinguishable(result, best)}{_share(result)}."


def _space(result: SearchResult) -> list[tuple[str, str, str]]:
    """(setting, its values, what it is) of all that was searched."""
    helps = {f.name: f.metadata for group in GROUPS.values() for f in setting_fields(group)}
    rows = []
    for name, values in result.space.items():
        about = helps.get(name, {"help": "", "unit": ""})
        unit = f" {about['unit']}" if about["unit"] else ""
        rows.append((name, ", ".join(value_text(v) for v in values) + unit, about["help"]))
    return rows


def _ending(result: SearchResult, trial: Trial) -> str:
    """How a trial ended."""
    state, reason = trial.status, trial.reason.strip().rstrip(".")
    text = STATUS[state]
    if trial.name == result.best:
        text += "; the best"
    elif trial.name in result.within_standard_error:
        text += "; within one standard error"
    return text + (f": {reason}" if reason else "")


def _milliseconds(seconds: float | None) -> str:
    number = known(seconds)
    return "–" if number is None else f"{1e3 * number:.3g}" if number < 1 else whole(1e3 * number)


def _size(trial: Trial) -> list[str]:
    """Memory, time of a picture, parameters and receptive field, as text."""
    rest = [known(getattr(trial, name)) for name in ("parameters", "receptive_field_px")]
    return [
        gigabytes(trial.memory_bytes),
        _milliseconds(trial.seconds_per_picture),
        *("–" if number is None else whole(number) for number in rest),
    ]


def _trials(result: SearchResult) -> list[tuple[Trial, list[tuple[str, str]], list[str], str]]:
    """(trial, objective with interval, sizes, how it ended) of every trial, in the order of the table."""
    return [
        (
            t,
            [format_score(t.objective, t.interval)],
            [str(t.epochs or "–"), *_size(t)],
            _ending(result, t),
        )
        for t in result.trials
    ]


def _choice(result: SearchResult) -> tuple[list[str], list[tuple[Trial, list[str]]]]:
    """(columns, rows) of the best and those within one standard error of it, the cheapest first."""
    chosen = [t for t in result.trials if t.name in (result.best, *result.within_standard_error)]
    chosen.sort(key=lambda t: math.inf if (c := cost(result, t)) is None else c)
    scores = list(dict.fromkeys(name for t in chosen for name in t.scores))
    rows = []
    for trial in chosen:
        values = [format_score(known(trial.scores.get(name)), None)[0] for name in scores]
        rows.append((trial, [*values, *_size(trial)]))
    return [SCORE_NAMES.get(name, name) for name in scores], rows


def _left_out(result: SearchResult, *states: str) -> list[tuple[str, list[str]]]:
    """(reason, trials with the memory predicted for them) of all trials of these states."""
    reasons: dict[str, list[str]] = {}
    for trial in result.trials:
        if trial.status in states:
            reason = trial.reason.strip().rstrip(".") or "no reason is known"
            size = f" ({gigabytes(trial.memory_bytes)} GB)" if trial.status == INFEASIBLE else ""
            reasons.setdefault(reason, []).append(trial.name + size)
    return list(reasons.items())


def _cost(result: SearchResult) -> list[tuple[str, str, str]]:
    """(what, of the search, of the full grid) of steps, time and configurations."""
    given = result.cost
    steps, all_steps = ("–" if (s := known(getattr(given, n))) is None else whole(s) for n in ("steps", "grid_steps"))
    made = sum(t.status != INFEASIBLE for t in result.trials)
    grid = math.prod(len(values) for values in result.space.values())
    seconds = _duration(given.grid_seconds)
    return [
        ("configurations", whole(made), whole(grid)),
        ("training steps", steps, all_steps),
        ("time", _duration(given.seconds), seconds if seconds == "–" else f"{seconds} (projected)"),
    ]


def _assumptions(result: SearchResult) -> list[str]:
    """What the figures rest on, in the order in which a reader should doubt them."""
    effects = "The effect of a setting is the mean over all other settings of what was tried"
    if result.oracle == "grid":
        lost = any(t.status in (FAILED, INFEASIBLE, RUNNING) for t in result.trials)
        effects += ": a balanced design" + (", but for the configurations without a result." if lost else ".")
    else:
        effects += (
            ", which is not a balanced design: a value may look better because of the other values it was tried with."
        )
    chosen = (
        "The search chose the best by the same validation pictures that score it here, so its value is optimistic: the "
        "best of many noisy values is partly luck. "
    )
    texts = [
        (chosen if result.best else "") + "The test split has not been used.",
        *([effects] if rated(result, *STATUS) else []),
        f"Each configuration was trained once, with a seed made of its settings and {result.seed}: what another seed "
        "would change isn't known and not in the intervals.",
    ]
    if any(t.status == STOPPED for t in result.trials):
        texts.append(
            f"Trials stopped early are scored after fewer than {result.epochs} epochs; compare them with each other, "
            "not with those trained in full."
        )
    return texts


def _memory(result: SearchResult) -> str:
    """How far the predicted memory can be trusted."""
    memory = result.memory
    limit = known(memory.limit_bytes)
    if memory.measured:
        trusted = f"The model that predicts it was fitted to measurements on such a device ({memory.device})"
    else:
        trusted = f"The model that predicts it was not measured on this device ({memory.device}), so take it as a guess"
    kept = f"the search kept to a limit of {limit / 1e9:.3g} GB" if limit is not None else "the search had no limit"
    return f"Memory is predicted for the peak of a training step, not measured trial by trial. {trusted}; {kept}."


def _terms(result: SearchResult) -> list[tuple[str, str]]:
    """(term, explanation) of what the verdict speaks of."""
    objective = _GLOSSARY_NAMES.get(result.objective.name, result.objective.name)
    against = {
        "memory": "the most memory that one step needs at any moment, predicted from the settings.",
        "speed": "how long the trained network takes to grade or map one picture, by the median over the validation "
        "pictures, on the machine of the search and under its load then.",
    }
    return [
        *([(objective, GLOSSARY[objective])] if objective in GLOSSARY else []),
        *([("standard error", "how far the best one's value would scatter if other pictures of the same kind were "
            "scored; what lies closer to it may be as good.")] if result.best else []),
        (result.against.title, against.get(result.against.name, "")),
        ("training step", f"one update of the weights by one batch; the full grid would train every configuration for "
         f"{_several(result.epochs, 'epochs')}."),
    ]  # fmt: skip


def _verdict_markup(text: str, result: SearchResult) -> Markup:
    """A sentence for the page: the best in bold, no line ends within a short name, nor before a unit."""
    names = sorted({str(escape(t.name)) for t in result.trials if len(t.name) <= _SHORT}, key=len, reverse=True)
    safe = re.sub(r"(?<=\d) (?=%|GB|ms)", "\u00a0", str(escape(text)))
    if names:
        safe = re.sub("|".join(map(re.escape, names)), lambda m: f'<span class="name">{m[0]}</span>', safe)
    best = str(escape(result.best or ""))
    start = f'<span class="name">{best}</span>' if best in names else best
    return Markup(f"<strong>{start}</strong>{safe[len(start) :]}" if best and safe.startswith(start) else safe)


def render_search(folder: Path, result: SearchResult) -> Path:
    """Writes ``report/search.html`` and its figures as PNG beside it.

    Args:
        folder: of the search.
        result: of the search.

    Returns:
        The path of the page.
    """
    drawn = {
        "cost": cost_figure(result),
        "effects": effects_figure(result),
        "settings": settings_figure(result),
        "curves": curves_figure(result),
    }
    figures = {name: made for name, made in drawn.items() if made is not None}
    return write_page(
        "search/page.html.j2",
        folder / "report" / "search.html",
        figures=figures,
        alts=_ALTS,
        captions=_CAPTIONS,
        name=folder.resolve().name,
        short=_SHORT,
        result=result,
        verdict=_verdict_markup(search_verdict(result), result),
        counts=_counts(result),
        oracle=_ORACLES.get(result.oracle, ""),
        terms=_terms(result),
        space=_space(result),
        fixed=[name for name in result.space if name not in searched(result)],
        assumptions=_assumptions(result),
        choice=_choice(result),
        trials=_trials(result),
        infeasible=_left_out(result, INFEASIBLE),
        failed=_left_out(result, FAILED),
        cost=_cost(result),
        memory=_memory(result),
    )
