# SPDX-License-Identifier: Apache-2.0
"""kt-server/openapi.yaml against the route tables and against running servers: every route is described and every
described one is there, every documented status is reached or has a reason why not, every answer fits its schema.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs."""

import base64
import http.client
import json
import os
import re
import struct
import sys
import tempfile

from lib_openapi import read_yaml, resolve, validate
from lib_people import new_log, new_person
from lib_programs import Log, Proxy, ProxyHandler, check, random_key, server_verb

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METHODS = ("get", "put", "post", "delete", "patch", "options")
JSON, BINARY, PROBLEM = "application/json", "application/octet-stream", "application/problem+json"
LABEL = b"alice@example.org"
FAR = 10**6

# Statuses that a healthy server with a short log does not answer. Fault injection and the unit tests reach them.
UNREACHED = {
    ("*", "500"): "a fault of the server",
    ("*", "503"): "a server that stops, is full or is stale",
    ("*", "410"): "a value that was erased, an entry that was pruned",
}


# --- requests as the draft lays them out ----------------------------------------------------------------------------

def optional(form, value):
    return b"\0" if value is None else b"\1" + struct.pack(form, value)


def label(name=LABEL):
    return bytes([len(name)]) + name


def monitor_map(*entries):
    return bytes([len(entries)]) + b"".join(struct.pack(">QI", *entry) for entry in entries)


def search(last=None, name=LABEL, version=None):
    return optional(">Q", last) + label(name) + optional(">I", version)


def contact(last=None, name=LABEL, version=0):
    return optional(">Q", last) + label(name) + monitor_map((1, version))


def owner_init(last=None, name=LABEL, start=0):
    return optional(">Q", last) + label(name) + struct.pack(">Q", start)


def owner_monitor(last=None, name=LABEL, greatest=0):
    return optional(">Q", last) + label(name) + monitor_map() + struct.pack(">Q", 0) + optional(">I", greatest)


def distinguished(last=None):
    return optional(">Q", last) + optional(">Q", None)


def update(last=None, name=LABEL, greatest=0):
    return optional(">Q", last) + label(name) + optional(">I", greatest) + b"\0"


class Recorder(ProxyHandler):
    """Keeps the bodies of updates."""

    def forward(self, body):
        if self.path == "/v1/update":
            self.server.recorded.append(body)
        super().forward(body)


# --- the document and the tables ------------------------------------------------------------------------------------

def operations(document):
    return {(method.upper(), path): operation for path, item in document["paths"].items()
            for method, operation in item.items()}


def routes():
    """Method and path to the body type and whether there is a JSON view, out of the server's tables."""
    row = re.compile(r'\{ "([A-Z]+)", "(/[^"]*)", (KT_BODY_\w+), \w+, \w+, (\w+),\s+KT_PURPOSE_\w+ \}')
    found = {}
    for name in ("http_routes_log.c", "http_health.c"):
        with open(os.path.join(SOURCE, "kt-server", name), encoding="utf-8") as file:
            found.update({(m[1], m[2]): (m[3], m[4] != "NULL") for m in row.finditer(file.read())})
    return found


def check_tables(document):
    described, table = operations(document), routes()
    check(len(table) >= 16, "the route tables were read", len(table))
    missing = sorted(set(table) - set(described))
    check(not missing, "every route is described", missing)
    stray = sorted(key for key in set(described) - set(table) if "x-modes" not in described[key])
    check(not stray, "every operation that all logs have is a route", stray)
    for key, (body, has_view) in table.items():
        content = described[key].get("requestBody", {}).get("content", {})
        wanted = {"KT_BODY_NONE": set(), "KT_BODY_BINARY": {BINARY}, "KT_BODY_VALUES": {BINARY}, "KT_BODY_SIGNED_VALUES": {BINARY},
                  "KT_BODY_BINARY_OR_JSON": {BINARY, JSON}}[body]
        check(set(content) == wanted, f"{key}: request types", set(content))
        answer = described[key]["responses"].get("200", {}).get("content", {})
        check((JSON in answer) == has_view, f"{key}: decoded answer", set(answer))


def check_document(document):
    check(document["openapi"] == "3.1.0", "OpenAPI 3.1")
    ids = [operation["operationId"] for operation in operations(document).values()]
    check(len(ids) == len(set(ids)), "operation ids are unique")
    tags = {tag["name"] for tag in document["tags"]}
    check(all(set(operation["tags"]) <= tags for operation in operations(document).values()), "tags are listed")
    used = set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(document)))
    for reference in used:
        resolve(document, {"$ref": reference})
    for kind in ("schemas", "responses", "headers"):
        unused = [name for name in document["components"][kind] if f"#/components/{kind}/{name}" not in used
                  and name != "AuditorTreeHead"]
        check(not unused, f"every one of the {kind} is used", unused)
    for (method, path), operation in operations(document).items():
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            for media in resolve(document, content).get("content", {}).values():
                if "example" in media:
                    validate(document, media["schema"], media["example"], f"example of {method} {path}")
    problem = document["components"]["schemas"]["Problem"]
    validate(document, problem, problem["example"], "example of Problem")
    check(True, "the examples fit their schemas")


