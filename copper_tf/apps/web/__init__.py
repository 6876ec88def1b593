"""What the local web pages share: how they are served, and who is let in."""
