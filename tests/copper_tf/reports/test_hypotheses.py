"""Figures of a study of hypotheses: everything lies on the paper, however few panels there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from copper_tf.reports.hypotheses.figures import potencies_figure
from copper_tf.runs.labels import Labels

K = 6


def _study(names: tuple[str, ...]) -> Any:
    splits = ("train", "validation", "test")
    label = tuple(k for k in range(K) for _ in splits)
    g = tuple(np.linspace(1, 0, K).tolist())
    curve = {"g": g, "means": g}
    return SimpleNamespace(
        labels=Labels(tuple(map(float, range(K))), "h"),
        hypotheses=[SimpleNamespace(name=name, nmse=0.1) for name in names],
        curves=[SimpleNamespace(name=name, **curve) for name in names],
        pictures=SimpleNamespace(
            file=tuple(map(str, range(len(label)))), split=splits * K, label=label,
            potency={name: tuple(g[k] for k in label) for name in names},
        ),
    )  # fmt: skip


@pytest.mark.parametrize("panels", [1, 2, 3, 4])
def test_the_legend_of_any_number_of_panels_lies_on_the_paper(panels: int) -> None:
    drawn = potencies_figure(_study(("linear", "sqrt", "square", "sine")[:panels]))
    drawn.canvas.draw()
    (legend,) = drawn.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == 5
    assert box.x0 >= 0 and box.x1 <= drawn.bbox.width and box.y0 >= 0
