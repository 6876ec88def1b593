"""The widgets of the web pages, in their style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn

from copper_tf.apps.web import styles

__all__ = ["button", "radio_buttons", "row", "text"]


def text(sheet: str, content: str = "", **params: Any) -> pn.pane.HTML:
    """An HTML pane; whoever makes the HTML escapes the names in it.

    Args:
        sheet: the style sheet of the page's texts.
        content: HTML.
        **params: of `panel.pane.HTML`, as those of the other widgets are of theirs.
    """
    return pn.pane.HTML(content, stylesheets=[sheet], **{"margin": 0, **params})


def button(name: str, on_click: Callable[[], None], *classes: str, **params: Any) -> pn.widgets.Button:
    """A button; the classes ``primary``, ``subtle`` and ``large`` say how it looks."""
    style: dict[str, Any] = {"stylesheets": [styles.BUTTONS], "margin": 0}
    widget = pn.widgets.Button(name=name, css_classes=list(classes), **(style | params))
    widget.on_click(lambda _: on_click())
    return widget


def radio_buttons(options: list[str], on_change: Callable[[], None], **params: Any) -> pn.widgets.RadioButtonGroup:
    """A choice among a few options, side by side."""
    widget = pn.widgets.RadioButtonGroup(
        options=options, value=options[0], stylesheets=[styles.RADIO_BUTTONS], margin=0,
        sizing_mode="stretch_width", **params,
    )  # fmt: skip
    widget.param.watch(lambda _: on_change(), "value")
    return widget


def row(*components: Any, gap: int = 8, classes: tuple[str, ...] = (), **params: Any) -> pn.Row:
    """Components side by side, which wrap on a narrow screen."""
    return pn.Row(
        *components, styles={"gap": f"{gap}px", "align-items": "center"}, css_classes=["row", *classes],
        stylesheets=[styles.ROWS], **{"margin": 0, "sizing_mode": "stretch_width", **params},
    )  # fmt: skip
