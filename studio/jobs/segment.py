"""Click-to-segment for the window: whether it can be had, and a finder that looks at its photo once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.domain.artefacts import Photo
from studio.domain.edits import Points
from studio.domain.progress import Progress

if TYPE_CHECKING:
    from studio.domain.prompts import Prompt
    from studio.pipeline.matting.segment import Features
    from studio.pipeline.stage import ModelProvider

MODELS = ("sam2_tiny_encoder", "sam2_tiny_decoder")


def can_find_objects(models: ModelProvider) -> bool:
    """True where both networks are installed."""
    return all(models.is_installed(model_id) for model_id in MODELS)


class ObjectFinder:
    """Finds objects on one photo. Safe to be asked from several threads; they wait for each other."""

    def __init__(self, photo: Photo, models: ModelProvider) -> None:
        self.photo = photo
        self._models = models
        self._features: Features | None = None
        self._looking = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """True once the photo was looked at: clicks are quick from then on."""
        return self._features is not None

    def look(self, progress: Progress) -> Features:
        """Look at the photo, once. What was seen is kept even where nobody waits for it any more."""
        from studio.pipeline.matting.segment import look_at

        with self._looking:
            if self._features is None:
                self._features = look_at(self.photo.rgb8, self._models, progress)
            return self._features

    def find(self, prompts: Sequence[Prompt], progress: Progress) -> tuple[Points, ...]:
        """Return the outline of what the prompts point at; () where that is nothing.

        Raises:
            ModelError: a network is not installed.
        """
        from studio.pipeline.matting.segment import find_object

        features = self.look(progress)
        progress.report(0.9, "segment")
        return find_object(features, prompts, self._models)
