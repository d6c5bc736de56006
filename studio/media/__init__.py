"""Floor 1: decode and encode photos; EXIF, ICC, size limits, atomic writes, thumbnails."""
