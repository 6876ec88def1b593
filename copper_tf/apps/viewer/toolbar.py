"""The controls beside the pictures: layout, layer, colours, opacity, threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles
from copper_tf.apps.viewer.cache import PERCENT
from copper_tf.apps.viewer.canvas import SCATTER
from copper_tf.apps.web.widgets import radio_buttons
from copper_tf.utils.drawing import STRENGTH

__all__ = ["OVERLAID", "SIDE_BY_SIDE", "Toolbar"]

SIDE_BY_SIDE, OVERLAID = "Side by side", "Overlaid"
_POTENCY, _SCATTER = "Potency", "Uncertainty"
_PALETTES = {"Paper": "paper", "Colour-blind safe": "safe"}


class Toolbar:
    """How the map is shown.

    Args:
        on_layout: called when the layout changes.
        on_colours: called when colours, opacity or threshold change.
        on_layer: called when another layer is chosen.

    Attributes:
        components: what the page shows, from top to bottom.
    """

    def __init__(
        self, on_layout: Callable[[], None], on_colours: Callable[[], None], on_layer: Callable[[], None]
    ) -> None:
        stretched: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        self._opacities = {SIDE_BY_SIDE: 100, OVERLAID: round(100 * STRENGTH)}

        def layout_changed() -> None:
            self._opacity.value = self._opacities[self.layout]
            on_layout()

        def opacity_changed() -> None:
            self._opacities[self.layout] = self._opacity.value
            on_colours()

        self._layout = radio_buttons([SIDE_BY_SIDE, OVERLAID], layout_changed)

        def layer_changed() -> None:
            # The uncertainty has its own colours.
            self._palette.visible = not self.scatter
            on_layer()

        self._layer = radio_buttons([_POTENCY, _SCATTER], layer_changed, visible=False)
        self._palette = radio_buttons(list(_PALETTES), on_colours)
        self._opacity = pn.widgets.IntSlider(
            name="Opacity of the map (%)", start=0, end=100, value=100, stylesheets=[styles.SLIDER], **stretched
        )
        self._threshold = pn.widgets.FloatSlider(
            name="Potency at least", start=0, end=1, step=1 / PERCENT, value=0.5, format="0.00",
            stylesheets=[styles.SLIDER], **stretched,
        )  # fmt: skip
        self._hide_below = pn.widgets.CheckBoxGroup(
            options=["Hide the map below this potency"], stylesheets=[styles.CHECKBOX], **stretched
        )
        self._opacity.param.watch(lambda _: opacity_changed(), "value")
        for widget in (self._threshold, self._hide_below):
            widget.param.watch(lambda _: on_colours(), "value")
        self._area_share = styles.text(stretch=True, css_classes=["area-share"])
        headings = [styles.text(f"<h2>{name}</h2>", stretch=True) for name in ("Map", "Area share")]
        self.components = [
            headings[0], self._layout, self._layer, self._palette, self._opacity, headings[1], self._threshold,
            self._area_share, self._hide_below,
        ]  # fmt: skip

    @property
    def layout(self) -> str:
        """`SIDE_BY_SIDE` or `OVERLAID`."""
        return str(self._layout.value)

    @property
    def palette(self) -> str:
        """A name in `drawing.PALETTES`."""
        return _PALETTES[self._palette.value]

    @property
    def scatter(self) -> bool:
        """Whether the uncertainty is shown instead of the potency."""
        return bool(self._layer.visible and self._layer.value == _SCATTER)

    @property
    def layer_palette(self) -> str:
        """The palette of the current layer."""
        return SCATTER if self.scatter else self.palette

    @property
    def opacity(self) -> float:
        """Opacity of the map, 0 to 1."""
        return float(self._opacity.value) / 100

    @property
    def threshold_percent(self) -> int:
        """The threshold of the area share, 0 to 100."""
        return round(self._threshold.value * PERCENT)

    @property
    def hide_below(self) -> bool:
        """Whether the map is hidden below the threshold."""
        return bool(self._hide_below.value)

    def move_threshold(self, steps: int) -> None:
        """Moves the threshold by so many hundredths."""
        self._threshold.value = min(1.0, max(0.0, round(self._threshold.value + steps / PERCENT, 4)))

    def set_has_scatter(self, has_scatter: bool) -> None:
        """Offers the uncertainty where there is one."""
        self._layer.visible = has_scatter
        self._palette.visible = not self.scatter

    def show_area_share(self, share: float) -> None:
        """Shows the share of the picture that reaches the threshold; NaN while there is no map."""
        shown = f"{share:.1%}".replace("%", " %") if math.isfinite(share) else "–"
        self._area_share.object = f'<p><span class="big">{shown}</span> <span class="muted">of the picture</span></p>'
