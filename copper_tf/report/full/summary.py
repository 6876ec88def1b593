"""What a report says in one sentence, and what it can't say at all."""

from __future__ import annotations

from typing import Any

from copper_tf.analysis.results import OutOfDistribution, SplitScores
from copper_tf.report.common.text import ASSUMPTIONS, POTENCY_NOTE, out_of_distribution_text, verdict, with_interval
from copper_tf.runs.records import HypothesisRecord
from copper_tf.statistics.scores import MIN_GROUPS
from tfds_copper.results import structure

__all__ = ["FINDING_LEVELS", "known_of", "limits_of", "one_sentence", "sound"]

# The levels of `copper check`, the worst first.
FINDING_LEVELS = ("unsound", "warning", "note")
_TRUST = {
    "supported": "image statistics support that the maps show areas of the surface",
    "not supported": "that the maps show areas of the surface is not supported by image statistics",
    "undecided": "image statistics leave open whether the maps show areas of the surface",
    None: "whether the maps show areas of the surface was not tested",
}


def _test(member: dict[str, Any]) -> SplitScores:
    """The scores of a member's test pictures."""
    return structure(SplitScores, member["splits"]["test"])


def _of(told: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return next((m for m in told["members"] if m["kind"] == kind), None)


def _grades_clause(member: dict[str, Any]) -> str:
    test = _test(member)
    return f"a classifier grades the same pictures {with_interval(test, 'median_mae')} steps off on average"


def one_sentence(told: dict[str, Any]) -> str:
    """The verdict of a report, from the scores on the test pictures and the trust tests.

    Args:
        told: of `dossier.gather`.
    """
    maps, grades = _of(told, "segmenter"), _of(told, "classifier")
    first = maps or grades
    if first is None:
        return ""
    hypothesis = structure(HypothesisRecord, first["hypothesis"])
    text = verdict(first["kind"], _test(first), hypothesis, told["dataset"]["folds"]).removesuffix(".")
    if maps:
        text += f"; {_TRUST[maps['trust']]}"
    if maps and grades:
        text += f"; {_grades_clause(grades)}"
    return text + "."


def sound(told: dict[str, Any]) -> bool:
    """Whether nothing speaks against believing the first run: neither its scores nor the trust tests."""
    first = next(m for m in told["members"] if m["name"] == told["first"])
    nmse = first["splits"]["test"]["scores"].get("nmse")
    return first["trust"] != "not supported" and not (nmse is not None and nmse >= 1)


def known_of(told: dict[str, Any]) -> dict[str, Any]:
    """``knows``, (name, value) of the pictures that the first run knows, and ``out_of_distribution`` of its test ones.

    Args:
        told: of `dossier.gather`.
    """
    first = next(m for m in told["members"] if m["name"] == told["first"])
    different = structure(OutOfDistribution, first["out_of_distribution"])
    return {"knows": first["knows"], "out_of_distribution": out_of_distribution_text(different)}


def _taken_as(told: dict[str, Any]) -> str:
    rows = {row["name"]: row["value"] for row in told["acquisition"]["rows"]}
    kept = [f"{name} {rows[name]}" for name in ("pixel size", "accelerating voltage", "detector") if name in rows]
    return f" ({', '.join(kept)})" if kept else ""


def limits_of(told: dict[str, Any]) -> list[str]:
    """What the report can't say, one sentence or two each.

    Args:
        told: of `dossier.gather`.
    """
    labels = told["labels"]
    names = [f"{t:g} {labels['unit']}".strip() for t in (labels["times"][0], labels["times"][-1])]
    first = next(m for m in told["members"] if m["name"] == told["first"])
    test = first["splits"]["test"]
    lines = [
        "All of this is statistics of pictures. No adhesion was measured, so nothing here says how well a resin sticks "
        "to these surfaces; that needs peel tests of the same sheets.",
        f"The results hold for pictures taken like these{_taken_as(told)}. Other settings, another microscope or "
        "another etching process can change how a surface looks without changing the surface.",
    ]
    if first["kind"] == "segmenter":
        lines += [POTENCY_NOTE.format(first=names[0], last=names[1]), *ASSUMPTIONS]
    of = "sheets" if test["resampled"] == "sheets" else "pictures, whose sheets are unknown"
    few = f" Fewer than {MIN_GROUPS} give no interval." if test["groups"] < MIN_GROUPS else ""
    lines.append(
        f"What is said of new pictures rests on {test['pictures']} test pictures of {test['groups']} {of}. Single "
        f"labels have only a few of them and prove nothing by themselves.{few}"
    )
    if test["resampled"] != "sheets":
        lines.append(
            "Where sheets are unknown, pictures of one sheet may lie in several splits, and label and sheet can't be "
            "told apart."
        )
    caveats = [text[:1].upper() + text[1:] for m in told["members"] for text in m["caveats"]]
    return list(dict.fromkeys([*lines, *(text if text.endswith(".") else f"{text}." for text in caveats)]))
