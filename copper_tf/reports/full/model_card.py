"""The model card: Hugging Face's front matter and model index, and bioimage.io's fields where they fit.

huggingface_hub's ModelCardData isn't used: it holds one model a card, and a report may have several.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import yaml

from copper_tf.models.picture_sizes import smallest_picture
from copper_tf.reports.common.page import render_template
from copper_tf.reports.common.text import SCORE_NAMES, format_score, out_of_distribution_text
from copper_tf.reports.full.summary import limits_of
from tfds_copper.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from copper_tf.reports.full.results import Report, ReportedModel

__all__ = ["CARD", "card_metadata", "render_card"]

CARD = "MODEL_CARD.md"
_TASKS = {"classifier": "image-classification", "segmenter": "image-segmentation"}
# The scores of the model index; accuracy, mae and mse are Hugging Face's own names of theirs.
_METRICS = {
    "classifier": ("accuracy", "within_one", "mae", "qwk", "median_accuracy", "median_mae", "median_qwk"),
    "segmenter": ("mse", "nmse", "mae", "corr_g", "spearman_t", "iou", "auc"),
}
_PAPER = {
    "text": "Deng, Hascoet et al., Assisting human experts in the interpretation of their visual process: A case study "
    "on assessing copper surface adhesive potency, 2019",
    "url": "https://arxiv.org/abs/1910.11033",
}


class _Plain(yaml.SafeDumper):
    """YAML without anchors, which readers of cards don't all follow."""

    def ignore_aliases(self, data: Any) -> bool:
        """Writes what occurs twice twice."""
        return True


def _results(report: Report, model: ReportedModel) -> list[dict[str, Any]]:
    """The entries of Hugging Face's model index for one run."""
    scores = model.test.scores
    metrics = [
        {"type": name, "name": SCORE_NAMES[name], "value": scores[name]}
        for name in _METRICS[model.kind]
        if math.isfinite(scores.get(name, math.nan))
    ]
    dataset = report.dataset
    about = {"type": "copper_sem", "name": dataset.name, "split": "test", "revision": dataset.metadata.fingerprint}
    task = {"type": _TASKS[model.kind], "name": model.kind}
    return [{"task": task, "dataset": about, "metrics": metrics}]


def _ports(report: Report, model: ReportedModel) -> dict[str, Any]:
    """Inputs and outputs as bioimage.io describes them."""
    least = smallest_picture(model.config["d"], 0)
    sides = [{"type": "space", "id": axis, "size": {"min": least, "step": 1}} for axis in "yx"]
    batch = {"type": "batch", "size": None}
    picture = {
        "id": "micrograph",
        "description": "grey values as recorded, without information bar; normalised by the model "
        f"({model.config['normalisation']})",
        "axes": [batch, *sides, {"type": "channel", "channel_names": ["grey"]}],
        "data": {"type": "uint16"},
    }
    if model.kind == "segmenter":
        out = {
            "id": "potency",
            "description": "resemblance to the surface at the first t, 0 to 1",
            "axes": [batch, *sides, {"type": "channel", "channel_names": ["potency"]}],
            "data": {"type": "float32", "range": [0, 1]},
        }
    else:
        names = list(report.labels.names)
        out = {
            "id": "probabilities",
            "description": "of each stress time",
            "axes": [batch, {"type": "channel", "channel_names": names}],
            "data": {"type": "float32", "range": [0, 1]},
        }
    return {"inputs": [picture], "outputs": [out]}


def _bioimage(report: Report) -> list[dict[str, Any]]:
    """What bioimage.io asks of a model, as far as it is known, for each run."""
    return [
        {
            "type": "model",
            "name": model.name,
            "description": f"{model.kind} of SEM micrographs of etched copper by stress time",
            "timestamp": report.created,
            "documentation": CARD,
            "cite": [_PAPER],
            **_ports(report, model),
            "training_data": {"id": report.dataset.name, "sha256": report.dataset.metadata.fingerprint},
            "attachments": [{"source": f"{model.name}/{w.file}", "sha256": w.sha256} for w in model.weights],
        }
        for model in report.models
    ]


def card_metadata(report: Report, license: str = "") -> dict[str, Any]:
    """The front matter of the card.

    Args:
        report: of `collect_report`.
        license: of the weights, an SPDX identifier; "" where none was stated, which Hugging Face calls ``other``.
    """
    kinds = sorted({model.kind for model in report.models})
    unstated = {"license": "other", "license_name": "not-stated"}
    return {
        **({"license": license} if license else unstated),
        "library_name": "copper-tf",
        "pipeline_tag": _TASKS[report.first_model.kind],
        "tags": ["keras", "microscopy", "scanning-electron-microscopy", "materials-science", "copper", *kinds],
        "datasets": [report.dataset.name],
        "metrics": list(dict.fromkeys(r["type"] for m in report.models for r in _results(report, m)[0]["metrics"])),
        "model-index": [{"name": m.name, "results": _results(report, m)} for m in report.models],
        "bioimageio": _bioimage(report),
    }


def _score_rows(model: ReportedModel) -> list[tuple[str, str, str]]:
    return [
        (SCORE_NAMES[name], *format_score(model.test.scores[name], model.test.intervals[name]))
        for name in SCORE_NAMES
        if name in model.test.scores
    ]


def render_card(report: Report, folder: Path, license: str = "") -> Path:
    """Writes ``MODEL_CARD.md``.

    Args:
        report: of `collect_report`.
        folder: where it goes, beside ``report.html`` and ``figures``.
        license: see `card_metadata`.

    Returns:
        The path of the card.
    """
    text = render_template(
        "full/MODEL_CARD.md.j2",
        escape=False,
        front=yaml.dump(card_metadata(report, license), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120),
        report=report,
        sentence=report.sentence,
        scores=[(model, _score_rows(model)) for model in report.models],
        limits=limits_of(report),
        out_of_distribution=out_of_distribution_text(report.first_model.out_of_distribution),
        paper=_PAPER,
        license=license,
    )
    write_text(folder / CARD, text)
    return folder / CARD
