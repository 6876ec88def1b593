"""The few widgets of the page, in its style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles

__all__ = ["button", "choice", "row", "text"]


def text(content: str = "", stretch: bool = False, **params: Any) -> pn.pane.HTML:
    """A text; its HTML is ours, names in it are escaped by who makes it."""
    wide: dict[str, Any] = {"sizing_mode": "stretch_width"} if stretch else {}
    return pn.pane.HTML(content, stylesheets=[styles.TEXT], **{"margin": 0, **wide, **params})


def button(name: str, pressed: Callable[[], None], *classes: str, **params: Any) -> pn.widgets.Button:
    """A button."""
    made = pn.widgets.Button(
        name=name, css_classes=list(classes), stylesheets=[styles.BUTTONS], **{"margin": 0, **params}
    )
    made.on_click(lambda _: pressed())
    return made


def choice(options: list[str], changed: Callable[[], None], **params: Any) -> pn.widgets.RadioButtonGroup:
    """One of a few, side by side."""
    made = pn.widgets.RadioButtonGroup(
        options=options, value=options[0], stylesheets=[styles.CHOICE], margin=0, sizing_mode="stretch_width", **params
    )
    made.param.watch(lambda _: changed(), "value")
    return made


def row(*parts: Any, gap: int = 8, **params: Any) -> pn.Row:
    """Things beside each other."""
    styles = {"gap": f"{gap}px", "align-items": "center"}
    return pn.Row(*parts, styles=styles, **{"margin": 0, "sizing_mode": "stretch_width", **params})
