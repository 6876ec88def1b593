"""A web server behind a token, for this machine alone or for others."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import html
import ipaddress
import logging
import secrets
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfds_copper.errors import SettingError

__all__ = ["LOOPBACK", "Route", "open_in_browser", "serve"]

LOOPBACK = "127.0.0.1"
# A pattern of the whole path, a request handler and its arguments.
Route = tuple[str, Any, dict[str, Any]]
# Bytes of the body of an HTTP request.
_MAX_BODY_BYTES = 2**16


# Goes on to the page by itself.
_REDIRECT = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">{url}</a>'
)


def open_in_browser(url: str) -> None:
    """Opens a page in the browser, by a file that only this user can read.

    All users of a machine can read the command line of a browser, and so a token in it. The file is removed when this
    process ends.

    Args:
        url: of the page, as `serve` gives it.
    """
    number, name = tempfile.mkstemp(prefix="copper-", suffix=".html")
    atexit.register(Path(name).unlink, missing_ok=True)
    with open(number, "w", encoding="utf-8") as stream:
        stream.write(_REDIRECT.format(url=html.escape(url)))
    webbrowser.open(Path(name).as_uri())


def _is_loopback(address: str) -> bool:
    """Whether an address can't be reached from other machines.

    Raises:
        SettingError: if it is none.
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise SettingError(
            f"address must be the IP address of this machine to listen on, such as {LOOPBACK}, or 0.0.0.0 for all it "
            f"has. Received: {address!r}"
        ) from None


def serve(
    page: Callable[[], Any],
    address: str,
    port: int,
    on_start: Callable[[str], None],
    title: str,
    max_message_bytes: int = 2**20,
    routes: Sequence[Route] = (),
    extensions: Sequence[str] = (),
) -> None:
    """Serves a page until it is interrupted; each browser window gets its own.

    The server offers no files but those of the given routes. A token is needed, which changes with every start: other
    users of this machine reach its addresses, too. See `gate` for what is let in.

    Args:
        page: makes the Panel object that a window shows.
        address: the IP address to listen on.
        port: to listen on; 0 picks a free one.
        on_start: called with the URL of the page, token included, once the server listens.
        title: of the window.
        max_message_bytes: of a message from a window, with all of its parts.
        routes: further routes.
        extensions: names of the Panel extensions that the page uses.

    Raises:
        SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
    """
    local = _is_loopback(address)
    try:
        import panel as pn
    except ModuleNotFoundError:
        raise SettingError("web pages need the extra app: pip install 'copper-tf[app]'. Received: no panel") from None
    pn.extension(*extensions)
    settings: dict[str, Any] = {"title": title, "websocket_max_message_size": max_message_bytes}
    # No page takes a form or a file by HTTP; only the window that a session was made for knows it.
    settings |= {"http_server_kwargs": {"max_body_size": _MAX_BODY_BYTES}}
    settings |= {"sign_sessions": True, "secret_key": secrets.token_bytes(32)}
    # Bokeh would write these into the page, where scripts could read the cookie with the token.
    settings |= {"include_headers": [], "include_cookies": [], "extra_patterns": list(routes)}
    asyncio.run(_serve(page, address, port, local, on_start, settings))


async def _serve(
    page: Callable[[], Any],
    address: str,
    port: int,
    local: bool,
    on_start: Callable[[str], None],
    settings: dict[str, Any],
) -> None:
    import panel as pn

    from copper_tf.apps.compat import open_no_pictures, tornado_application
    from copper_tf.apps.web.gate import install_gate
    from copper_tf.apps.web.websocket import install_connection

    open_no_pictures()
    # The gate checks origins; Bokeh only knows fixed lists of them.
    logging.getLogger("bokeh.server.util").setLevel(logging.ERROR)
    # Panel's model of the address bar fails on IPv6, and no page needs it.
    try:
        server = pn.io.server.get_server(
            {"/": page}, port=port, address=address, start=False, location=False, websocket_origin="*", **settings
        )
    except OSError as error:
        raise SettingError(
            f"address and port must be this machine's and free; --port 0 finds a free one. Received: {address}:{port} "
            f"({error.strerror})"
        ) from None
    host = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else address
    host = f"[{host}]" if ":" in host else host
    names = set() if not local else {f"{name}:{server.port}" for name in (host, LOOPBACK, "localhost", "[::1]")}
    token, patterns = secrets.token_urlsafe(24), [pattern for pattern, *_ in settings["extra_patterns"]]
    application = tornado_application(server)
    install_connection(application)
    install_gate(application, names, server.port, token, patterns)
    server.start()
    stopped = asyncio.Event()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    on_start(f"http://{host}:{server.port}/?token={token}")
    try:
        await stopped.wait()
    finally:
        server.stop()
