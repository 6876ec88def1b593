"""What pip-audit found is said as it is: faults, no faults, and what it couldn't look up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.audit import lines_of, main

_SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
_FAULTY = {
    "name": "pillow",
    "version": "11.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["11.3"]}, {"id": "CVE-2", "fix_versions": []}],
}
_SKIPPED = {"name": "keras", "skip_reason": "not found on PyPI"}


def test_nothing_looked_up_is_no_clean_bill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    for content in (None, "", json.dumps({"dependencies": [_SKIPPED]})):
        if content is not None:
            file.write_text(content)
        assert main([str(file)]) == 0
        assert capsys.readouterr().out.startswith("not audited: ")


def test_faults_are_named_with_what_mends_them_and_fail() -> None:
    lines, faulty = lines_of({"dependencies": [_SOUND, _FAULTY, _SKIPPED]})
    assert faulty and lines == [
        "audited: 2 pinned packages, 2 known faults",
        "pillow 11.0: CVE-1, mended in 11.3",
        "pillow 11.0: CVE-2, mended in none",
        "not audited: 1 that the database doesn't have: keras",
    ]


def test_no_faults_are_said_with_what_was_looked_at() -> None:
    assert lines_of({"dependencies": [_SOUND]}) == (["audited: 1 pinned packages, no known faults"], False)
