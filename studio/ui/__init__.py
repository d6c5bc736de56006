"""Floor 7: the window; no image maths, no SQL."""
