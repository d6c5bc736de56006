"""A tiny manifest, tiny ONNX models and a tiny web server: the store's world in milliseconds."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from studio.domain.progress import Progress
from studio.models.manifest import Manifest, ModelEntry, ModelFormat, Source, SourceKind

PAYLOAD = bytes(range(256)) * 4000


def entry(
    model_id: str = "tiny", *, payload: bytes = PAYLOAD, sources: Sequence[Source] = (), **fields: object
) -> ModelEntry:
    values: dict[str, object] = {
        "title": f"The {model_id} model",
        "task": "cutout",
        "file": f"{model_id}.onnx",
        "format": ModelFormat.ONNX,
        "licence": "MIT",
        "commercial": True,
        "bytes": len(payload),
        "sha256": hashlib.sha256(payload).hexdigest(),
        "sources": tuple(sources),
    }
    return ModelEntry(model_id, **(values | fields))  # type: ignore[arg-type]


def manifest(folder: Path, *entries: ModelEntry) -> Manifest:
    return Manifest({each.id: each for each in entries}, folder)


def identity_onnx() -> bytes:
    """An ONNX model that returns its input, written by hand (protobuf wire format): no onnx package needed."""

    def message(number: int, body: bytes) -> bytes:
        return bytes([number << 3 | 2, len(body)]) + body

    def value(name: bytes) -> bytes:
        shape = message(2, message(1, b"\x08\x02"))  # one dimension of 2
        kind = message(1, b"\x08\x01" + shape)  # float
        return message(1, name) + message(2, kind)

    node = message(1, b"x") + message(2, b"y") + message(4, b"Identity")
    graph = message(1, node) + message(2, b"g") + message(11, value(b"x")) + message(12, value(b"y"))
    return b"\x08\x08" + message(7, graph) + message(8, b"\x10\x11")


@dataclass
class Site:
    """What the test server serves, and how badly. cut_after: bytes after which the connection drops, once each."""

    payload: bytes = PAYLOAD
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def source(self) -> Source:
        return Source(SourceKind.URL, address=self.address)


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.asked.append(asked)
            if site.status != 200:
                self.send_error(site.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges else 0
            body = site.payload[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: site.cut_after.pop(0)] if site.cut_after else body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}/model.onnx"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Listener:
    """A progress that remembers, and may ask to stop at a fraction."""

    stop_at: float = 2.0
    seen: list[float] = field(default_factory=list)

    @property
    def progress(self) -> Progress:
        token = threading.Event()

        def hear(fraction: float, stage: str) -> None:
            del stage
            self.seen.append(fraction)
            if fraction >= self.stop_at:
                token.set()

        return Progress(token, hear)
