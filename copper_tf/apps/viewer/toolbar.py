"""The tools beside the pictures: arrangement, layer, colours, opacity, threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles
from copper_tf.apps.viewer.cache import STEPS
from copper_tf.apps.viewer.canvas import SCATTER
from copper_tf.apps.viewer.widgets import choice, text
from copper_tf.utils.drawing import STRENGTH

__all__ = ["BESIDE", "OVER", "Tools"]

BESIDE, OVER = "Side by side", "Overlaid"
_POTENCY, _SCATTER = "Potency", "Uncertainty"
_PALETTES = {"Paper": "paper", "Colour-blind safe": "safe"}


class Tools:
    """What the pictures look like, as the user wants it.

    Args:
        arrange: called when the arrangement changes.
        paint: called when colours, opacity or threshold change.
        lay: called when another layer is wanted.
    """

    def __init__(self, arrange: Callable[[], None], paint: Callable[[], None], lay: Callable[[], None]) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        self._opacities = {BESIDE: 100, OVER: round(100 * STRENGTH)}

        def arranged() -> None:
            self._opacity.value = self._opacities[self.arrangement]
            arrange()

        def faded() -> None:
            self._opacities[self.arrangement] = self._opacity.value
            paint()

        self._arrangement = choice([BESIDE, OVER], arranged)

        def laid() -> None:
            # The colours of the uncertainty are its own.
            self._palette.visible = not self.scatter
            lay()

        self._layer = choice([_POTENCY, _SCATTER], laid, visible=False)
        self._palette = choice(list(_PALETTES), paint)
        self._opacity = pn.widgets.IntSlider(
            name="Opacity of the map (%)", start=0, end=100, value=100, stylesheets=[styles.SLIDER], **wide
        )
        self._threshold = pn.widgets.FloatSlider(
            name="Potency at least", start=0, end=1, step=1 / STEPS, value=0.5, format="0.00",
            stylesheets=[styles.SLIDER], **wide,
        )  # fmt: skip
        self._only = pn.widgets.CheckBoxGroup(options=["Show the map only there"], stylesheets=[styles.CHECK], **wide)
        self._opacity.param.watch(lambda _: faded(), "value")
        for widget in (self._threshold, self._only):
            widget.param.watch(lambda _: paint(), "value")
        self._share = text(stretch=True, css_classes=["share"])
        heads = [text(f"<h2>{name}</h2>", stretch=True) for name in ("Map", "Area share")]
        self.parts = [
            heads[0], self._arrangement, self._layer, self._palette, self._opacity, heads[1], self._threshold,
            self._share, self._only,
        ]  # fmt: skip

    @property
    def arrangement(self) -> str:
        """`BESIDE` or `OVER`."""
        return str(self._arrangement.value)

    @property
    def palette(self) -> str:
        """A name in `draw.PALETTES`."""
        return _PALETTES[self._palette.value]

    @property
    def scatter(self) -> bool:
        """Whether the uncertainty is wanted instead of the potency."""
        return bool(self._layer.visible and self._layer.value == _SCATTER)

    @property
    def colours(self) -> str:
        """What the layer is painted with."""
        return SCATTER if self.scatter else self.palette

    @property
    def opacity(self) -> float:
        """Of the map, 0 to 1."""
        return float(self._opacity.value) / 100

    @property
    def step(self) -> int:
        """The threshold, see `Drawn.share`."""
        return round(self._threshold.value * STEPS)

    @property
    def only(self) -> bool:
        """Whether what lies below the threshold is hidden."""
        return bool(self._only.value)

    def offer(self, scatter: bool) -> None:
        """Offers the uncertainty where there is one."""
        self._layer.visible = scatter
        self._palette.visible = not self.scatter

    def tell(self, share: float) -> None:
        """Says which share of the picture reaches the threshold; NaN while there is no map."""
        known = f"{share:.1%}".replace("%", " %") if math.isfinite(share) else "–"
        self._share.object = f'<p><span class="big">{known}</span> <span class="soft">of the picture</span></p>'
