"""A relay, and the robots behind a webhook, as the tests' files say.

fake_relay.py FOLDER serves every path from FOLDER/answers/NAME, where NAME is the path with _ for /. The first line of such a file is
"STATUS CONTENT-TYPE [TOKEN]": with a token, others get 401. The status "hang" answers nothing. NAME.1, NAME.2 … answer the first, the
second … request. What was asked is in FOLDER/asked, one JSON object a line; the port is in FOLDER/port once it listens.
"""

import http.server
import json
import os
import sys
import threading

folder = sys.argv[1]
lock = threading.Lock()
times = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path, _, query = self.path.partition("?")
        name = os.path.join(folder, "answers", path.replace("/", "_"))
        with lock:
            times[name] = times.get(name, 0) + 1
            numbered = f"{name}.{times[name]}"
            with open(os.path.join(folder, "asked"), "a", encoding="utf-8") as asked:
                row = {"method": self.command, "path": path, "query": query, "body": body,
                       "authorization": self.headers.get("Authorization"), "type": self.headers.get("Content-Type")}
                asked.write(json.dumps(row, ensure_ascii=False) + "\n")
        for candidate in (numbered, name):
            if os.path.exists(candidate):
                with open(candidate, encoding="utf-8") as file:
                    head, _, text = file.read().partition("\n")
                break
        else:
            head, text = "404 text/plain", "404 page not found"
        status, kind, *token = head.split()
        if status == "hang":
            self.rfile.read(1)
            return
        if token and self.headers.get("Authorization") != "Bearer " + token[0]:
            status, kind, text = "401", "application/json", '{"success":false,"message":"token"}'
        self.send_response(int(status))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = answer

    def log_message(self, format, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(folder, "port.new"), "w", encoding="utf-8") as port:
    port.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
