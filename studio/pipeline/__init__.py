"""Floor 3: the stages, the graph that orders them, the artefact cache, the try-on engines."""
