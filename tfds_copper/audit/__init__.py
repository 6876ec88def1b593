"""What a set of pictures hides: the same place of one sample seen twice, as a copy or in part.

prints.print_of              what is kept of one picture, a few kB
likeness.find_likenesses     which pictures show the same place
likeness.groups              the sets of pictures that must stay in one split
"""

from __future__ import annotations

__all__: list[str] = []
