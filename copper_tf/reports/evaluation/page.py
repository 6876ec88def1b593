"""The page of `copper evaluate`: scores, figures and settings of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copper_tf.analysis.evaluation_results import Evaluation, SplitScores
from copper_tf.analysis.example_maps import EXAMPLES
from copper_tf.config import GROUPS, default_config, unread_settings
from copper_tf.reports.baselines.section import baseline_figures, baseline_section
from copper_tf.reports.common.micrographs import overlay_figure, read_patches, truth_figure
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import (
    ALTS,
    CAPTIONS,
    GLOSSARY,
    SCORE_NAMES,
    format_score,
    map_assumptions,
    no_interval,
    out_of_distribution_text,
    potency_note,
    verdict,
)
from copper_tf.reports.evaluation.ageing_curve import ageing_curve_table
from copper_tf.reports.evaluation.grades import grades_figure
from copper_tf.reports.evaluation.history import learning_figure
from copper_tf.reports.evaluation.map_grades import grading_table
from copper_tf.reports.evaluation.network import network_figure
from copper_tf.reports.evaluation.potency import potency_figure
from copper_tf.reports.trust.section import trust_figures, trust_section
from copper_tf.runs.provenance import TrainingCost, training_command, training_cost
from copper_tf.runs.run import EVALUATION_PAGE, Run
from tfds_copper.settings import setting_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = [
    "cost_rows",
    "evaluation_figures",
    "render_evaluation",
    "score_tables",
    "settings_rows",
]


def evaluation_figures(run: Run, evaluation: Evaluation) -> dict[str, Figure]:
    """Every figure of a run that there are results for, in the order of the page.

    Args:
        run: an evaluated run.
        evaluation: its scores.
    """
    patches = read_patches(run.path / "scores" / EXAMPLES)
    known = [patch for patch in patches if patch.truth is not None]
    drawn: dict[str, Figure] = {}
    if run.config.kind == "classifier":
        drawn["grades"] = grades_figure(evaluation.labels, evaluation.pictures, evaluation.splits["test"].confusion)
    else:
        drawn["potency"] = potency_figure(evaluation)
        if patches:
            drawn["overlay"] = overlay_figure(patches, evaluation.labels)
        if known:
            drawn["truth"] = truth_figure(known, evaluation.labels)
        drawn |= baseline_figures(run) | trust_figures(run)
    drawn["network"] = network_figure(run.config, int(run.data["window"]), len(run.labels.times))
    history = run.history()
    if history:
        drawn["learning"] = learning_figure(history, run.config, run.best_epoch(history))
    return drawn


def score_tables(evaluation: Evaluation) -> dict[str, Any]:
    """Rows of ``scores`` and of ``gaps``, as (name, (score, interval) of each split), and ``reasons`` of dashes.

    Args:
        evaluation: of a run.
    """
    splits, gaps = evaluation.splits.values(), evaluation.gaps.values()
    names = [n for n in SCORE_NAMES if n in evaluation.splits["test"].scores]
    rows = [(SCORE_NAMES[n], [format_score(p.scores[n], p.intervals[n]) for p in splits]) for n in names]
    return {
        "scores": rows,
        "gaps": [(SCORE_NAMES[n], [format_score(p[n].gap, p[n].interval) for p in gaps]) for n in names],
        "reasons": _reasons(evaluation.splits),
    }


def _reasons(splits: Mapping[str, SplitScores]) -> list[str]:
    """Why intervals are missing; once where it is the same for every split."""
    found = {name: no_interval(part) for name, part in splits.items()}
    if len(set(found.values())) == 1:
        return [f"{next(iter(found.values()))} in each split"] if any(found.values()) else []
    return [f"{name}: {reason}" for name, reason in found.items() if reason]


def settings_rows(flat: Mapping[str, Any]) -> list[tuple[str, Any, Any, str]]:
    """(name, value, default, help) of every setting that a model of this kind reads.

    Args:
        flat: of a run's config.
    """
    default = default_config(flat["kind"]).flat()
    unread = unread_settings(flat["kind"])
    fields = [f for group in GROUPS.values() for f in setting_fields(group) if f.name not in unread]
    units = {f.name: f" ({f.metadata['unit']})" if f.metadata["unit"] else "" for f in fields}
    return [(f.name, flat[f.name], default[f.name], f.metadata["help"] + units[f.name]) for f in fields]


def _cost(run: Run) -> list[tuple[str, str]]:
    cost = training_cost(run)
    return [("grey values relative to", run.config.normalised_over), *cost_rows(cost)] if cost else []


def cost_rows(cost: TrainingCost) -> list[tuple[str, str]]:
    """(name, value) of what one training took."""
    record = cost.record
    return [
        ("receptive field", f"{record.receptive_field_px} px"),
        *([("mean chord of its maps", f"{record.mean_chord_px:.0f} px")] if record.mean_chord_px else []),
        ("epochs", f"{record.epochs}"),
        ("training steps", f"{cost.steps:,}"),
        ("time", f"{record.seconds:.0f} s ({record.seconds_per_epoch:.1f} s per epoch, median)"),
        ("peak memory", f"{record.peak_memory_mb:.0f} MB"),
        ("parameters", f"{record.parameters:,}"),
        ("precision", record.policy),
        ("processors", f"{record.processors}"),
    ]


def render_evaluation(run: Run) -> Path:
    """Writes ``report/evaluation.html`` and every figure as a PNG beside it.

    Args:
        run: an evaluated run.

    Returns:
        The path of the page.

    Raises:
        RunError: if the run has no scores yet.
    """
    evaluation = run.read(Evaluation)
    names = run.labels.names
    return write_page(
        "evaluation/page.html.j2",
        run.path / EVALUATION_PAGE,
        figures=evaluation_figures(run, evaluation),
        alts=ALTS,
        captions=CAPTIONS,
        run=run,
        kind=run.config.kind,
        verdict=verdict(evaluation.kind, evaluation.splits["test"], evaluation.hypothesis, evaluation.folds),
        caveats=evaluation.caveats,
        baselines=baseline_section(run),
        trust=trust_section(run),
        tables=(tables := score_tables(evaluation)),
        splits=evaluation.splits,
        reasons=tables["reasons"],
        command=training_command(run.config, run.data["path"]),
        patches=[(names[p.label], p.file) for p in read_patches(run.path / "scores" / EXAMPLES)],
        note=potency_note(run.labels, run.hypothesis_record),
        assumptions=map_assumptions(run.hypothesis_record),
        glossary=GLOSSARY,
        opened=False,
        settings=settings_rows(run.config.flat()),
        law=evaluation.law_sentence,
        ageing_curve=ageing_curve_table(evaluation),
        grading=grading_table(evaluation),
        cost=_cost(run),
        out_of_distribution=out_of_distribution_text(evaluation.out_of_distribution),
        reference=run.reference_statistics.described() if run.reference_statistics else [],
    )
