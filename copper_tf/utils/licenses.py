"""Licences of weights, as their users state them: no licence is ever made up."""

from __future__ import annotations

from tfds_copper.errors import SettingError

__all__ = ["check_license"]


def check_license(license: str) -> None:
    """Refuses a licence that is no SPDX identifier, which Hugging Face and bioimage.io take.

    Args:
        license: "" states none.

    Raises:
        SettingError: if it has marks that no identifier holds.
    """
    if not all(c.isascii() and (c.isalnum() or c in "-.+") for c in license):
        raise SettingError(f"license must be an SPDX identifier, such as CC-BY-4.0. Received: {license!r}")
