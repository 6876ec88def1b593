"""Readers of what microscopes write about their pictures, a module each; `registry` asks them in turn."""
