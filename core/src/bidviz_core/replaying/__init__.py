"""A run's journal as a file: gathered, written, done again in another run, or turned into a Python snippet."""
