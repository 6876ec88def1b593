"""The errors that a user can cause, each one clear line.

    CopperError            anything a user can put right
    ├── InputError         a picture, folder, label or dataset that can't be used
    ├── SettingError       a setting or argument outside what is allowed
    ├── RunError           a run folder or exported model that is incomplete or does not fit
    └── OutputError        a place that can't be written, or a result that failed its own check

Every message names the file or argument, says what is allowed, and ends in ``Received: ...``.
"""

from __future__ import annotations

__all__ = ["CopperError", "InputError", "OutputError", "RunError", "SettingError"]


class CopperError(Exception):
    """Base of every error that a user can put right; the command line prints it as one line."""


class InputError(CopperError):
    """A picture, folder, label or dataset that can't be used."""


class SettingError(CopperError, ValueError):
    """A setting or argument outside what is allowed."""


class RunError(CopperError):
    """A run folder or exported model that is incomplete or does not fit the request."""


class OutputError(CopperError):
    """A place that can't be written, or a result that failed its own check."""
