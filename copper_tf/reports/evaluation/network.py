"""Figures 4 and 6: the network with its shapes, drawn from its description."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from copper_tf.config import Config
from copper_tf.models.architecture import network_of
from copper_tf.models.network import Add, BatchNormReLU, BilinearUpsample, Conv3x3, Layer, MaxPool, Network
from copper_tf.reports.common.style import INK, figure

__all__ = ["network_figure"]

_FILL = {"io": "#f2f2f2", "stem": "#dbe9f6", "down": "#c6dcef", "up": "#cfe8d5", "head": "#fbe3cd"}
_WIDTH, _HEIGHT, _STEP = 1.7, 0.62, 1.05
_RIGHT = {"classifier": 2.6, "segmenter": 4.4}


@dataclasses.dataclass(frozen=True)
class _Box:
    """A part of the network and its place: title, shape, kind of part, centre."""

    title: str
    shape: str
    kind: str
    x: float
    y: float

    def draw(self, axes: Axes) -> None:
        axes.add_patch(
            FancyBboxPatch(
                (self.x - _WIDTH / 2, self.y - _HEIGHT / 2), _WIDTH, _HEIGHT, facecolor=_FILL[self.kind],
                boxstyle="round,pad=0.02,rounding_size=0.06", edgecolor="#777777", linewidth=0.8,
            )
        )  # fmt: skip
        axes.text(self.x, self.y + 0.12, self.title, ha="center", va="center", fontsize=8, color=INK)
        axes.text(self.x, self.y - 0.15, self.shape, ha="center", va="center", fontsize=7, color="#555555")


def _arrow(axes: Axes, box: _Box, to: _Box, text: str = "", dashed: bool = False) -> None:
    """From box to box: straight in a row or column, else from below, or from the right."""
    if box.x == to.x:
        side = math.copysign(_HEIGHT / 2, to.y - box.y)
        start, stop = (box.x, box.y + side), (to.x, to.y - side)
    elif to.y < box.y:
        start, stop = (box.x, box.y - _HEIGHT / 2), (to.x - _WIDTH / 2, to.y)
    else:
        start = (box.x + _WIDTH / 2, box.y)
        stop = (to.x - _WIDTH / 2, to.y) if to.y == box.y else (to.x, to.y - _HEIGHT / 2)
    style = {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1, "linestyle": "--" if dashed else "-"}
    axes.annotate("", xy=stop, xytext=start, arrowprops=style)
    if text:
        vertical = box.x == to.x
        x, y = (start[0] + stop[0]) / 2 + 0.06 * vertical, (start[1] + stop[1]) / 2 + 0.05 * (not vertical)
        place: dict[str, Any] = {"ha": "left", "va": "center"} if vertical else {"ha": "center", "va": "bottom"}
        background = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(x, y, text, fontsize=7, color="#555555", bbox=background, **place)


def _groups(network: Network) -> dict[str, list[Layer]]:
    """The layers of each part of a network, in order."""
    return {name: list(layers) for name, layers in itertools.groupby(network.layers, lambda layer: layer.group)}


def _title(layers: list[Layer]) -> str:
    """What a part of a network consists of."""
    blocks = sum(isinstance(m, Add) and any(isinstance(i, BatchNormReLU) for i in m.inputs) for m in layers)
    convolutions = sum(isinstance(layer, Conv3x3) for layer in layers)
    if blocks:
        return f"{blocks} × residual ({convolutions // blocks} conv)"
    return ", ".join(dict.fromkeys(filter(None, (m.text for m in layers if not isinstance(m, MaxPool))))) or "last map"


def _boxes(network: Network, side: int) -> dict[str, _Box]:
    """The parts of a network in their places: the way down on the left, the rest on the right."""
    kind, right = network.name, _RIGHT[network.name]
    boxes: dict[str, _Box] = {}
    depth = max(layer.level for layer in network.layers)
    for number, (name, layers) in enumerate(_groups(network).items()):
        last = layers[-1]
        map_side = side >> last.level
        shape = f"{last.channels}" if last.is_vector else f"{map_side} × {map_side} × {last.channels}"
        part = next((k for k in ("stem", "down", "up") if name.startswith(k)), "io" if name == "picture" else "head")
        if number < depth + 2:
            x, y = 0.0, -number * _STEP
        elif kind == "classifier":
            x, y = right, (number - 2 * depth - 3) * _STEP
        elif number == depth + 2:
            x, y = right / 2, -number * _STEP
        else:
            x, y = right, -_STEP if name == "mask" else -(last.level + 2) * _STEP
        boxes[name] = _Box(_title(layers), shape, part, x, y)
    if kind == "segmenter":
        boxes["output"] = _Box("potency map", boxes["mask"].shape, "io", right, 0.0)
    else:
        shape = f"{network.output.channels} probabilities"
        boxes["head"] = dataclasses.replace(boxes["head"], shape=shape)
    return boxes


def network_figure(config: Config, side: int, labels: int) -> Figure:
    """The paper's Figure 4 (classifier) or 6 (segmenter), shapes as height x width x channels of a training crop.

    Args:
        config: the run's config.
        side: of a training crop with its context, in px.
        labels: number K of labels.
    """
    m, network = config.model, network_of(config, labels)
    boxes, groups = _boxes(network, side), _groups(network)
    depth = -min(box.y for box in boxes.values()) + 0.6 * _STEP
    drawn = figure(8 if config.kind == "segmenter" else 6.4, 0.8 * depth + 0.8)
    axes = drawn.subplots()
    for box in boxes.values():
        box.draw(axes)
    for name, to in itertools.pairwise(boxes):
        first = groups[to][0] if to in groups else None
        _arrow(axes, boxes[name], boxes[to], first.text if isinstance(first, MaxPool | BilinearUpsample) else "")
        for skip in (layer for layer in groups.get(to, ()) if isinstance(layer, Add)):
            for source in {read.group for read in skip.inputs} - {name, to}:
                _arrow(axes, boxes[source], boxes[to], "sum", dashed=True)
    width = f"{network.receptive_field} px" if network.is_local else "the whole picture"
    axes.set_title(
        f"n = {m.n}, N = {m.N}, c = {m.c}, d = {m.d}: {len(network.convolutions)} convolutions 3×3, "
        f"receptive field {width}, {network.parameters:,} parameters",
        fontsize=9, loc="left",
    )  # fmt: skip
    axes.set_xlim(-1.1, _RIGHT[config.kind] + 1.1)
    axes.set_ylim(-depth, 0.5)
    axes.set_axis_off()
    return drawn
