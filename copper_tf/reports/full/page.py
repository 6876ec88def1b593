"""The page of `copper report`: one file that a customer or a reviewer can read without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.reports.baselines.section import baseline_figures, baseline_section
from copper_tf.reports.blindtest.page import blindtest_figures, blindtest_tables
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import ALTS, CAPTIONS, GLOSSARY, format_score, out_of_distribution_text, potency_note
from copper_tf.reports.decisions.calibration import calibration_figures
from copper_tf.reports.evaluation.ageing_curve import ageing_curve_table
from copper_tf.reports.evaluation.map_grades import grading_table
from copper_tf.reports.evaluation.page import cost_rows, evaluation_figures, score_tables, settings_rows
from copper_tf.reports.full.cover import examples_figure, sheets_figure
from copper_tf.reports.full.models import ONE, SEEDS, first_of_kind
from copper_tf.reports.full.summary import FINDING_LEVELS, answers, limits_of, sound
from copper_tf.reports.hypotheses.page import (
    HYPOTHESES_ALTS,
    hypotheses_captions,
    hypotheses_figures,
    hypotheses_tables,
)
from copper_tf.reports.trust.section import trust_figures, trust_section
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from copper_tf.analysis.comparison_results import Comparison
    from copper_tf.reports.full.examples import ExampleImage
    from copper_tf.reports.full.models import OpenedModel
    from copper_tf.reports.full.results import Report, ReportedModel, SeedScores
    from tfds_copper.copper_sem.metadata import RecordedFinding

__all__ = ["PAGE", "render_report"]

PAGE = "report.html"
# The scores of models as graders.
_GRADER_SCORES = ("accuracy", "within_one", "mae", "qwk")

_CAPTIONS = {
    "sheets": "Potency against stress time. Every dot is a picture, in the colour of its split; diamonds are "
    "the sheets of the test pictures, their mean with its 95 % interval (Student; the scatter within "
    "a sheet is pooled over the sheets of a label). The line is g, which the model was trained for.",
    "pictures": "Potency against stress time. Every dot is a picture, in the colour of its split; sheets are unknown. "
    "The line is g, which the model was trained for.",
    "examples": "The test pictures with the median, the smallest and the largest error, whole, each above its potency "
    "map: blue is the phase of the first t, red that of the last.",
    "graded": "The test pictures with the median, the smallest and the largest error, whole.",
}
_ALTS = {
    "sheets": "Scatter plot of the potency of every picture over stress time, test sheet means, and g",
    "examples": "The typical, the best and the worst test micrograph with scale bars, each above its map if it has one",
}


def _shared(run_figures: dict[str, Figure], kind: str) -> dict[str, Figure]:
    """The figures of one of two kinds of run; both have a network and a training."""
    return {f"{kind}_{n}" if n in ("network", "learning") else n: drawn for n, drawn in run_figures.items()}


def _figures(
    report: Report, models: Sequence[OpenedModel], images: Sequence[ExampleImage]
) -> tuple[dict[str, Figure], dict[str, str], dict[str, str]]:
    """(figures, captions, texts for those who can't see them), by name."""
    captions, alts = dict(CAPTIONS), {**ALTS, **HYPOTHESES_ALTS, **_ALTS}
    drawn: dict[str, Figure] = {}
    maps = first_of_kind(models, "segmenter")
    if maps:
        drawn["sheets"] = sheets_figure(maps.pooled.read(Evaluation), report.sheets)
        captions["sheets"] = _CAPTIONS["sheets" if report.sheets else "pictures"]
    drawn["examples"] = examples_figure(images, report.examples, report.labels, report.first_model.kind)
    captions["examples"] = _CAPTIONS["examples" if maps else "graded"]
    for kind in ("classifier", "segmenter"):
        model = first_of_kind(models, kind)
        if model:
            drawn |= _shared(evaluation_figures(model.pooled, model.pooled.read(Evaluation)), kind)
            if kind == "segmenter" and model.grouping != ONE:
                drawn |= baseline_figures(model.first_run) | trust_figures(model.first_run)
            for name in ("network", "learning"):
                alts[f"{kind}_{name}"], captions[f"{kind}_{name}"] = ALTS[name], CAPTIONS[name]
    if report.blindtest:
        figures, texts = blindtest_figures(report.blindtest)
        drawn, alts = drawn | figures, alts | texts
    if report.calibration:
        for name, one in calibration_figures(report.calibration).items():
            drawn[name], alts[name], captions[name] = one.figure, one.alt, one.caption
    if report.hypotheses:
        drawn |= hypotheses_figures(report.hypotheses)
        captions |= hypotheses_captions(report.hypotheses)
    return drawn, captions, alts


def _split_rows(report: Report) -> list[tuple[str, list[str]]]:
    """Pictures of every label in every split, then all of them, then their sheets."""
    splits = report.dataset.metadata.splits
    rows = [(name, [str(splits[s].per_label[k]) for s in SPLITS]) for k, name in enumerate(report.labels.names)]
    rows.append(("pictures", [str(splits[s].pictures) for s in SPLITS]))
    sheets = [len(splits[s].sheets) for s in SPLITS]
    return [*rows, ("sheets", [str(n) for n in sheets] if any(sheets) else ["unknown"] * len(SPLITS))]


def _findings(report: Report) -> list[RecordedFinding]:
    return sorted(report.dataset.metadata.findings, key=lambda finding: FINDING_LEVELS.index(finding.level))


def _test_cells(model: ReportedModel) -> list[tuple[str, str]]:
    """The two scores of a model that the table of all models shows, with their intervals."""
    names = ("nmse", "auc") if model.kind == "segmenter" else ("median_mae", "accuracy")
    return [format_score(model.test.scores.get(n), model.test.intervals.get(n)) for n in names]


def _costs(report: Report) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(columns, (name, values) rows) of what every training took."""
    columns, parts = [], []
    for model in report.models:
        for k, cost in enumerate(model.cost):
            part = f"seed {model.seeds[k]}" if model.grouping == SEEDS else f"fold {k + 1}"
            columns.append(model.name + (f", {part}" if model.runs > 1 else ""))
            parts.append(dict(cost_rows(cost)))
    names = list(dict.fromkeys(name for part in parts for name in part))
    return columns, [(name, [part.get(name, "–") for part in parts]) for name in names]


def _folder_settings(report: Report) -> list[tuple[str, str, str]]:
    """(name, value, meaning) of how the folder was split and read."""
    rows = []
    for group in (report.dataset.metadata.settings, report.dataset.metadata.reading):
        for field in setting_fields(type(group)):
            value = getattr(group, field.name)
            text = "no" if value is False else "–" if value == "" else f"{value:g}" if field.default == 0.0 else value
            unit = f" ({field.metadata['unit']})" if field.metadata["unit"] else ""
            rows.append((field.name, str(text), field.metadata["help"] + unit))
    return rows


def _comparison_rows(comparison: Comparison) -> dict[str, Any]:
    """Rows of the models as graders, and of their differences to the first."""
    graders = [
        (f"{g.name}, {len(g.runs)} runs" if len(g.runs) > 1 else g.name, g.decoding,
         [format_score(g.scores[n], g.intervals[n]) for n in _GRADER_SCORES])
        for g in comparison.graders
    ]  # fmt: skip
    differences = [
        (d.name, [format_score(d.scores[n].difference, d.scores[n].interval) for n in _GRADER_SCORES],
         f"{d.mcnemar.p_holm:.3f}" if d.mcnemar else "–", f"{d.wilcoxon.p_holm:.3f}")
        for d in comparison.differences
    ]  # fmt: skip
    return {"graders": graders, "differences": differences}


def _seed_rows(seeds: SeedScores) -> list[tuple[str, str, str]]:
    """(score, mean, range) over the runs."""
    return [(n, f"{seeds.scores[n]:.3f}", "{:.3f} to {:.3f}".format(*seeds.ranges[n])) for n in _GRADER_SCORES]


def _footer(name: str) -> str:
    """A dataset's name as it can stand in a style sheet, for the foot of printed pages."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name)[:60]


def _sections(report: Report, models: Sequence[OpenedModel]) -> dict[str, Any]:
    """The variables of the sections that the first segmenter and the first classifier fill."""
    maps, grades = first_of_kind(models, "segmenter"), first_of_kind(models, "classifier")
    scores = {m.kind: m.pooled.read(Evaluation) for m in (grades, maps) if m}
    baselines = (baseline_section(m.first_run) for m in (maps, grades) if m)
    study, blind = report.hypotheses, report.blindtest
    return {
        "maps": report.of_kind("segmenter"),
        "grades": report.of_kind("classifier"),
        "tables": {kind: score_tables(evaluation) for kind, evaluation in scores.items()},
        "ageing_curve": ageing_curve_table(scores["segmenter"]) if maps else {},
        "grading": grading_table(scores["segmenter"]) if maps else None,
        "trust": trust_section(maps.first_run) if maps else None,
        "baselines": next(filter(None, baselines), None),
        "study": study,
        "blind": blind,
        "calibration": report.calibration,
        "comparison": _comparison_rows(report.comparison) if report.comparison else None,
        "seeds": _seed_rows(report.seeds) if report.seeds else None,
        **(blindtest_tables(blind) if blind else {}),
        **(hypotheses_tables(study) if study else {}),
    }


def render_report(
    report: Report, models: Sequence[OpenedModel], images: Sequence[ExampleImage], folder: Path
) -> Path:  # fmt: skip
    """Writes ``report.html`` and every figure as a PNG beside it.

    Args:
        report: of `collect_report`.
        models: it is of.
        images: of `collect_report`.
        folder: where it goes.

    Returns:
        The path of the page.
    """
    drawn, captions, alts = _figures(report, models, images)
    names, sections = report.labels.names, _sections(report, models)
    # That brightness alone tells the label belongs where the verdict stands.
    alarm = sections["baselines"]["alarm"] if sections["baselines"] else ""
    caveats = [*filter(None, [alarm]), *(text for model in report.models for text in model.caveats)]
    return write_page(
        "full/page.html.j2",
        folder / PAGE,
        figures=drawn,
        alts=alts,
        captions=captions,
        report=report,
        sentence=report.sentence,
        answers=answers(report),
        sound=sound(report),
        note=potency_note(report.labels, report.first_model.hypothesis),
        caveats=list(dict.fromkeys(caveats)),
        footer=_footer(report.dataset.name),
        names=names,
        split_rows=_split_rows(report),
        findings=_findings(report),
        models=[(model, _test_cells(model)) for model in report.models],
        costs=_costs(report),
        folder_settings=_folder_settings(report),
        settings=[(model, settings_rows(model.config)) for model in report.models],
        limits=limits_of(report),
        out_of_distribution=out_of_distribution_text(report.first_model.out_of_distribution),
        glossary=GLOSSARY,
        level="h3",
        opened=True,
        **sections,
    )
