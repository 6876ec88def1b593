"""What is wrong to look at on a page, as a browser sees it on a desk and on a phone."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

__all__ = ["DESK", "PHONE", "faults", "overhangs", "page_faults"]

DESK, PHONE = 1300, 390
# Of letters in figures, px.
_LEAST_LETTER = 7
# axe calls what keeps people from using a page so.
_GRAVE = ("serious", "critical")

_LOOK = """([least, desk]) => {
  const found = [], root = document.documentElement;
  const name = (e) => `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") || ""}"> `
    + `${(e.textContent || "").trim().replace(/\\s+/g, " ").slice(0, 60)}`;
  const shown = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.body.querySelectorAll("*")].filter(
      (e) => shown(e) && e.getBoundingClientRect().right > root.clientWidth + 1);
    found.push(`scrolls sideways: ${root.scrollWidth} px; ${wide.slice(0, 3).map(name).join("; ")}`);
  }
  if (desk) [...document.querySelectorAll("*")].filter((e) => shown(e) && e.scrollWidth > e.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e !== root)
    .forEach((e) => found.push(`wider than its place: ${name(e)}`));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || !shown(parent) || parent.closest("script, style, title")) continue;
    if (parent.closest("svg")) {
      const size = parent.getBoundingClientRect();
      if (size.height > 0 && Math.min(size.height, size.width) < least) found.push(`too small: ${name(parent)}`);
      continue;
    }
    const style = getComputedStyle(parent);
    if (["hidden", "clip"].includes(style.overflowX) && parent.scrollWidth > parent.clientWidth + 1
        && style.position !== "absolute") found.push(`cut: ${name(parent)}`);
    if (parent.closest("code, pre, a")) continue;
    for (const word of node.data.matchAll(/[\\p{L}\\p{N}]{2,14}/gu)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = new Set([...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top)));
      if (tops.size > 1) found.push(`broken: ${word[0]} in ${name(parent)}`);
    }
  }
  for (const image of document.images) {
    if (shown(image) && image.complete && !image.naturalWidth) found.push(`no picture: ${image.alt}`);
  }
  return [...new Set(found)];
}"""


_OVERHANGS = """(place) => {
  const inside = (root) => [...root.children, ...(root.shadowRoot?.children ?? [])].flatMap((e) => [e, ...inside(e)]);
  const found = [], box = place.getBoundingClientRect();
  for (const e of inside(place)) {
    if (!e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    const {left, right, width, height} = e.getBoundingClientRect();
    if (width * height > 0 && (left < box.left - 1 || right > box.right + 1))
      found.push(`${e.tagName} ${e.className} from ${Math.round(left)} to ${Math.round(right)} px, its place from `
        + `${Math.round(box.left)} to ${Math.round(box.right)} px`);
  }
  return found;
}"""


def overhangs(page: Any, *places: str) -> list[str]:
    """What reaches sideways out of its place on a page, shadow roots included, and what of the places overlaps.

    Args:
        page: of Playwright.
        *places: selectors of parts that stand side by side or one above the other.
    """
    items = [page.locator(place).first for place in places]
    found = [f"{place}: {one}" for place, item in zip(places, items, strict=True) for one in item.evaluate(_OVERHANGS)]
    boxes = dict(zip(places, [item.bounding_box() for item in items], strict=True))
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        beside = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
        apart = a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1
        if not (beside or apart):
            found.append(f"{one} and {other} overlap: {a}, {b}")
    return found


def page_faults(page: Any) -> list[str]:
    """What is wrong with a page that is open: sideways scroll, broken words, cut or tiny text, axe's grave findings.

    Args:
        page: of Playwright.
    """
    from axe_playwright_python.sync_playwright import Axe

    desk = page.viewport_size["width"] >= DESK
    found = list(page.evaluate(_LOOK, [_LEAST_LETTER, desk]))
    for one in Axe().run(page).response["violations"]:
        if one["impact"] in _GRAVE:
            where = "; ".join(f"{node['html'][:90]} {node['failureSummary'][:160]}" for node in one["nodes"][:3])
            found.append(f"axe: {one['id']}, {len(one['nodes'])} times: {where}")
    return found


def faults(browser: Any, place: Path) -> list[str]:
    """The same of a file, at the width of a desk and of a phone.

    Args:
        browser: of Playwright.
        place: an HTML file.
    """
    found = []
    for width in (DESK, PHONE):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(place.resolve().as_uri())
        found += [f"{place.name} at {width} px: {one}" for one in page_faults(page)]
        page.close()
    return found
