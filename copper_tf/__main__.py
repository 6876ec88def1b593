"""``python -m copper_tf``: the command line."""

from __future__ import annotations

import sys

from copper_tf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
