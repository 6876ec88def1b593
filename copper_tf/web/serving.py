"""A web server for this machine alone, or behind a token for others."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from typing import Any

from tfds_copper.errors import SettingError

__all__ = ["HERE", "serve"]

HERE = "127.0.0.1"
_COOKIE = "copper-token"


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


def _guard(token: str) -> Any:
    """Lets in who brings the token in the address, and from then on by a cookie; all others get a 403."""
    from bokeh.server.auth_provider import AuthProvider
    from tornado.web import HTTPError

    def user(handler: Any) -> str:
        given = handler.get_query_argument("token", "")
        known = given or handler.get_cookie(_COOKIE) or ""
        if not hmac.compare_digest(known.encode(), token.encode()):
            raise HTTPError(403, reason="The address with its token is needed, as copper printed it")
        if given:
            handler.set_cookie(_COOKIE, token, httponly=True, samesite="Strict")
        return "known"

    class Token(AuthProvider):
        """Knows who brought the token, nobody by name."""

        login_url = "/"

        @property
        def get_user(self) -> Any:
            """See `user`."""
            return user

    return Token()


def serve(
    page: Callable[[], Any], address: str, port: int, opened: Callable[[str], None], title: str, largest: int = 2**20
) -> None:
    """Serves a page until it is interrupted; every window that opens it gets one of its own.

    No route of the server leads to a file of ours. Under an address that other machines can reach a token is needed,
    which changes with every start.

    Args:
        page: makes what a window shows, a Panel object.
        address: the IP address to listen on.
        port: 0 takes a free one.
        opened: told the address of the page once the server listens.
        title: of the window.
        largest: bytes of the largest message that a window may send.

    Raises:
        SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
    """
    token = "" if _local(address) else secrets.token_urlsafe(24)
    try:
        import panel as pn
    except ModuleNotFoundError:
        raise SettingError("web pages need the extra app: pip install 'copper-tf[app]'. Received: no panel") from None
    pn.extension()
    settings: dict[str, Any] = {"title": title, "websocket_max_message_size": largest}
    if token:
        # Names of this machine can't be known; the cookie is what another site's page doesn't have.
        settings |= {"auth_provider": _guard(token), "websocket_origin": "*"}
        logging.getLogger("bokeh.server.util").setLevel(logging.ERROR)
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

    try:
        server = pn.io.server.get_server({"/": page}, port=port, address=address, start=False, **settings)
    except OSError as error:
        raise SettingError(
            f"address and port must be this machine's and free; --port 0 finds a free one. Received: {address}:{port} "
            f"({error.strerror})"
        ) from None
    server.start()
    host = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else address
    host = f"[{host}]" if ":" in host else host
    opened(f"http://{host}:{server.port}/{f'?token={token}' if token else ''}")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
