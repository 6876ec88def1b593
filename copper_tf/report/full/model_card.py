"""The model card: Hugging Face's front matter and model index, and bioimage.io's fields where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from copper_tf.models.geometry import smallest_picture
from copper_tf.report.common.page import render_template
from copper_tf.report.common.text import SCORE_NAMES, format_score
from copper_tf.report.full.summary import known_of, limits_of, one_sentence
from tfds_copper.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

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


def _results(told: dict[str, Any], member: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of Hugging Face's model index for one run."""
    scores = member["splits"]["test"]["scores"]
    metrics = [
        {"type": name, "name": SCORE_NAMES[name], "value": scores[name]}
        for name in _METRICS[member["kind"]]
        if scores.get(name) is not None
    ]
    dataset = told["dataset"]
    about = {"type": "copper_sem", "name": dataset["name"], "split": "test", "revision": dataset["fingerprint"]}
    task = {"type": _TASKS[member["kind"]], "name": member["kind"]}
    return [{"task": task, "dataset": about, "metrics": metrics}]


def _ports(told: dict[str, Any], member: dict[str, Any]) -> dict[str, Any]:
    """Inputs and outputs as bioimage.io describes them."""
    least = smallest_picture(member["config"]["d"], 0)
    sides = [{"type": "space", "id": axis, "size": {"min": least, "step": 1}} for axis in "yx"]
    batch = {"type": "batch", "size": None}
    picture = {
        "id": "micrograph",
        "description": "grey values as recorded, without information bar; normalised by the model "
        f"({member['config']['normalisation']})",
        "axes": [batch, *sides, {"type": "channel", "channel_names": ["grey"]}],
        "data": {"type": "uint16"},
    }
    if member["kind"] == "segmenter":
        out = {
            "id": "potency",
            "description": "resemblance to the surface at the first t, 0 to 1",
            "axes": [batch, *sides, {"type": "channel", "channel_names": ["potency"]}],
            "data": {"type": "float32", "range": [0, 1]},
        }
    else:
        names = [f"{t:g} {told['labels']['unit']}".strip() for t in told["labels"]["times"]]
        out = {
            "id": "probabilities",
            "description": "of each stress time",
            "axes": [batch, {"type": "channel", "channel_names": names}],
            "data": {"type": "float32", "range": [0, 1]},
        }
    return {"inputs": [picture], "outputs": [out]}


def _bioimage(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What bioimage.io asks of a model, as far as it is known, for each run."""
    return [
        {
            "type": "model",
            "name": member["name"],
            "description": f"{member['kind']} of SEM micrographs of etched copper by stress time",
            "timestamp": told["created"],
            "documentation": CARD,
            "cite": [_PAPER],
            **_ports(told, member),
            "training_data": {"id": told["dataset"]["name"], "sha256": told["dataset"]["fingerprint"]},
            "attachments": [
                {"source": f"{member['name']}/{w['file']}", "sha256": w["sha256"]} for w in member["weights"]
            ],
        }
        for member in told["members"]
    ]


def card_metadata(told: dict[str, Any], licence: str = "") -> dict[str, Any]:
    """The front matter of the card.

    Args:
        told: of `dossier.gather`.
        licence: of the weights, an SPDX identifier; "" where none was stated, which Hugging Face calls ``other``.
    """
    kinds = sorted({member["kind"] for member in told["members"]})
    unstated = {"license": "other", "license_name": "not-stated"}
    return {
        **({"license": licence} if licence else unstated),
        "library_name": "copper-tf",
        "pipeline_tag": _TASKS[next(m["kind"] for m in told["members"] if m["name"] == told["first"])],
        "tags": ["keras", "microscopy", "scanning-electron-microscopy", "materials-science", "copper", *kinds],
        "datasets": [told["dataset"]["name"]],
        "metrics": list(dict.fromkeys(r["type"] for m in told["members"] for r in _results(told, m)[0]["metrics"])),
        "model-index": [{"name": m["name"], "results": _results(told, m)} for m in told["members"]],
        "bioimageio": _bioimage(told),
    }


def _score_rows(member: dict[str, Any]) -> list[tuple[str, str, str]]:
    test = member["splits"]["test"]
    return [
        (SCORE_NAMES[name], *format_score(test["scores"][name], test["intervals"][name]))
        for name in SCORE_NAMES
        if name in test["scores"]
    ]


def render_card(told: dict[str, Any], folder: Path, licence: str = "") -> Path:
    """Writes ``MODEL_CARD.md``.

    Args:
        told: of `dossier.gather`.
        folder: where it goes, beside ``report.html`` and ``figures``.
        licence: see `card_metadata`.

    Returns:
        The path of the card.
    """
    text = render_template(
        "full/MODEL_CARD.md.j2",
        escape=False,
        front=yaml.dump(card_metadata(told, licence), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120),
        told=told,
        sentence=one_sentence(told),
        scores=[(member, _score_rows(member)) for member in told["members"]],
        limits=limits_of(told),
        **known_of(told),
        paper=_PAPER,
        licence=licence,
    )
    write_text(folder / CARD, text)
    return folder / CARD
