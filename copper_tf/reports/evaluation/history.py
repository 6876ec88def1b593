"""How training went, epoch by epoch."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from copper_tf.config import KL, SQUARED, Config
from copper_tf.reports.common.style import INK, figure, tidy
from copper_tf.utils.drawing import SPLIT_COLOURS

__all__ = ["learning_figure"]

_LOSS = {SQUARED: "loss: (mean - g)², Eq. 4", KL: "loss: KL(g | mean), nats"}
_SECOND = {"classifier": ("accuracy", "accuracy"), "segmenter": ("nmse", "NMSE")}


def _panel(axes: Axes, history: list[dict[str, float]], column: str, caption: str, best: int) -> None:
    epochs = [row["epoch"] for row in history]
    for split, name in (("train", column), ("validation", f"val_{column}")):
        values = [row[name] for row in history]
        mark = "o" if len(epochs) < 40 else None
        axes.plot(epochs, values, color=SPLIT_COLOURS[split], label=split, linewidth=1.4, marker=mark, markersize=3)
    axes.axvline(epochs[best], color=INK, linewidth=0.9, linestyle=":", label=f"weights of epoch {epochs[best]:.0f}")
    tidy(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", fontsize=9)
    axes.set_ylabel(caption, fontsize=9)
    axes.legend(fontsize=7.5, frameon=False)


def learning_figure(history: list[dict[str, float]], config: Config, best: int) -> Figure:
    """Loss and NMSE or accuracy of training (augmented crops) and validation (fixed crops).

    Args:
        history: the rows of ``history.csv``, at least one.
        config: of the run.
        best: index of the row whose weights the run uses.
    """
    drawn = figure(10, 3.2)
    left, right = drawn.subplots(1, 2)
    segmenter = config.kind == "segmenter"
    _panel(left, history, "loss", _LOSS.get(config.training.loss, config.training.loss) if segmenter else "loss", best)
    _panel(right, history, *_SECOND[config.kind], best)
    if segmenter:
        right.set_yscale("log")
        right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        right.yaxis.set_major_formatter(ScalarFormatter())
        right.yaxis.set_minor_formatter(NullFormatter())
        right.axhline(1, color=INK, linewidth=0.8, linestyle="--", label="a constant", zorder=1)
        right.legend(fontsize=7.5, frameon=False)
    else:
        right.set_ylim(-0.02, 1.02)
    return drawn
