"""Garment analysis: a symmetric parametric template fitted to the product photo's silhouette."""
