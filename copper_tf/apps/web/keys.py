"""The JavaScript of the pages: keys that are pressed, and names for controls that Bokeh leaves without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from panel.custom import JSComponent

__all__ = ["KeyListener", "SliderNames"]

_HIDDEN: dict[str, Any] = {"width": 0, "height": 0, "margin": 0, "styles": {"position": "absolute"}}


class KeyListener(JSComponent):
    """Sends pressed keys to the server, except those for a field or a slider.

    Args:
        on_key: called with the key, as JavaScript names it.
    """

    _esm = """
    const accepted = /^([0-9.+-]|Enter|Arrow(Left|Right|Up|Down)|Home|End|[a-zA-Z])$/;
    export function render({ model }) {
      const listener = (event) => {
        const target = event.composedPath()[0];
        const taken = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.role === "slider"
          || target.classList?.contains("noUi-handle");
        if (taken || event.ctrlKey || event.altKey || event.metaKey || !accepted.test(event.key)) return;
        event.preventDefault();
        if (!event.repeat || event.key.startsWith("Arrow")) model.send_msg(event.key);
      };
      window.addEventListener("keydown", listener);
      model.on("remove", () => window.removeEventListener("keydown", listener));
      const marker = document.createElement("span");
      marker.dataset.listening = "";
      return marker;
    }
    """

    def __init__(self, on_key: Callable[[str], None]) -> None:
        super().__init__(**_HIDDEN)
        self._on_key = on_key

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, str) and 0 < len(data) <= len("ArrowRight"):
            self._on_key(data)


class SliderNames(JSComponent):
    """Gives the handle of every slider the title that stands above it, for those who can't see it."""

    _esm = """
    const name = (root) => root.querySelectorAll(".noUi-handle").forEach((handle) => {
      const title = root.querySelector(".bk-slider-title");
      if (title) handle.setAttribute("aria-label", title.textContent.split(":")[0]);
    });
    export function render({ model }) {
      const watched = new WeakSet();
      // Sliders are drawn when they like, and anew when one of their settings changes.
      const watcher = new MutationObserver((changes) => changes.forEach(({ target, addedNodes }) => {
        addedNodes.forEach((node) => { if (node instanceof Element) enter(node); });
        name(target.getRootNode());
      }));
      const enter = (part) => [part, ...part.querySelectorAll("*")].forEach(({ shadowRoot }) => {
        if (shadowRoot) watch(shadowRoot);
      });
      // An observer doesn't look into shadow roots: each is watched by itself.
      const watch = (root) => {
        if (watched.has(root)) return;
        watched.add(root);
        watcher.observe(root, { childList: true, subtree: true });
        enter(root);
        name(root);
      };
      watch(document);
      model.on("remove", () => watcher.disconnect());
      return document.createElement("span");
    }
    """

    def __init__(self) -> None:
        super().__init__(**_HIDDEN)
