"""The gate before every route of the server, static files and websockets included: it checks each request."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Sequence
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, OutputTransform, RequestHandler

__all__ = ["COOKIE", "install_gate"]

COOKIE = "copper-token"
_LOG = logging.getLogger(__name__)
# All that a page needs; other routes of Panel import Python modules by name, or hand a session to other sites.
_PATHS = ("/", "/ws", "/favicon.ico")
_STATIC = "/static/"
# Only the server makes sessions; Bokeh would also accept one from a client.
_SESSIONS = ("bokeh-token", "bokeh-session-id")
# Browsers load from nothing but this server; blob and data are pictures and workers of the page.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host} data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)


class _GateHandler(RequestHandler):
    """Answers a request that the gate stops: with a refusal, or for the right token with a cookie and a redirect.

    The token moves from the address bar into a cookie that no script can use. Other sites' pages can't use it either,
    but a link on them can lead here, such as that of a mail.
    """

    def initialize(self, status: int, reason: str = "", cookie: tuple[str, str] | None = None) -> None:
        self._status, self._text, self._cookie = status, reason, cookie

    def prepare(self) -> None:
        """See the class."""
        self.set_header("Cache-Control", "no-store")
        if self._cookie:
            self.set_cookie(*self._cookie, httponly=True, samesite="Lax")
            self.redirect("/", status=self._status)
            return
        self.set_status(self._status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._text + "\n")


class _Gate(Matcher):
    """Matches the requests to stop.

    Args:
        hosts: ``host:port`` under which the server may be called; empty where any name may be used.
        port: of the server; part of the cookie's name, since browsers send cookies to all ports.
        token: that every request must carry.
        patterns: of further paths.
    """

    def __init__(self, hosts: set[str], port: int, token: str, patterns: Sequence[str]) -> None:
        self._hosts, self._token, self._cookie = hosts, token, f"{COOKIE}-{port}"
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """None lets a request through to its route."""
        refused = self._check_site(request)
        given = request.arguments.get("token", [b""])[-1]
        if not refused and request.path == "/" and self._is_token(given):
            return {"target_kwargs": {"status": 303, "cookie": (self._cookie, self._token)}}
        refused = refused or self._check_token(request) or self._check_path(request)
        return {"target_kwargs": {"status": refused[0], "reason": refused[1]}} if refused else None

    def _is_token(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._token.encode())

    def _check_site(self, request: HTTPServerRequest) -> tuple[int, str] | None:
        """Refuses requests of other sites, under a foreign name of this address or from another origin."""
        host = request.headers.get("Host", "").lower()
        if self._hosts and host not in self._hosts:
            return 403, "Use the address that copper printed."
        origins = request.headers.get_list("Origin")
        websocket = "websocket" in request.headers.get("Upgrade", "").lower() or request.path.endswith("/ws")
        ours = (f"http://{host}", f"https://{host}")
        if any(origin.lower() not in ours for origin in origins) or (websocket and not origins):
            return 403, "Other sites can't use this page."
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        asked = tuple(request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Mode", "Dest"))
        followed = asked == ("navigate", "document") and request.path == "/"
        if site not in ("same-origin", "none") and not followed:
            return 403, "Other sites can't use this page."
        return None

    def _check_token(self, request: HTTPServerRequest) -> tuple[int, str] | None:
        cookie = request.cookies.get(self._cookie)
        if cookie is None or not self._is_token(cookie.value.encode()):
            return 403, "Use the address with its token, as copper printed it."
        return None

    def _check_path(self, request: HTTPServerRequest) -> tuple[int, str] | None:
        """Refuses requests that no page makes."""
        if request.method not in ("GET", "HEAD"):
            return 405, "Pages of this server are read-only."
        if any(name in request.arguments or name in request.headers for name in _SESSIONS):
            return 403, "Only the server makes sessions."
        path = request.path
        if any(mark in path.lower() for mark in ("..", "\\", "\0", "%00", "%2e", "%2f", "%5c", "//")):
            return 404, "There is no such page."
        known = path in _PATHS or path.startswith(_STATIC) or any(p.fullmatch(path) for p in self._patterns)
        if not known:
            return 404, "There is no such page."
        return None


class _Headers(OutputTransform):
    """Adds the security headers to every answer."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._host = request.host

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods"):
            headers.pop(name, None)
        headers["Content-Security-Policy"] = _POLICY.format(host=self._host)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Server"] = "copper"
        return status_code, headers, chunk


def _log(handler: RequestHandler) -> None:
    """Logs an answer; the query stays out, for it may be the token."""
    level = logging.ERROR if handler.get_status() >= 500 else logging.INFO
    _LOG.log(level, "%d %s %s", handler.get_status(), handler.request.method, handler.request.path[:200])


def install_gate(application: Application, hosts: set[str], port: int, token: str, patterns: Sequence[str]) -> None:
    """Puts the gate before all routes of an application.

    Args:
        application: of the server.
        hosts: ``host:port`` under which it may be called; empty where any name may be used.
        port: that it listens on.
        token: that every request must carry, once in the URL, then in the cookie.
        patterns: of further whole paths that have routes.
    """
    application.default_router.rules.insert(0, Rule(_Gate(hosts, port, token, patterns), _GateHandler))
    application.add_transform(_Headers)
    application.settings["log_function"] = _log
