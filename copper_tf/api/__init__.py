"""The Python API, one function a verb of the command line; ``import copper_tf`` shows all of it."""
