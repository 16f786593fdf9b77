"""A server with OpenAI's chat API on 127.0.0.1, with replies queued by the test or computed by a function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; without a body, that of a chat completion whose message is `text`."""

    text: str | None = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    logprobs: list[tuple[str, float]] = field(default_factory=list)
    refusal: str | None = None
    stall: bool = False
    """Hold the answer until the server ends."""

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.text, "refusal": self.refusal}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": message}
        if self.logprobs:
            tops = [{"token": token, "logprob": chance, "bytes": None} for token, chance in self.logprobs]
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}], "refusal": None}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        known = {"id": "1", "object": "chat.completion", "created": 1, "model": "fake"}
        return json.dumps({**known, "choices": [choice], "usage": usage}).encode()


Reply = Callable[[dict[str, Any]], Answer]


class FakeModelServer(ThreadingHTTPServer):
    """Answers from `queue` first, then by `reply`; a context manager."""

    daemon_threads = True

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.queue: list[Answer] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def __enter__(self) -> FakeModelServer:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.requests.append(body)
            server.keys.append(self.headers.get("Authorization", ""))
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            answer = server.queue.pop(0) if server.queue else None
        try:
            if answer is None:
                assert server.reply is not None, "no answer is left"
                answer = server.reply(body)
        finally:
            with server.lock:
                server.at_once -= 1
        if answer.stall:
            server.ends.wait(30)
        content = answer.content()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write no log."""
