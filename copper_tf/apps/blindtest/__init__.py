"""``copper blindtest``: the page on which experts grade micrographs blind."""
