"""Loops that cooperate: the position in the data, going back in it, and trying steps out."""
