"""What a set of pictures hides: duplicates, overlapping fields of view, and short cuts to the stress time.

survey.survey_folder         reads every picture once
duplicates.find_duplicates   pairs of pictures that show the same place
shortcuts.shortcuts          what follows the stress time besides the surface
findings.findings            what is wrong with the folder, by rules
"""

from __future__ import annotations

__all__: list[str] = []
