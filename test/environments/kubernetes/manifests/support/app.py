"""A server that does all that a replica may do: wait, stream, upgrade, answer nonsense, die."""

import base64
import hashlib
import http.server
import json
import os
import threading
import urllib.parse

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
lock = threading.Lock()
running = most = 0
released = set()
changed = threading.Condition()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        global running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            getattr(self, "on_" + (url.path.strip("/") or "root"), self.on_root)(query)
        except OSError:
            pass
        finally:
            with lock:
                running -= 1

    do_GET = do_POST = do_PUT = handle_any

    def do_DELETE(self):
        """Lets go of all that waits for this path, without counting as a request."""
        with changed:
            released.add(self.path)
            changed.notify_all()
        self.reply("released")

    def wait_for(self, path):
        with changed:
            changed.wait_for(lambda: path in released)

    def reply(self, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(200)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def on_root(self, query):
        self.reply({"path": self.path, **{name.lower(): text for name, text in self.headers.items()}})

    def on_held(self, query):
        self.wait_for(query["until"])
        self.reply("let go")

    def on_most(self, query):
        global most
        seen, most = most, 0
        self.reply(seen)

    def on_size(self, query):
        size = 0
        left = int(self.headers.get("content-length") or 0)
        while size < left:
            size += len(self.rfile.read(min(left - size, 65536)))
        self.reply(size)

    def on_close(self, query):
        self.reply("closed", connection="close")
        self.close_connection = True

    def on_stream(self, query):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"2\r\n%d\n\r\n" % number)
            self.wfile.flush()
            self.wait_for("/after-%d" % number)
        self.wfile.write(b"0\r\n\r\n")

    def on_upgrade(self, query):
        key = hashlib.sha1((self.headers["sec-websocket-key"] + MAGIC).encode()).digest()
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(key).decode())
        self.end_headers()
        while True:
            received = self.connection.recv(4096)
            if not received:
                break
            self.connection.sendall(received)
        self.close_connection = True

    def on_nonsense(self, query):
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True

    def on_die(self, query):
        os._exit(3)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


Server(("", int(os.environ["CORTEX_PORT"])), Handler).serve_forever()
