"""What the engines with learned weights share: the garment's framing, running networks, and the way back to native."""
