"""Floor 2: the model store: manifest, licence, checksum, fetch, safe loading, device choice, session cache."""
