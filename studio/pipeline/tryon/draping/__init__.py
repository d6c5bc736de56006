"""The parts of the `drape` engine: body model, garment targets, relaxation, raster, plates, layers and light."""
