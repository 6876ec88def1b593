"""Figures 4 and 6: the network with its shapes, by arithmetic on the config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from copper_tf.config import Config
from copper_tf.models.geometry import receptive_field_of
from copper_tf.report.common.style import INK, figure

__all__ = ["network_figure", "parameters"]

_FILL = {"io": "#f2f2f2", "stem": "#dbe9f6", "down": "#c6dcef", "up": "#cfe8d5", "head": "#fbe3cd"}
_WIDE, _HIGH = 1.7, 0.62
# Weights of each head by (c, K): a linear layer, or for coral one vector and a bias for each threshold.
_HEAD_PARAMETERS: dict[str, Callable[[int, int], int]] = {
    "softmax": lambda c, labels: (c + 1) * labels,
    "soft": lambda c, labels: (c + 1) * labels,
    "coral": lambda c, labels: c + labels - 1,
    "corn": lambda c, labels: (c + 1) * (labels - 1),
}


def _box(axes: Axes, x: float, y: float, lines: tuple[str, str], kind: str) -> None:
    corner = (x - _WIDE / 2, y - _HIGH / 2)
    axes.add_patch(
        FancyBboxPatch(
            corner, _WIDE, _HIGH, boxstyle="round,pad=0.02,rounding_size=0.06", facecolor=_FILL[kind],
            edgecolor="#777777", linewidth=0.8,
        )
    )  # fmt: skip
    axes.text(x, y + 0.12, lines[0], ha="center", va="center", fontsize=8, color=INK)
    axes.text(x, y - 0.15, lines[1], ha="center", va="center", fontsize=7, color="#555555")


def _arrow(
    axes: Axes, start: tuple[float, float], stop: tuple[float, float], text: str = "", dashed: bool = False
) -> None:
    style = {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1, "linestyle": "--" if dashed else "-"}
    axes.annotate("", xy=stop, xytext=start, arrowprops=style)
    if text:
        beside = 0.06 if start[0] == stop[0] else 0.0
        x, y = (start[0] + stop[0]) / 2 + beside, (start[1] + stop[1]) / 2
        place: dict[str, Any] = {"ha": "left", "va": "center"} if beside else {"ha": "center", "va": "bottom"}
        plate = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(x, y if beside else y + 0.05, text, fontsize=7, color="#555555", bbox=plate, **place)


def _shape(side: int, level: int, channels: int) -> str:
    return f"{side >> level} × {side >> level} × {channels}"


def _stage(config: Config) -> str:
    m = config.model
    return f"{m.N} × residual ({m.n} conv)"


def _way_down(axes: Axes, config: Config, side: int, step: float) -> None:
    m = config.model
    _box(axes, 0, 0, ("micrograph", _shape(side, 0, 1)), "io")
    _box(axes, 0, -step, ("stem: 3×3 conv", _shape(side, 0, m.c)), "stem")
    _arrow(axes, (0, -_HIGH / 2), (0, -step + _HIGH / 2))
    for level in range(m.d):
        y = -(level + 2) * step
        pool = "2×2 max pool" if level else ""
        _arrow(axes, (0, y + step - _HIGH / 2), (0, y + _HIGH / 2), pool)
        _box(axes, 0, y, (_stage(config), _shape(side, level, m.c)), "down")


def _classifier_top(axes: Axes, config: Config, side: int, step: float, labels: int) -> None:
    m = config.model
    last = -(m.d + 1) * step
    _arrow(axes, (_WIDE / 2, last), (2.6 - _WIDE / 2, last), "2×2 max pool")
    _box(axes, 2.6, last, ("last map", _shape(side, m.d, m.c)), "down")
    _box(axes, 2.6, last + step, ("average over the picture", f"{m.c}"), "head")
    _box(axes, 2.6, last + 2 * step, (f"linear, {m.head}", f"{labels} probabilities"), "head")
    _arrow(axes, (2.6, last + _HIGH / 2), (2.6, last + step - _HIGH / 2))
    _arrow(axes, (2.6, last + step + _HIGH / 2), (2.6, last + 2 * step - _HIGH / 2))


def _segmenter_top(axes: Axes, config: Config, side: int, step: float) -> None:
    m = config.model
    right, bottom = 4.4, -(m.d + 2) * step
    _box(axes, right / 2, bottom, ("bottom map", _shape(side, m.d, m.c)), "down")
    _arrow(axes, (0, -(m.d + 1) * step - _HIGH / 2), (right / 2 - _WIDE / 2, bottom), "2×2 max pool")
    _arrow(axes, (right / 2 + _WIDE / 2, bottom), (right, -(m.d + 1) * step - _HIGH / 2), "bilinear ×2")
    for level in reversed(range(m.d)):
        y = -(level + 2) * step
        _arrow(axes, (_WIDE / 2, y), (right - _WIDE / 2, y), "sum", dashed=True)
        _box(axes, right, y, (_stage(config), _shape(side, level, m.c)), "up")
        text = "bilinear ×2" if level else ""
        _arrow(axes, (right, y + _HIGH / 2), (right, y + step - _HIGH / 2), text)
    _box(axes, right, -step, ("1×1 conv, sigmoid", _shape(side, 0, 1)), "head")
    _box(axes, right, 0, ("potency map", _shape(side, 0, 1)), "io")
    _arrow(axes, (right, -step + _HIGH / 2), (right, -_HIGH / 2))


def parameters(config: Config, labels: int) -> int | None:
    """Number of weights, moving statistics included; None for a head or decoder whose size isn't known here.

    Args:
        config: the run's config.
        labels: number K of labels.
    """
    m = config.model
    heads = {
        "softmax": (m.c + 1) * labels,
        "soft": (m.c + 1) * labels,
        "coral": m.c + labels - 1,
        "corn": (m.c + 1) * (labels - 1),
    }
    if m.head not in heads or m.decoder != "unet":
        return None
    # A unit is a 3x3 kernel without bias, and the four vectors of its batch normalisation.
    stages = m.d * (2 if config.kind == "segmenter" else 1)
    units = 9 * m.c + 4 * m.c + stages * m.n * m.N * (9 * m.c * m.c + 4 * m.c)
    return units + (m.c + 1 if config.kind == "segmenter" else heads[m.head])


def network_figure(config: Config, side: int, labels: int) -> Figure:
    """The paper's Figure 4 (classifier) or 6 (segmenter), shapes as height x width x channels of a training crop.

    Args:
        config: the run's config.
        side: of a training crop with its context, in px.
        labels: number K of labels.
    """
    m, step = config.model, 1.05
    segmenter = config.kind == "segmenter"
    depth = (m.d + (2.6 if segmenter else 1.6)) * step
    drawn = figure(8 if segmenter else 6.4, 0.8 * depth + 0.8)
    axes = drawn.subplots()
    _way_down(axes, config, side, step)
    if segmenter:
        _segmenter_top(axes, config, side, step)
    else:
        _classifier_top(axes, config, side, step, labels)
    convolutions = m.d * m.n * m.N * (2 if segmenter else 1) + 1
    letters = f"n = {m.n}, N = {m.N}, c = {m.c}, d = {m.d}"
    title = f"{letters}: {convolutions} convolutions 3×3, receptive field {receptive_field_of(config)} px"
    count = parameters(config, labels)
    title += f", {count:,} parameters" if count else ""
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlim(-1.1, 5.5 if segmenter else 3.7)
    axes.set_ylim(-depth, 0.5)
    axes.set_axis_off()
    return drawn
