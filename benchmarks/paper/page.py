"""One page with the paper's Figures 3 to 11, each beside what the paper's shows and whether ours agrees."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.paper.figures import hypothesis_figure, masks_figure, pictures_figure
from benchmarks.paper.plan import HYPOTHESES
from benchmarks.paper.raters import RATERS
from benchmarks.paper.statements import Results, Statement, statements
from copper_tf.analysis.example_maps import EXAMPLES
from copper_tf.data.pictures import Example, examples
from copper_tf.reports.blindtest.figures import grader_figure
from copper_tf.reports.common.micrographs import overlay_figure, read_patches
from copper_tf.reports.common.page import write_page
from copper_tf.reports.evaluation.grades import grades_figure
from copper_tf.reports.evaluation.network import network_figure
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run
from tfds_copper.dataset import Dataset

__all__ = ["TITLES", "draw", "write"]

TITLES = {
    3: "Pictures", 4: "The classifier", 5: "Binary masks", 6: "The segmenter", 7: "A rater in the blind test",
    8: "The classifier's answers", 9: "A map over its picture", 10: "The linear hypothesis", 11: "Other hypotheses",
}  # fmt: skip
_ALTS = {
    3: "Two simulated micrographs, whole and enlarged",
    4: "The layers of the classifier",
    5: "True masks of four labels, two pictures each",
    6: "The layers of the segmenter",
    7: "Answers of a scripted rater against the true labels, and their confusion matrix",
    8: "Answers of the classifier against the true labels, and their confusion matrix",
    9: "Test micrographs above the same with their potency maps over them",
    10: "Potency of every picture over stress time, and the linear hypothesis",
    11: "Potency of every picture over stress time, a panel for each hypothesis",
}
# Figure 3 shows t = 1 and t = 10 of 16 labels, Figure 5 some labels from first to last.
_PAIR, _MASKS = (1, 10), 4


def _of_labels(dataset: Dataset, labels: Sequence[int], each: int) -> list[list[Example]]:
    """Test pictures of these labels: rows of one picture of each."""
    found: dict[int, list[Example]] = {label: [] for label in labels}
    for example in examples(dataset, "test"):
        if len(found.get(example.label, range(each))) < each:
            found[example.label].append(example)
    return [list(row) for row in zip(*found.values(), strict=False)]


def draw(found: Results, runs: Mapping[str, Run], dataset: Dataset) -> dict[int, Figure]:
    """Every figure by its number.

    Args:
        found: of all stages.
        runs: by their kind.
        dataset: of the pictures.
    """
    labels: Labels = found.classifier.labels
    last = len(labels.times) - 1
    pair = sorted({min(k, last) for k in _PAIR})
    spread = sorted({round(k) for k in np.linspace(0, last, _MASKS)})
    expert = next(grader for grader in found.blind.graders if grader.name == RATERS[0].name)
    patches = read_patches(runs["segmenter"].path / "scores" / EXAMPLES)
    networks = {4: runs["classifier"], 6: runs["segmenter"]}
    drawn = {
        3: pictures_figure(_of_labels(dataset, pair, 1)[0], labels),
        5: masks_figure(_of_labels(dataset, spread, 2), labels),
        7: grader_figure(found.blind, expert),
        8: grades_figure(labels, found.classifier.pictures, found.classifier.splits["test"].confusion),
        9: overlay_figure(patches, labels),
        10: hypothesis_figure(found.study, HYPOTHESES[:1]),
        11: hypothesis_figure(found.study, HYPOTHESES[1:]),
        **{n: network_figure(run.config, int(run.data["window"]), last + 1) for n, run in networks.items()},
    }
    return dict(sorted(drawn.items()))


def write(
    file: Path, found: Results, runs: Mapping[str, Run], dataset: Dataset, seconds: Mapping[str, float]
) -> list[Statement]:  # fmt: skip
    """Writes the page and its figures as PNG beside it.

    Args:
        file: the page.
        found: of all stages.
        runs: by their kind.
        dataset: of the pictures.
        seconds: that each stage took.

    Returns:
        The statements on it.
    """
    said = statements(found)
    drawn = draw(found, runs, dataset)
    write_page(
        "page.html.j2", file, templates=Path(__file__).parent,
        figures={f"figure{number}": one for number, one in drawn.items()},
        alts={f"figure{number}": text for number, text in _ALTS.items()},
        titles=TITLES, dataset=dataset, sizes=dataset.split_sizes,
        statements={n: list(group) for n, group in itertools.groupby(said, key=lambda one: one.figure)},
        minutes=[(name, f"{value / 60:.1f}") for name, value in seconds.items()],
        total=f"{sum(seconds.values()) / 60:.0f}",
    )  # fmt: skip
    return said
