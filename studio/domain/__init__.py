"""Floor 0: what an artefact is. Pure values; no I/O, no Qt, no torch, no cv2."""
