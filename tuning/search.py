"""``python -m tuning.search``: `copper search` where the console script is not on the path, as on many clusters."""

from __future__ import annotations

import sys

from copper_tf.cli.main import main as copper

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Runs `copper search` with the arguments given, and returns its exit code."""
    return copper(["search", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())
