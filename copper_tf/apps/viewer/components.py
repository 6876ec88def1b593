"""Components that Panel lacks: thumbnails, a sensor of the available size, and a zone to drop one picture at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param
from panel.custom import JSComponent

from copper_tf.apps.compat import file_dropper, upload_event

__all__ = ["DropZone", "SizeSensor", "Thumbnails"]

# Bytes per message of an upload.
_CHUNK = 2**20


class Thumbnails(JSComponent):
    """Thumbnails under headings; a click or the Enter key selects one."""

    items = param.List(default=[], doc="Dictionaries of ident, group, name and src, in order.")
    captions = param.Dict(default={}, doc="Text under each thumbnail, by ident.")
    selected = param.String(default="", doc="The ident of the current picture.")

    _esm = """
    export function render({ model }) {
      const root = document.createElement("div");
      const buttons = new Map();
      const add = (parent, tag, values) => parent.appendChild(Object.assign(document.createElement(tag), values));
      const update = () => buttons.forEach(([button, caption], ident) => {
        button.className = ident === model.selected ? "selected" : "";
        caption.textContent = model.captions[ident] ?? "";
      });
      const draw = () => {
        root.replaceChildren(); buttons.clear();
        let heading = null, group = null;
        for (const { ident, group: name, name: title, src } of model.items) {
          if (name !== heading) {
            add(root, "h2", { textContent: heading = name });
            group = add(root, "div", { className: "group" });
          }
          const button = add(group, "button", { title, onclick: () => model.send_msg(ident) });
          add(button, "img", { src, alt: title });
          buttons.set(ident, [button, add(button, "span", {})]);
        }
        update();
      };
      model.on("items", draw); model.on("captions", update); model.on("selected", update);
      draw();
      return root;
    }
    """

    def __init__(self, on_select: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_select = on_select

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, str) and any(item["ident"] == data for item in self.items):
            self._on_select(data)


class SizeSensor(JSComponent):
    """Reports the size in px of its container, which the figures know only in the browser."""

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

    def __init__(self, on_resize: Callable[[int, int], None], **params: Any) -> None:
        style = {"position": "absolute", "inset": "0", "pointer-events": "none"}
        super().__init__(styles=style, sizing_mode="stretch_both", margin=0, **params)
        self._on_resize = on_resize

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, list) and len(data) == 2 and all(isinstance(side, int) and side < 10**5 for side in data):
            self._on_resize(*data)


class DropZone(file_dropper()):  # type: ignore[misc]
    """A zone to drop one file at a time; larger files are discarded, whatever size the browser reports.

    Args:
        on_file: called with name and bytes of a file.
        on_too_large: called with the name of a file over the limit.
        max_bytes: of a file.
    """

    def __init__(
        self, on_file: Callable[[str, bytes], None], on_too_large: Callable[[str], None], max_bytes: int, **params: Any
    ) -> None:
        super().__init__(multiple=False, previews=[], chunk_size=_CHUNK, **params)
        self._on_file, self._on_too_large, self._max_bytes = on_file, on_too_large, max_bytes
        self._name, self._received = "", bytearray()

    def _process_event(self, event: Any) -> None:
        data = upload_event(event)
        if data is None:
            return
        name, chunk = str(data.get("name", "")), data.get("data")
        if data.get("chunk") == 1:
            self._name, self._received = name, bytearray()
        if name != self._name or not isinstance(chunk, bytes) or not name:
            return
        if len(self._received) + len(chunk) > self._max_bytes:
            self._name, self._received = "", bytearray()
            self._on_too_large(name)
            return
        self._received += chunk
        if data.get("chunk") == data.get("total_chunks"):
            content, self._name, self._received = bytes(self._received), "", bytearray()
            self._on_file(name, content)
