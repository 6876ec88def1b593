"""A report in one sentence, the answers to what a reader asks first, and what it can't say at all."""

from __future__ import annotations

import math

from markupsafe import Markup

from copper_tf.analysis.evaluation_results import LabelMean
from copper_tf.reports.common.text import map_assumptions, potency_note, verdict, with_interval
from copper_tf.reports.full.results import Report, ReportedModel
from copper_tf.statistics.bootstrap import MIN_GROUPS

__all__ = ["FINDING_LEVELS", "answers", "limits_of", "one_sentence", "sound"]

# The levels of `copper check`, the worst first.
FINDING_LEVELS = ("unsound", "warning", "note")
_TRUST = {
    "supported": "image statistics support that the maps show areas of the surface",
    "not supported": "that the maps show areas of the surface is not supported by image statistics",
    "undecided": "image statistics leave open whether the maps show areas of the surface",
    None: "whether the maps show areas of the surface was not tested",
}
_BELIEVED = {
    "supported": "Yes, as far as pictures can tell",
    "not supported": "No",
    "undecided": "Undecided",
    None: "This was not tested",
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


def _share(report: Report, mean: LabelMean) -> str:
    """A label's mean potency with its interval, and its t."""
    between = f" ({mean.interval[0]:.2f} to {mean.interval[1]:.2f})" if mean.interval else ""
    return f"{mean.mean:.2f}{between} at t = {report.labels.names[mean.label]}"


def _how_good(report: Report, maps: ReportedModel | None, grades: ReportedModel | None) -> str:
    texts = []
    if maps and maps.label_means:
        first, last = maps.label_means[0], maps.label_means[-1]
        what = "The area share of the phase of the first t" if maps.hypothesis.ends_are_learned else "The potency"
        texts.append(
            f"{what} is {_share(report, first)} and {_share(report, last)}, on pictures that nothing was learned from "
            f"(95 % intervals by {maps.test.resampled})."
        )
    if grades:
        texts.append(
            f"The classifier puts {with_interval(grades.test, 'accuracy')} of new pictures at their own t, and is "
            f"{with_interval(grades.test, 'median_mae')} steps off on average."
        )
    return " ".join(texts)


_SCALE = "Here f is the potency on a scale from 1 at the first t to 0 at the last."
_PREDICT = Markup("<code>copper predict {} PICTURES -o MAPS</code>")
_RUN_TRUST = Markup("<code>copper trust {}</code>")
_PEEL = " Peel tests of the same sheets would say what a potency means in N/mm."
_NEXT = {
    "supported": Markup(
        "Map new pictures by {predict}, with the path to the folder of the run and that to the pictures.{peel}"
    ),
    "undecided": Markup(
        "Compare the maps with their pictures before you use them. More sheets, or a second run with another seed, "
        "often decide it."
    ),
    "not supported": Markup(
        "Don't use the maps; the grades of a classifier don't depend on them. More sheets may help, and so may a "
        "magnification at which single areas are at least 20 px wide."
    ),
    None: Markup("Run {trust}."),
}


def _believed(maps: ReportedModel) -> Markup:
    """Whether the maps can be believed; where not, why."""
    text = Markup("{}.").format(_BELIEVED[maps.trust])
    if maps.trust in (None, "supported"):
        return text
    reasons = Markup("").join(Markup("<li>{}</li>").format(reason) for reason in maps.trust_reasons)
    return text + Markup("<ul>{}</ul>").format(reasons)


def answers(report: Report) -> list[tuple[str, str]]:
    """(question, answer) of what a reader wants to know first; answers may be `Markup`.

    Args:
        report: of `collect_report`.
    """
    maps, grades = report.of_kind("segmenter"), report.of_kind("classifier")
    good = _how_good(report, maps, grades)
    found: list[tuple[str, str]] = [("How good is the surface?", good)] if good else []
    if maps is None:
        return found
    commands = {"predict": _PREDICT.format(maps.name), "trust": _RUN_TRUST.format(maps.name)}
    commands["peel"] = Markup("" if report.calibration else _PEEL)
    return [
        *found,
        ("Where is it good?", "The maps below show the typical, the best and the worst test picture: blue is the phase "
         "of the first t, red that of the last."),
        ("By what law does it decay?", f"{maps.law.replace('no law', 'No law', 1)}. {_SCALE}"),
        ("Can the maps be believed?", _believed(maps)),
        ("What next?", _NEXT[maps.trust].format(**commands)),
    ]  # fmt: skip


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
    measured = report.calibration
    adhesion = (
        f"Strengths are predicted from potency by {len(measured.sheets)} sheets whose {measured.strength} was measured "
        "and hold for sheets of like lots within the range of those scores; they are no measurements themselves."
        if measured
        else "All of this is statistics of pictures. No adhesion was measured, so nothing here says how well a resin "
        "sticks to these surfaces; that needs peel tests of the same sheets."
    )
    texts = [
        adhesion,
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
