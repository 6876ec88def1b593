"""The command line: the only place that prints, parses flags, or turns an error into an exit code."""
