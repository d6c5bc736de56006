"""Errors of every room: a message key and its values, never a sentence.

The sentences live in `resources/messages/*.toml`, in English and Korean; the command line
and the window look them up, so that one wording serves both doors.
"""

from __future__ import annotations

import traceback


class StudioError(Exception):
    """Expected: the world said no. Carries a message key and its values, never a sentence."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        if not self.values:
            return self.key
        return f"{self.key} ({', '.join(f'{name}={value}' for name, value in self.values.items())})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.key, self.values))


def _rebuild(kind: type[StudioError], key: str, values: dict[str, str]) -> StudioError:
    return kind(key, **values)


class ArtefactError(StudioError):
    """A value does not have the shape, dtype or range its type promises."""


class PhotoError(StudioError):
    """A photo cannot be read, or is not what it claims to be."""


class StorageError(StudioError):
    """A folder or disk refuses: full, read-only, gone."""


class ModelError(StudioError):
    """A model is missing, damaged or of another kind than asked for."""


class CheckpointError(ModelError):
    """A checkpoint's keys or shapes do not fit the network."""


class PipelineError(StudioError):
    """A stage cannot do its work on this input (no person, no garment, ...)."""


class MattingError(PipelineError):
    """A trimap has no foreground or no background."""


class CompositingError(StudioError):
    """A scene cannot be placed or rendered."""


class LibraryError(StudioError):
    """A project is missing, damaged, locked or newer than this program."""


class JobError(StudioError):
    """A job cannot be queued or run."""


class Cancelled(Exception):  # noqa: N818 - not an error: the operator asked for it
    """The operator asked to stop."""


class UnexpectedError(StudioError):
    """A bug of ours, wrapped at the edge of a job."""

    @classmethod
    def from_exception(cls, error: BaseException) -> UnexpectedError:
        """Keep the type, the text and the traceback for "copy details"."""
        details = "".join(traceback.format_exception(error))
        return cls("unexpected", error=f"{type(error).__name__}: {error}", details=details)
