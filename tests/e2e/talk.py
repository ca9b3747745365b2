"""A Lambda Invoke API with four functions that pick people, the second time such as were not picked before."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = []


def answer(function, event):
    asked.append(function)
    match function:
        case "take-request":
            return {"body": {"num": event["num"]}, "status": 200}
        case "pick":
            people = ["ada", "bo", "cy", "di"] if asked.count("pick") == 1 else ["di", "ed", "flo"]
            return {"body": people[:2]}
        case "check":
            return {"body": event, "status": 1 if "ada" in event else 0}
        case "record":
            return {"recorded": event}


class Invoke(BaseHTTPRequestHandler):
    def do_POST(self):
        function = self.path.removeprefix("/2015-03-31/functions/").removesuffix("/invocations")
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(answer(function, event)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
print(json.dumps(server.server_port), flush=True)
server.serve_forever()
