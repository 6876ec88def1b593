"""The web server of the viewer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copper_tf.viewer.library import Library
from copper_tf.viewer.notes import NoteBook
from tfds_copper.errors import SettingError
from tfds_copper.micrograph import ReadSettings

__all__ = ["serve"]

_HERE = "127.0.0.1"
# A dropped picture comes in pieces of 1 MB.
_LARGEST_MESSAGE = 4 * 2**20
_READERS = 2


def serve(
    library: Library, notes: NoteBook, reading: ReadSettings, about: str, port: int, opened: Callable[[str], None]
) -> None:
    """Serves the page to this machine alone, until it is interrupted.

    Args:
        library: of the pictures; its maps are computed meanwhile.
        notes: of all of them.
        reading: how dropped pictures are read.
        about: what the map means.
        port: where; 0 takes a free one.
        opened: told the address once the server listens.

    Raises:
        SettingError: if the port is taken, or Panel isn't installed.
    """
    with tempfile.TemporaryDirectory(prefix="copper-view-") as root:
        try:
            asyncio.run(_serve(library, notes, (reading, Path(root), about), port, opened))
        finally:
            library.stop()


async def _serve(
    library: Library, notes: NoteBook, page: tuple[ReadSettings, Path, str], port: int, opened: Callable[[str], None]
) -> None:
    try:
        import panel as pn
    except ModuleNotFoundError:
        raise SettingError("view needs the extra app: pip install 'copper-tf[app]'. Received: no panel") from None
    from copper_tf.viewer.downloads import route
    from copper_tf.viewer.page import Page
    from copper_tf.viewer.uploads import Uploads

    pn.extension("filedropper")
    reading, root, about = page
    readers = concurrent.futures.ThreadPoolExecutor(_READERS, "readers")

    def view() -> Any:
        return Page(library, notes, Uploads(library, reading, root), readers, about).view

    try:
        server = pn.io.server.get_server(
            {"/": view}, port=port, address=_HERE, title="Potency maps", start=False,
            websocket_max_message_size=_LARGEST_MESSAGE, extra_patterns=[route(library, notes)],
        )  # fmt: skip
    except OSError as error:
        raise SettingError(
            f"port must be free on this machine; --port 0 finds one. Received: {port} ({error.strerror})"
        ) from None
    server.start()
    library.start()
    opened(f"http://{_HERE}:{server.port}")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        readers.shutdown(wait=False, cancel_futures=True)
