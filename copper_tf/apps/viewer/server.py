"""The web server of the viewer."""

from __future__ import annotations

import concurrent.futures
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copper_tf.apps.viewer.library import Library
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.apps.web import server
from tfds_copper.micrograph import ReadSettings

__all__ = ["serve"]

# A dropped picture comes in pieces of 1 MB.
_LARGEST_MESSAGE = 4 * 2**20
_READERS = 2


def serve(
    library: Library, notes: NoteBook, reading: ReadSettings, about: str, address: str, port: int,
    opened: Callable[[str], None],
) -> None:  # fmt: skip
    """Serves the page until it is interrupted, see `apps.web.server.serve`.

    Args:
        library: of the pictures; its maps are computed meanwhile.
        notes: of all of them.
        reading: how dropped pictures are read.
        about: what the map means.
        address: to listen on.
        port: where; 0 takes a free one.
        opened: told the address once the server listens.

    Raises:
        SettingError: if the address isn't this machine's, the port is taken, or Panel isn't installed.
    """
    readers = concurrent.futures.ThreadPoolExecutor(_READERS, "readers")

    def view() -> Any:
        from copper_tf.apps.viewer.page import Page
        from copper_tf.apps.viewer.uploads import Uploads

        return Page(library, notes, Uploads(library, reading, Path(root)), readers, about).view

    def listening(url: str) -> None:
        library.start()
        opened(url)

    with tempfile.TemporaryDirectory(prefix="copper-view-") as root:
        try:
            server.serve(
                view, address, port, listening, "Potency maps", _LARGEST_MESSAGE, _routes(library, notes),
                ["filedropper"],
            )  # fmt: skip
        finally:
            library.stop()
            readers.shutdown(wait=False, cancel_futures=True)


def _routes(library: Library, notes: NoteBook) -> list[tuple[str, Any, dict[str, Any]]]:
    """The downloads; none where Tornado isn't installed, which `apps.web.server.serve` says in its own words."""
    try:
        from copper_tf.apps.viewer.downloads import route
    except ModuleNotFoundError:
        return []
    return [route(library, notes)]
