"""What the web pages share: the server, the gate in front of it, and their style."""