# --- the running server ---------------------------------------------------------------------------------------------

class Caller:
    """Asks, checks every answer against the document, and remembers which statuses were reached."""

    def __init__(self, document, port):
        self.document = document
        self.operations = operations(document)
        self.port = port
        self.reached = {}

    def raw(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def ask(self, status, method, template, body=None, query="", kind=BINARY, accept=JSON, headers=None, **names):
        sent = {"Accept": accept, **({"Content-Type": kind} if body is not None else {}), **(headers or {})}
        answer, content = self.raw(method, template.format(**names) + query, body, sent)
        where = f"{method} {template}{query}: {answer.status}"
        if answer.status != status:
            sys.exit(f"{where}, expected {status}: {content[:400]}")
        self.reached.setdefault((method, template), set()).add(str(status))
        responses = self.operations[method, template]["responses"]
        if str(status) not in responses:
            sys.exit(f"{where} is not documented")
        self.check_answer(resolve(self.document, responses[str(status)]), answer, content, where)
        return answer, content

    def check_answer(self, response, answer, content, where):
        for name in response.get("headers", {}):
            header = resolve(self.document, response["headers"][name])
            if answer.getheader(name) is None:
                sys.exit(f"{where}: no {name}")
            validate(self.document, header["schema"], answer.getheader(name), f"{where}: {name}")
        media = (answer.getheader("Content-Type") or "").split(";")[0]
        if "content" not in response:
            if content:
                sys.exit(f"{where}: {len(content)} undocumented bytes")
            return
        if media not in response["content"]:
            sys.exit(f"{where}: {media} is not documented")
        if media in (JSON, PROBLEM):
            value = json.loads(content)
            validate(self.document, response["content"][media]["schema"], value, where)
            code = value.get("type", "").removeprefix("urn:kt:problem:")
            if media == PROBLEM and code not in response.get("x-types", [code]):
                sys.exit(f"{where}: problem type {code} is not documented")


def ask_gets(caller):
    for path in ("/v1/config", "/v1/tree-head", "/openapi.yaml"):
        answer, _ = caller.ask(200, "GET", path)
        caller.ask(304, "GET", path, headers={"If-None-Match": answer.getheader("ETag")})
    for path, good, bad in (("/v1/audit", "?start=0&limit=2", f"?start={FAR}"), ("/v1/audit/state", "?size=1", "?size=0"),
                            ("/v1/log/consistency", "?old=1&size=2", "?old=9&size=2")):
        caller.ask(200, "GET", path, query=good)
        caller.ask(400, "GET", path, query="?start=x&size=x")
        caller.ask(422, "GET", path, query=bad)
        caller.ask(200, "GET", path, query=good, accept=BINARY)


def ask_posts(caller, recorded):
    """For each: a good one, one of a client that remembers too much, one about something that is not there."""
    cases = {
        "/v1/search": (search(), search(last=FAR), search(name=b"")),
        "/v1/contact-monitor": (contact(), contact(last=FAR), contact(version=99)),
        "/v1/owner/init": (owner_init(), owner_init(last=FAR), owner_init(start=FAR)),
        "/v1/owner/monitor": (owner_monitor(), owner_monitor(last=FAR), owner_monitor(greatest=99)),
        "/v1/distinguished": (distinguished(), distinguished(last=FAR), None),
        "/v1/update": (recorded, update(last=FAR), update(greatest=99)),
    }
    for path, (good, far, absent) in cases.items():
        _, decoded = caller.ask(200, "POST", path, good)
        _, binary = caller.ask(200, "POST", path, good, accept=BINARY)
        raw = base64.b64decode(json.loads(decoded)["raw"])
        check(len(raw) == len(binary), f"{path}: raw is the binary answer")
        caller.ask(400, "POST", path, b"\xff" * 9)
        caller.ask(409, "POST", path, far)
        caller.ask(413, "POST", path, bytes((1 << 20) + 1))
        caller.ask(415, "POST", path, good, kind="text/plain")
        if absent is not None:
            caller.ask(422, "POST", path, absent)
    caller.ask(200, "POST", "/v1/search", json.dumps({"label": LABEL.decode()}).encode(), kind=JSON)
    caller.ask(200, "POST", "/v1/search", search(name=b"nobody"))
    caller.ask(422, "POST", "/v1/search", search(version=99))
    caller.ask(422, "POST", "/v1/update", update(greatest=1))


def ask_relay(caller):
    box, path = "0123456789abcdef", "/v1/relay/{mailbox}"
    caller.ask(400, "PUT", path, b"x", mailbox="short")
    caller.ask(400, "GET", path, mailbox="short")
    caller.ask(413, "PUT", path, bytes(5000), mailbox=box)
    caller.ask(422, "PUT", path, b"", mailbox=box)
    caller.ask(415, "PUT", path, b"x", mailbox=box, kind="text/plain")
    for _ in range(16):
        caller.ask(200, "PUT", path, b"x", mailbox=box)
    caller.ask(409, "PUT", path, b"x", mailbox=box)
    caller.ask(200, "GET", path, mailbox=box)
    caller.ask(200, "GET", path, query="?from=15", mailbox=box, accept=BINARY)
    for i in range(1000):
        answer, _ = caller.raw("PUT", f"/v1/relay/{i:016d}", b"x", {"Content-Type": BINARY})
        if answer.status == 429:
            break
    caller.ask(429, "PUT", path, b"x", mailbox="another-mailbox-of-ours")


def ask_with_tokens(document, work, recorded, reached):
    """A log that asks for registration tokens, and a list of devices that was made for another log."""
    folder = os.path.join(work, "token-log")
    server_verb("init", folder, "--registration", "token")
    log = Log(folder).start()
    caller = Caller(document, log.port)
    caller.reached = reached
    caller.ask(401, "POST", "/v1/update", recorded)
    caller.ask(403, "POST", "/v1/update", recorded, headers={"Authorization": "Bearer nonsense"})
    log.stop()


def ask_health(caller, port):
    caller.port = port
    for path in ("/livez", "/readyz", "/metrics"):
        caller.ask(200, "GET", path, accept="*/*")


def check_methods(caller):
    """What is not documented is not there, and the server says what is."""
    table = routes()
    for path, item in caller.document["paths"].items():
        here = [method for method in item if (method.upper(), path) in table and "x-listener" not in item[method]]
        if not here:
            continue
        allowed = {method.upper() for method in here} | ({"HEAD"} if "get" in here else set())
        for method in METHODS:
            if method in here:
                continue
            answer, content = caller.raw(method.upper(), path.format(mailbox="0123456789abcdef"), b"", {})
            said = set((answer.getheader("Allow") or "").split(", "))
            if answer.status != 405 or said != allowed:
                sys.exit(f"{method} {path}: {answer.status}, Allow {said}, expected 405 and {allowed}")
            validate(caller.document, caller.document["components"]["schemas"]["Problem"], json.loads(content))
    check(caller.raw("GET", "/v1/nothing")[0].status == 404, "an unknown path is a 404")
    check(True, "methods that are not documented are refused, with Allow")


def check_reached(caller):
    table = routes()
    for key, operation in caller.operations.items():
        if "x-modes" in operation or key not in table:
            continue
        missing = [status for status in operation["responses"] if status not in caller.reached.get(key, set())
                   and ("*", status) not in UNREACHED]
        check(not missing, f"{key[0]} {key[1]}: reached {sorted(caller.reached.get(key, set()))}", missing)


def main():
    path = os.path.join(SOURCE, "kt-server", "openapi.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document = read_yaml(text)
    check_document(document)
    check_tables(document)
    with tempfile.TemporaryDirectory() as work:
        log, config = new_log(work)
        with open(os.path.join(log.folder, "kt-server.yaml"), encoding="utf-8") as file:
            settings = file.read()
        log.stop()
        health = Log(log.folder)  # a free port
        with open(os.path.join(log.folder, "kt-server.yaml"), "w", encoding="utf-8") as file:
            file.write(settings.replace("admin-listen: 127.0.0.1:0", f"admin-listen: 127.0.0.1:{health.port}"))
        log.start()
        proxy = Proxy(log.url, lambda path, status, body: (status, body))
        proxy.RequestHandlerClass = Recorder
        proxy.recorded = []
        person = new_person(work, "alice", proxy, config)
        person.json("device", "add", person.label, "--name", "laptop", "--key", random_key())
        caller = Caller(document, log.port)
        check(caller.ask(200, "GET", "/openapi.yaml")[1] == text.encode(), "the document that is served is the one checked")
        ask_gets(caller)
        ask_posts(caller, proxy.recorded[-1])
        ask_relay(caller)
        ask_with_tokens(document, work, proxy.recorded[0], caller.reached)
        check_methods(caller)
        ask_health(caller, health.port)
        log.stop()
        check_reached(caller)


main()
