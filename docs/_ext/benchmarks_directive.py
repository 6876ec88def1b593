"""``{benchmark} NAME``: a table made of ``benchmarks/results``, with its command, machine and day under it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from benchmark_sources import SOURCES
from benchmark_tables import TABLES, Table
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
# What makes a cell text; shorter words are units.
_WORD = re.compile("[A-Za-z]{3,}")


def _cell(value: Any) -> str:
    """A cell of a Markdown table: numbers with three digits behind the point, nothing for what isn't known."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def markdown(table: Table) -> str:
    """A table as Markdown; the first column and those of text stand to the left, numbers to the right."""
    head, rows = table
    words = [sum(bool(_WORD.search(_cell(row[k]))) for row in rows) for k in range(len(head))]
    left = [k == 0 or 2 * count > len(rows) for k, count in enumerate(words)]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' if to_left else ' ---: ' for to_left in left)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


class Benchmark(SphinxDirective):
    """The directive; its argument is a name in `TABLES`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table, and the line that says where it comes from."""
        file, make = TABLES[self.arguments[0]]
        path = RESULTS / f"{file}.json"
        self.env.note_dependency(str(path))
        source = SOURCES[file]
        table = markdown(make(json.loads(path.read_text(encoding="utf-8"))))
        text = f"{table}\n\n*`{source.command}` on {source.machine}, {source.day}.*\n"
        return self.parse_text_to_nodes(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True}
