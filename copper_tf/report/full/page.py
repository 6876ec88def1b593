"""The page of `copper report`: one file that a customer or a reviewer can read without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copper_tf.analysis.blindtest.results import BlindTestResult
from copper_tf.analysis.hypotheses.results import HypothesisStudy
from copper_tf.analysis.results import Evaluation
from copper_tf.report.baselines.section import baseline_figures, baseline_section
from copper_tf.report.blindtest.page import blindtest_figures, blindtest_tables
from copper_tf.report.common.page import write_page
from copper_tf.report.common.text import ALTS, CAPTIONS, GLOSSARY, POTENCY_NOTE, format_score
from copper_tf.report.evaluation.ageing_curve import ageing_curve_table
from copper_tf.report.evaluation.map_grades import grading_table
from copper_tf.report.evaluation.page import cost_rows, evaluation_figures, score_tables, settings_rows
from copper_tf.report.full.contents import lead
from copper_tf.report.full.cover import exhibits_figure, sheets_figure
from copper_tf.report.full.models import ONE, SEEDS
from copper_tf.report.full.summary import FINDING_LEVELS, known_of, limits_of, one_sentence, sound
from copper_tf.report.hypotheses.page import HYPOTHESES_ALTS, HYPOTHESES_CAPTIONS, hypotheses_figures, hypotheses_tables
from copper_tf.report.trust.section import trust_figures, trust_section
from tfds_copper.micrograph import ReadSettings
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SPLITS, SplitSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from copper_tf.report.full.examples import Exhibit
    from copper_tf.report.full.models import Member

__all__ = ["PAGE", "render_report"]

PAGE = "report.html"

_CAPTIONS = {
    "sheets": "Potency against stress time. Every dot is a picture, in the colour of its split; diamonds are "
    "the sheets of the test pictures, their mean with its 95 % interval (Student; the scatter within "
    "a sheet is pooled over the sheets of a label). The line is what the model was told.",
    "pictures": "Potency against stress time. Every dot is a picture, in the colour of its split; sheets are unknown. "
    "The line is what the model was told.",
    "exhibits": "The test picture with the median error and the one with the largest, whole, each beside its potency "
    "map. Blue resembles the surface at the first t, red that at the last.",
    "graded": "The test picture with the median error and the one with the largest, whole.",
}
_ALTS = {
    "sheets": "Scatter plot of the potency of every picture over stress time, test sheet means, and g",
    "exhibits": "The typical and the worst test micrograph with scale bars, each beside its map where it has one",
}


def _shared(run_figures: dict[str, Figure], kind: str) -> dict[str, Figure]:
    """The figures of one of two kinds of run; both have a network and a training."""
    return {f"{kind}_{n}" if n in ("network", "learning") else n: drawn for n, drawn in run_figures.items()}


def _figures(
    told: dict[str, Any], found: Sequence[Member], shown_pictures: Sequence[Exhibit]
) -> tuple[dict[str, Figure], dict[str, str], dict[str, str]]:
    """(figures, captions, texts for those who can't see them), by name."""
    captions, alts = {**CAPTIONS, **HYPOTHESES_CAPTIONS}, {**ALTS, **HYPOTHESES_ALTS, **_ALTS}
    drawn: dict[str, Figure] = {}
    maps = lead(found, "segmenter")
    if maps:
        means = told["sheets"]["means"] if told["sheets"] else []
        drawn["sheets"] = sheets_figure(maps.run.read(Evaluation), means)
        captions["sheets"] = _CAPTIONS["sheets" if means else "pictures"]
    kind = next(m["kind"] for m in told["members"] if m["name"] == told["first"])
    drawn["exhibits"] = exhibits_figure(shown_pictures, told["exhibits"], told["labels"], kind)
    captions["exhibits"] = _CAPTIONS["exhibits" if maps else "graded"]
    for kind in ("classifier", "segmenter"):
        member = lead(found, kind)
        if member:
            drawn |= _shared(evaluation_figures(member.run, member.run.read(Evaluation)), kind)
            if kind == "segmenter" and member.way != ONE:
                drawn |= baseline_figures(member.tested) | trust_figures(member.tested)
            for name in ("network", "learning"):
                alts[f"{kind}_{name}"], captions[f"{kind}_{name}"] = ALTS[name], CAPTIONS[name]
    if told["blindtest"]:
        figures, texts = blindtest_figures(BlindTestResult.from_dict(told["blindtest"]))
        drawn, alts = drawn | figures, alts | texts
    if study := _study(told):
        drawn |= hypotheses_figures(study)
    return drawn, captions, alts


def _split_rows(told: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Pictures of every label in every split, then all of them, then their sheets."""
    splits, labels = told["dataset"]["splits"], told["labels"]
    rows = [
        (f"{t:g} {labels['unit']}".strip(), [str(splits[s]["per_label"][k]) for s in SPLITS])
        for k, t in enumerate(labels["times"])
    ]
    rows.append(("pictures", [str(splits[s]["pictures"]) for s in SPLITS]))
    sheets = [len(splits[s]["sheets"]) for s in SPLITS]
    return [*rows, ("sheets", [str(n) for n in sheets] if any(sheets) else ["unknown"] * len(SPLITS))]


def _findings(told: dict[str, Any]) -> list[dict[str, str]]:
    return sorted(told["dataset"]["findings"], key=lambda f: FINDING_LEVELS.index(f["level"]))


def _members(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What the tables show of every run."""
    rows = []
    for member in told["members"]:
        test = member["splits"]["test"]
        names = ("nmse", "auc") if member["kind"] == "segmenter" else ("median_mae", "accuracy")
        values = [format_score(test["scores"].get(n), test["intervals"].get(n)) for n in names]
        rows.append({**member, "shown": values})
    return rows


def _costs(told: dict[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(columns, (name, values) rows) of what every training took."""
    columns, parts = [], []
    for member in told["members"]:
        for k, found in enumerate(member["cost"]):
            part = f"seed {member['seeds'][k]}" if member["way"] == SEEDS else f"fold {k + 1}"
            columns.append(member["name"] + (f", {part}" if member["runs"] > 1 else ""))
            parts.append(dict(cost_rows(found)))
    names = list(dict.fromkeys(name for part in parts for name in part))
    return columns, [(name, [part.get(name, "–") for part in parts]) for name in names]


def _folder_settings(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, value, meaning) of how the folder was split and read."""
    rows = []
    for group, values in ((SplitSettings, told["dataset"]["settings"]), (ReadSettings, told["dataset"]["reading"])):
        for field in setting_fields(group):
            value = values.get(field.name, field.default)
            text = "no" if value is False else "–" if value == "" else f"{value:g}" if field.default == 0.0 else value
            unit = f" ({field.metadata['unit']})" if field.metadata["unit"] else ""
            rows.append((field.name, str(text), field.metadata["help"] + unit))
    return rows


def _comparison(told: dict[str, Any]) -> dict[str, Any] | None:
    """Rows of the runs as graders, and of their differences to the first; None where there is one run."""
    found = told["comparison"]
    if not found:
        return None
    names = ("accuracy", "within_one", "mae", "qwk")
    graders = [
        (f"{g['name']}, {len(g['runs'])} runs" if len(g["runs"]) > 1 else g["name"], g["decoding"],
         [format_score(g["scores"][n], g["intervals"][n]) for n in names])
        for g in found["graders"]
    ]  # fmt: skip
    differences = [
        (d["name"], [format_score(d["scores"][n]["difference"], d["scores"][n]["interval"]) for n in names],
         "–" if not d["mcnemar"] else f"{d['mcnemar']['p_holm']:.3f}", f"{d['wilcoxon']['p_holm']:.3f}")
        for d in found.get("differences", [])
    ]  # fmt: skip
    seeds = found["seeds"] and [
        (n, f"{found['seeds']['scores'][n]:.3f}", "{:.3f} to {:.3f}".format(*found["seeds"]["ranges"][n]))
        for n in names
    ]
    return {"graders": graders, "differences": differences, "seeds": seeds, "over": found["seeds"], "all": found}


def _footer(name: str) -> str:
    """A dataset's name as it can stand in a style sheet, for the foot of printed pages."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name)[:60]


def _study(told: dict[str, Any]) -> HypothesisStudy | None:
    return HypothesisStudy.from_dict(told["hypotheses"]) if told["hypotheses"] else None


def _sections(told: dict[str, Any], found: Sequence[Member]) -> dict[str, Any]:
    """What the sections of the page take from the first segmenter and the first classifier."""
    maps, grades = lead(found, "segmenter"), lead(found, "classifier")
    scores = {m.kind: m.run.read(Evaluation) for m in (grades, maps) if m}
    study = _study(told)
    blind = BlindTestResult.from_dict(told["blindtest"]) if told["blindtest"] else None
    tables = (baseline_section(m.tested) for m in (maps, grades) if m)
    return {
        "maps": next((m for m in told["members"] if m["kind"] == "segmenter"), None),
        "grades": next((m for m in told["members"] if m["kind"] == "classifier"), None),
        "tables": {kind: score_tables(part) for kind, part in scores.items()},
        "ageing_curve": ageing_curve_table(scores["segmenter"]) if maps else {},
        "grading": grading_table(scores["segmenter"]) if maps else None,
        "trust": trust_section(maps.tested) if maps else None,
        "baselines": next(filter(None, tables), None),
        "study": study,
        "blind": blind,
        **(blindtest_tables(blind) if blind else {}),
        **(hypotheses_tables(study) if study else {}),
    }  # fmt: skip


def render_report(
    told: dict[str, Any], found: Sequence[Member], shown_pictures: Sequence[Exhibit], folder: Path
) -> Path:
    """Writes ``report.html`` and every figure as a PNG beside it.

    Args:
        told: of `dossier.gather`, as it was written to JSON.
        found: the runs it is of.
        shown_pictures: of `dossier.gather`.
        folder: where it goes.

    Returns:
        The path of the page.
    """
    drawn, captions, alts = _figures(told, found, shown_pictures)
    names = [f"{t:g} {told['labels']['unit']}".strip() for t in told["labels"]["times"]]
    parts = _sections(told, found)
    # That brightness alone tells the label belongs where the verdict stands.
    alarm = parts["baselines"]["alarm"] if parts["baselines"] else ""
    return write_page(
        "full/page.html.j2",
        folder / PAGE,
        figures=drawn,
        alts=alts,
        captions=captions,
        told=told,
        sentence=one_sentence(told),
        sound=sound(told),
        note=POTENCY_NOTE.format(first=names[0], last=names[-1]),
        caveats=list(dict.fromkeys([*filter(None, [alarm]), *(t for m in told["members"] for t in m["caveats"])])),
        footer=_footer(told["dataset"]["name"]),
        names=names,
        split_rows=_split_rows(told),
        findings=_findings(told),
        members=_members(told),
        comparison=_comparison(told),
        costs=_costs(told),
        folder_settings=_folder_settings(told),
        settings=[(m, settings_rows(m["config"])) for m in told["members"]],
        limits=limits_of(told),
        **known_of(told),
        glossary=GLOSSARY,
        level="h3",
        opened=True,
        **parts,
    )
