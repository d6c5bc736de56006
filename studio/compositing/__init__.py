"""Floor 3: placement, shadow, harmonisation, scene render, export."""
