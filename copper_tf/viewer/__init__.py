"""``copper view``: micrographs and their potency maps in the browser."""

from __future__ import annotations
