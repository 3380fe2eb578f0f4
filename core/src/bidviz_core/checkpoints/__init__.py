"""The whole state of a training: taken between two steps, written behind, put back in place."""
