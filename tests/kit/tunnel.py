"""A proxy through which uv reaches the replay under the name of PyTorch's own host.

uv's `--torch-backend` has its URLs built in: only a tunnel can answer for them. The certificate and
key beside this file are made for tests and trusted by nobody.
"""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

HERE = Path(__file__).parent / "tls"
HOST = "download.pytorch.org"


class Tunnel:
    """Answers `CONNECT download.pytorch.org:443` with the server at `target` (host, port); any
    other host is refused, so that nothing leaves the machine."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(HERE / "cert.pem", HERE / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.asked: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send uv through it."""
        port = self._listener.getsockname()[1]
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(HERE / "cert.pem"),
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = client.recv(4096)
                if not chunk:
                    return
                request += chunk
            where = request.split(b" ")[1].decode()
            self.asked.append(where)
            if where != f"{HOST}:443":
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with (
                self._context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection(self._target) as server,
            ):
                back = threading.Thread(target=_pump, args=(server, inside), daemon=True)
                back.start()
                _pump(inside, server)
                back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source ends, and say so to the sink."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
