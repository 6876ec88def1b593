"""A page as PDF, printed by a Chromium or Chrome that is installed already."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tfds_copper.files import replacing

__all__ = ["BROWSERS", "find_browser", "print_pdf"]

# Every name that Chromium, Chrome and Edge go by on a PATH.
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
_SECONDS = 300


def find_browser() -> str | None:
    """The first of `BROWSERS` on PATH; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _print(browser: Sequence[str], profile: Path, page: Path, target: Path) -> str:
    """Has the browser print; returns what went wrong, "" for nothing."""
    command = [
        *browser, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={profile / 'profile'}", "--no-pdf-header-footer",
        f"--print-to-pdf={target}", page.resolve().as_uri(),
    ]  # fmt: skip
    # Beside its profile it writes an identity for reports of crashes into the home of its user.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")} | {"HOME": str(profile)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"nothing after {_SECONDS} s"
    except OSError as error:
        return str(error)
    if target.is_file() and target.read_bytes()[:5] == b"%PDF-":
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return f"exit code {done.returncode}" + (f", {lines[-1][:120]}" if lines else "")


def print_pdf(page: Path, target: Path) -> str:
    """Prints a page into a PDF file; where that can't be done, the page alone stays.

    Args:
        page: an HTML file that needs no network.
        target: the PDF, written atomically; one of an earlier call is removed where no new one can be made.

    Returns:
        Why there is no PDF, in one line; "" where there is.
    """
    browser = find_browser()
    if browser is None:
        target.unlink(missing_ok=True)
        return f"no PDF: a Chromium or Chrome prints it. Looked on PATH for {', '.join(BROWSERS)}; found none"
    # Chromium's own sandbox refuses to start for root, in containers above all.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="copper-browser-") as place:
        printed = Path(place) / target.name
        problem = _print([browser, *root], Path(place), page, printed)
        if not problem:
            with replacing(target) as file:
                shutil.copyfile(printed, file)
            return ""
    target.unlink(missing_ok=True)
    return f"no PDF: {browser} could not print the page. Received: {problem}"
