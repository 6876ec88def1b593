"""XML as microscopes and programs write it into tags; nothing outside the text is ever read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree import ElementTree

__all__ = ["attribute", "child", "local_name", "parsed"]

# Real ones have some kB.
_LARGEST = 2**22


def parsed(text: str) -> ElementTree.Element | None:
    """The root of the XML in a text, whatever stands before it; None where there is none that is intact.

    Texts that define entities are refused: no microscope writes any, and they can expand without end.
    """
    start = text.find("<")
    if start < 0 or len(text) > _LARGEST or "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        return None
    # Most pictures have none.
    from xml.etree import ElementTree

    try:
        return ElementTree.fromstring(text[start : text.rfind(">") + 1])
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None


def local_name(element: ElementTree.Element) -> str:
    """An element's name in small letters, without its namespace."""
    return element.tag.rpartition("}")[2].casefold() if isinstance(element.tag, str) else ""


def child(element: ElementTree.Element | None, *names: str) -> ElementTree.Element | None:
    """The first element of these names, each inside the one before, in any case; None where there is none."""
    for name in names:
        if element is None:
            return None
        element = next((inner for inner in element if local_name(inner) == name.casefold()), None)
    return element


def attribute(element: ElementTree.Element | None, name: str) -> str | None:
    """An attribute of an element; None where there is none."""
    return None if element is None else element.get(name)
