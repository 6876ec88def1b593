"""Parts of the page that Panel doesn't have as they are needed here: thumbnails, and a place to drop pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

__all__ = ["Dropper", "Frame", "Thumbnails"]

# Bytes that a browser sends at once.
_CHUNK = 2**20


class Thumbnails(JSComponent):
    """Small pictures under headings; a click or the Enter key chooses one."""

    items = param.List(default=[], doc="Dictionaries of ident, group, name and src, in order.")
    captions = param.Dict(default={}, doc="What stands beneath each picture, by ident.")
    chosen = param.String(default="", doc="The ident of the picture that is shown.")

    _esm = """
    export function render({ model }) {
      const root = document.createElement("div");
      const made = new Map();
      const add = (parent, tag, values) => parent.appendChild(Object.assign(document.createElement(tag), values));
      const mark = () => made.forEach(([button, caption], ident) => {
        button.className = ident === model.chosen ? "chosen" : "";
        caption.textContent = model.captions[ident] ?? "";
      });
      const draw = () => {
        root.replaceChildren(); made.clear();
        let heading = null, group = null;
        for (const { ident, group: name, name: title, src } of model.items) {
          if (name !== heading) {
            add(root, "h2", { textContent: heading = name });
            group = add(root, "div", { className: "group" });
          }
          const button = add(group, "button", { title, onclick: () => model.send_msg(ident) });
          add(button, "img", { src, alt: title });
          made.set(ident, [button, add(button, "span", {})]);
        }
        mark();
      };
      model.on("items", draw); model.on("captions", mark); model.on("chosen", mark);
      draw();
      return root;
    }
    """

    def __init__(self, clicked: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)
        self._clicked = clicked

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, str) and any(item["ident"] == data for item in self.items):
            self._clicked(data)


class Frame(JSComponent):
    """Lies over what it is put into and tells its size in px, which the figures themselves keep to the browser."""

    _esm = """
    export function render({ model }) {
      const root = document.createElement("div");
      Object.assign(root.style, { position: "absolute", inset: "0" });
      const watch = new ResizeObserver(() => model.send_msg([root.clientWidth, root.clientHeight]));
      watch.observe(root);
      model.on("remove", () => watch.disconnect());
      return root;
    }
    """

    def __init__(self, resized: Callable[[int, int], None], **params: Any) -> None:
        style = {"position": "absolute", "inset": "0", "pointer-events": "none"}
        super().__init__(styles=style, sizing_mode="stretch_both", margin=0, **params)
        self._resized = resized

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, list) and len(data) == 2 and all(isinstance(side, int) and side < 10**5 for side in data):
            self._resized(*data)


class Dropper(pn.widgets.FileDropper):
    """A place to drop one file at a time; what is too large is not kept, whatever the browser says.

    Args:
        dropped: told name and bytes of a file.
        refused: told the name of one that is too large.
        limit: bytes of a file.
    """

    def __init__(
        self, dropped: Callable[[str, bytes], None], refused: Callable[[str], None], limit: int, **params: Any
    ) -> None:
        super().__init__(multiple=False, previews=[], chunk_size=_CHUNK, **params)
        self._dropped, self._refused, self._limit = dropped, refused, limit
        self._name, self._parts = "", bytearray()

    def _process_event(self, event: Any) -> None:
        data = getattr(event, "data", None)
        if event.event_name != "upload_event" or not isinstance(data, dict):
            return
        name, part = str(data.get("name", "")), data.get("data")
        if data.get("chunk") == 1:
            self._name, self._parts = name, bytearray()
        if name != self._name or not isinstance(part, bytes) or not name:
            return
        if len(self._parts) + len(part) > self._limit:
            self._name, self._parts = "", bytearray()
            self._refused(name)
            return
        self._parts += part
        if data.get("chunk") == data.get("total_chunks"):
            whole, self._name, self._parts = bytes(self._parts), "", bytearray()
            self._dropped(name, whole)
