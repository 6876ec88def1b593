"""Whether the maps of a run can be believed: tests that need no true mask, and one verdict from all of them."""
