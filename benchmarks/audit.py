"""What pip-audit found, in lines: faults of pinned packages, and what it couldn't look up. For ``make audit``.

python -m benchmarks.audit .venv-audit/found.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tfds_copper.files import read_json

__all__ = ["lines_of", "main"]

_NOT_AUDITED = "not audited: pip-audit or its database can't be had here; the list above is all that is known"


def lines_of(found: dict[str, Any]) -> tuple[list[str], bool]:
    """(lines to print, whether a package has a known fault).

    Args:
        found: what pip-audit wrote as JSON; empty where it wrote nothing.
    """
    packages = found.get("dependencies", [])
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        return [_NOT_AUDITED], False
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in known
        for fault in package["vulns"]
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    lines = [f"audited: {len(known)} pinned packages, {len(faults) or 'no'} known faults", *faults]
    if skipped:
        lines.append(f"not audited: {len(skipped)} that the database doesn't have: {', '.join(skipped)}")
    return lines, bool(faults)


def main(arguments: list[str]) -> int:
    """Prints the lines; 1 where a package has a known fault."""
    file = Path(arguments[0])
    lines, faulty = lines_of(read_json(file) if file.is_file() and file.stat().st_size else {})
    print("\n".join(lines))
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
