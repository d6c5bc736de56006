"""Parts of the cutout and edges stages: backdrop, subject, trimap, alpha and foreground."""
