"""A web server for this machine alone, or behind a token for others."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

from tfds_copper.errors import SettingError

__all__ = ["HERE", "serve"]

HERE = "127.0.0.1"
# Bytes of an HTTP request beyond its head.
_LARGEST_BODY = 2**16


def _local(address: str) -> bool:
    """Whether an address can't be reached from other machines.

    Raises:
        SettingError: if it is none.
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise SettingError(
            f"address must be the IP address of this machine to listen on, such as {HERE}, or 0.0.0.0 for all it has. "
            f"Received: {address!r}"
        ) from None


def serve(
    page: Callable[[], Any],
    address: str,
    port: int,
    opened: Callable[[str], None],
    title: str,
    largest: int = 2**20,
    routes: Sequence[tuple[str, Any, dict[str, Any]]] = (),
    extensions: Sequence[str] = (),
) -> None:
    """Serves a page until it is interrupted; every window that opens it gets one of its own.

    No route of the server leads to a file of ours but those given here. Under an address that other machines can reach
    a token is needed, which changes with every start. See `gate` for who is let in.

    Args:
        page: makes what a window shows, a Panel object.
        address: the IP address to listen on.
        port: 0 takes a free one.
        opened: told the address of the page once the server listens.
        title: of the window.
        largest: of a message that a window sends, with all of its parts, in bytes.
        routes: further routes, as Tornado takes them: a pattern of the whole path, a handler and its arguments.
        extensions: names of Panel's extensions that the page uses.

    Raises:
        SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
    """
    token = "" if _local(address) else secrets.token_urlsafe(24)
    try:
        import panel as pn
    except ModuleNotFoundError:
        raise SettingError("web pages need the extra app: pip install 'copper-tf[app]'. Received: no panel") from None
    pn.extension(*extensions)
    settings: dict[str, Any] = {"title": title, "websocket_max_message_size": largest}
    # Of the pages none takes a form or a file by HTTP; a session is known to the window alone that it was made for.
    settings |= {"http_server_kwargs": {"max_body_size": _LARGEST_BODY}}
    settings |= {"sign_sessions": True, "secret_key": secrets.token_bytes(32)}
    # Bokeh writes what it is told of a request into the page, where scripts could read the token's cookie.
    settings |= {"include_headers": [], "include_cookies": [], "extra_patterns": list(routes)}
    asyncio.run(_serve(page, address, port, token, opened, settings))


async def _serve(
    page: Callable[[], Any],
    address: str,
    port: int,
    token: str,
    opened: Callable[[str], None],
    settings: dict[str, Any],
) -> None:
    import panel as pn

    from copper_tf.apps.web.gate import close
    from copper_tf.apps.web.message_limits import limit
    from copper_tf.apps.web.websocket import connect

    limit(settings["websocket_max_message_size"])
    # Origins are compared with the page's own name by the gate, which Bokeh can't do for names that it isn't told.
    logging.getLogger("bokeh.server.util").setLevel(logging.ERROR)
    # Panel's model of the address bar knows no IPv6, and no page of ours needs it.
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
    names = set() if token else {f"{name}:{server.port}" for name in (host, HERE, "localhost", "[::1]")}
    # Bokeh has no public name for its application.
    patterns = [pattern for pattern, *_ in settings["extra_patterns"]]
    connect(server._tornado)
    close(server._tornado, names, server.port, token, patterns)
    server.start()
    stopped = asyncio.Event()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    opened(f"http://{host}:{server.port}/{f'?token={token}' if token else ''}")
    try:
        await stopped.wait()
    finally:
        server.stop()
