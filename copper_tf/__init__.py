"""copper-tf: grade etched copper surfaces from SEM micrographs, and see where and by what law they decay."""

from __future__ import annotations

from importlib import metadata

__all__ = ["__version__"]

try:
    __version__ = metadata.version("copper-tf")
except metadata.PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
