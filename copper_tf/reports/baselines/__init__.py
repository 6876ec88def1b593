"""The section of a page that shows simpler methods beside the nets."""
