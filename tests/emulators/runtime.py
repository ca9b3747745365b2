"""Lambda as functions see it: the runtime API that a binary asks for its next event, and Invoke for who calls them.

An environment runs one event at a time, and a function has as many environments as events at once, as on AWS.
"""

import base64
import json
import queue
import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # A function's process that was ended, with its connection.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Environment:
    """One process of a function, with a runtime API of its own."""

    def __init__(self, processes, name, binary, env):
        self.events, self.results = queue.Queue(), queue.Queue()
        environment = self

        class Runtime(Handler):
            def do_GET(self):
                request_id, event = environment.events.get()
                deadline = ("Lambda-Runtime-Deadline-Ms", "9999999999999")
                arn = ("Lambda-Runtime-Invoked-Function-Arn", f"arn:aws:lambda:us-east-1:123456789012:function:{name}")
                self.answer(200, event, (("Lambda-Runtime-Aws-Request-Id", request_id), deadline, arn))

            def do_POST(self):
                failed = not self.path.endswith("/response")
                environment.results.put((failed, self.body()))
                self.answer(202)

        self.server = serve(Runtime)
        address = f"127.0.0.1:{self.server.server_address[1]}"
        settings = {"AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": name,
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024", "AWS_LAMBDA_FUNCTION_VERSION": "1"}
        processes.start(f"{name}-{uuid.uuid4().hex[:4]}", [binary], {**env, **settings})

    def invoke(self, event):
        self.events.put((str(uuid.uuid4()), event))
        return self.results.get(timeout=120)


class Lambda:
    """Functions by their names, and their Invoke at `endpoint`."""

    def __init__(self, processes):
        self.processes, self.functions, self.idle = processes, {}, {}
        self.lock = threading.Lock()
        lambdas = self

        class Invoke(Handler):
            def do_POST(self):
                name = urllib.parse.unquote(self.path.split("/")[3]).rpartition(":function:")[2].split(":")[0]
                failed, payload = lambdas.invoke(name, self.body())
                headers = (("Content-Type", "application/json"), *([("X-Amz-Function-Error", "Unhandled")] if failed else ()))
                self.answer(200, payload, headers)

        self.endpoint = f"http://127.0.0.1:{serve(Invoke).server_address[1]}"

    def add(self, name, binary, env):
        self.functions[name] = (binary, env)
        self.idle[name] = []

    def invoke(self, name, event):
        """Whether the function failed, and its answer or its error."""
        with self.lock:
            waiting = self.idle[name]
            environment = waiting.pop() if waiting else None
        environment = environment or Environment(self.processes, name, *self.functions[name])
        failed, answer = environment.invoke(event)
        with self.lock:
            self.idle[name].append(environment)
        return failed, answer


def gateway(lambdas, function):
    """An HTTP API before a function, with payload 2.0; gives its address."""

    class Gateway(Handler):
        def any(self):
            path, _, query = self.path.partition("?")
            request_id, body = str(uuid.uuid4()), self.body()
            context = {
                "accountId": "123456789012", "apiId": "local", "domainName": "local.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "local", "requestId": request_id, "routeKey": "$default", "stage": "$default",
                "time": "28/Nov/2026:12:00:00 +0000", "timeEpoch": 1795867200000,
                "http": {"method": self.command, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                         "userAgent": "test"},
            }
            headers = {name.lower(): value for name, value in self.headers.items()}
            headers["host"] = context["domainName"]
            event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
                     "headers": headers, "requestContext": context, "isBase64Encoded": False}
            if query:
                event["queryStringParameters"] = dict(urllib.parse.parse_qsl(query))
            if body:
                event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
            failed, answer = lambdas.invoke(function, json.dumps(event).encode())
            answer = json.loads(answer)
            if failed:
                return self.answer(502, json.dumps(answer).encode())
            body = (answer.get("body") or "").encode()
            body = base64.b64decode(body) if answer.get("isBase64Encoded") else body
            given = {name: value for name, value in answer.get("headers", {}).items() if name.lower() != "content-length"}
            self.answer(answer["statusCode"], body, given.items())

        do_GET = do_POST = do_PUT = do_DELETE = any

    return f"http://127.0.0.1:{serve(Gateway).server_address[1]}"
