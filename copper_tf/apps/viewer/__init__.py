"""``copper view``: micrographs and their potency maps in the browser."""
