"""Try-on engines: every one takes a person and a garment and gives a `TryOn`."""
