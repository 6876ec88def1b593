"""The widgets of the page, in its style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles

__all__ = ["button", "radio_buttons", "row", "text"]


def text(content: str = "", stretch: bool = False, **params: Any) -> pn.pane.HTML:
    """An HTML pane; whoever makes the HTML escapes the names in it."""
    stretched: dict[str, Any] = {"sizing_mode": "stretch_width"} if stretch else {}
    return pn.pane.HTML(content, stylesheets=[styles.TEXT], **{"margin": 0, **stretched, **params})


def button(name: str, on_click: Callable[[], None], *classes: str, **params: Any) -> pn.widgets.Button:
    """A button."""
    widget = pn.widgets.Button(
        name=name, css_classes=list(classes), stylesheets=[styles.BUTTONS], **{"margin": 0, **params}
    )
    widget.on_click(lambda _: on_click())
    return widget


def radio_buttons(options: list[str], on_change: Callable[[], None], **params: Any) -> pn.widgets.RadioButtonGroup:
    """A choice among a few options, side by side."""
    widget = pn.widgets.RadioButtonGroup(
        options=options,
        value=options[0],
        stylesheets=[styles.RADIO_BUTTONS],
        margin=0,
        sizing_mode="stretch_width",
        **params,
    )
    widget.param.watch(lambda _: on_change(), "value")
    return widget


def row(*components: Any, gap: int = 8, **params: Any) -> pn.Row:
    """Components side by side."""
    styles = {"gap": f"{gap}px", "align-items": "center"}
    return pn.Row(*components, styles=styles, **{"margin": 0, "sizing_mode": "stretch_width", **params})
