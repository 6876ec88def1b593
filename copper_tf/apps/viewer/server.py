"""The web server of the viewer."""

from __future__ import annotations

import concurrent.futures
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.apps.viewer.viewer import Viewer
from copper_tf.apps.web import server

if TYPE_CHECKING:
    import panel as pn

__all__ = ["serve"]

# A dropped picture arrives in chunks of 1 MB.
_MAX_MESSAGE_BYTES = 4 * 2**20
_READERS = 2


def serve(viewer: Viewer, address: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted, see `apps.web.server.serve`; maps are computed meanwhile.

    Args:
        viewer: of the pictures.
        address: to listen on.
        port: to listen on; 0 picks a free one.
        on_start: called with the URL once the server listens.

    Raises:
        SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
    """
    library = viewer.library
    readers = concurrent.futures.ThreadPoolExecutor(_READERS, "readers")

    def page() -> pn.Column:
        from copper_tf.apps.viewer.page import Page
        from copper_tf.apps.viewer.uploads import Uploads

        uploads = Uploads(library, viewer.reading, Path(root))
        return Page(library, viewer.notes, uploads, readers, viewer.about).view

    def listening(url: str) -> None:
        library.start()
        on_start(url)

    with tempfile.TemporaryDirectory(prefix="copper-view-") as root:
        try:
            server.serve(
                page, address, port, listening, "Potency maps", _MAX_MESSAGE_BYTES, _routes(viewer), ["filedropper"]
            )
        finally:
            library.stop()
            readers.shutdown(wait=False, cancel_futures=True)


def _routes(viewer: Viewer) -> list[server.Route]:
    """The downloads; none where Tornado isn't installed, which `apps.web.server.serve` reports."""
    try:
        from copper_tf.apps.viewer.downloads import download_route
    except ModuleNotFoundError:
        return []
    return [download_route(viewer.library, viewer.notes)]
