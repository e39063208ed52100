"""A server of Pyodide's files that can spoil one of them, cut it short, or send it elsewhere."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class Server(ThreadingHTTPServer):
    """Serves the files of a folder. ``asked`` lists what was asked for.

    ``faults`` names what is wrong with a file: "missing", "spoiled" in one byte, "cut" in the
    middle, or another address to which it sends whoever asks.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.asked, self.faults = folder, [], {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a browser that went away."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked.append(name)
        fault = self.server.faults.get(name, "")
        file = self.server.folder / name
        if fault == "missing" or not file.is_file():
            return self.answer(404, {"Content-Length": "0"})
        if fault.startswith("http"):
            return self.answer(302, {"Location": fault, "Content-Length": "0"})
        content = file.read_bytes()
        if fault == "spoiled":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.answer(200, {"Content-Length": str(len(content))})
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Access-Control-Allow-Origin": "*", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words) -> None:
        """Print nothing."""


@contextmanager
def serving(folder: Path):
    server = Server(folder)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
