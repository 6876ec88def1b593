"""Pages served on this machine: the viewer and the blind test, and the web server that both share."""
