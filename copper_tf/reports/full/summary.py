"""A report in one sentence, and what it can't say at all."""

from __future__ import annotations

import math

from copper_tf.reports.common.text import map_assumptions, potency_note, verdict, with_interval
from copper_tf.reports.full.results import Report
from copper_tf.statistics.bootstrap import MIN_GROUPS

__all__ = ["FINDING_LEVELS", "limits_of", "one_sentence", "sound"]

# The levels of `copper check`, the worst first.
FINDING_LEVELS = ("unsound", "warning", "note")
_TRUST = {
    "supported": "image statistics support that the maps show areas of the surface",
    "not supported": "that the maps show areas of the surface is not supported by image statistics",
    "undecided": "image statistics leave open whether the maps show areas of the surface",
    None: "whether the maps show areas of the surface was not tested",
}


def one_sentence(report: Report) -> str:
    """The verdict of a report, from the scores on the test pictures and the trust tests."""
    maps, grades = report.of_kind("segmenter"), report.of_kind("classifier")
    first = maps or grades
    if first is None:
        return ""
    text = verdict(first.kind, first.test, first.hypothesis, report.dataset.folds).removesuffix(".")
    if maps:
        text += f"; {_TRUST[maps.trust]}"
    if maps and grades:
        steps = with_interval(grades.test, "median_mae")
        text += f"; a classifier grades the same pictures {steps} steps off on average"
    return text + "."


def sound(report: Report) -> bool:
    """Whether nothing speaks against believing the first model: neither its scores nor the trust tests."""
    first = report.first_model
    return first.trust != "not supported" and not first.test.scores.get("nmse", math.nan) >= 1


def _acquired(report: Report) -> str:
    values = {setting.name: setting.value for setting in report.acquisition.settings}
    kept = [f"{name} {values[name]}" for name in ("pixel size", "accelerating voltage", "detector") if name in values]
    return f" ({', '.join(kept)})" if kept else ""


def limits_of(report: Report) -> list[str]:
    """What the report can't say, one sentence or two each."""
    test = report.first_model.test
    texts = [
        "All of this is statistics of pictures. No adhesion was measured, so nothing here says how well a resin sticks "
        "to these surfaces; that needs peel tests of the same sheets.",
        f"The results hold for pictures taken like these{_acquired(report)}. Other settings, another microscope or "
        "another etching process can change how a surface looks without changing the surface.",
    ]
    if report.first_model.kind == "segmenter":
        hypothesis = report.first_model.hypothesis
        texts += [potency_note(report.labels, hypothesis), *map_assumptions(hypothesis)]
    of = "sheets" if test.resampled == "sheets" else "pictures, whose sheets are unknown"
    few = f" Fewer than {MIN_GROUPS} give no interval." if test.groups < MIN_GROUPS else ""
    texts.append(
        f"What is said of new pictures rests on {test.pictures} test pictures of {test.groups} {of}. Single "
        f"labels have only a few of them and prove nothing by themselves.{few}"
    )
    if test.resampled != "sheets":
        texts.append(
            "Where sheets are unknown, pictures of one sheet may lie in several splits, and label and sheet can't be "
            "distinguished."
        )
    caveats = [text[:1].upper() + text[1:] for model in report.models for text in model.caveats]
    return list(dict.fromkeys([*texts, *(text if text.endswith(".") else f"{text}." for text in caveats)]))
