# SPDX-License-Identifier: Apache-2.0
"""Clients that try to take the server away from the others: thousands of slow connections, bodies of 4 GiB, headers without
end, deep JSON, answers that nobody reads, floods. Honest requests must go on at their pace, memory must stay under its cap,
and afterwards everything must be as before.

Called with the build folder and the number of hostile connections (default: a short run); KT_SERVER names the program.
The attackers come from 127.1.0.0/16, so that the server sees strangers."""

import http.client
import json
import os
import re
import select
import socket
import sys
import tempfile
import threading
import time
import urllib.request

from lib_programs import check, is_sanitized, server_verb
from lib_server import RunningServer, search_body
from lib_writers import Writer

SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 150
BINARY = {"Content-Type": "application/octet-stream"}
# What the scheduler does to an idle server's slowest request; twice that is nobody's attack, and an attack that works does it
# in every turn. A short run has few requests and other tests beside it: there only what delays honest requests by whole
# deadlines shows.
IS_LARGE = SIZE > 500
P99_FLOOR_S = 0.001 if IS_LARGE else 0.250
TURNS = 3 if IS_LARGE else 1
# Commits take processors and disk from answers, but hold none up.
BESIDE_OWNERS_FLOOR_S = 0.005 if IS_LARGE else 0.500
OWNERS = 8 if IS_LARGE else 2
HONEST = 400 if IS_LARGE else 120
MEMORY_CAP_KIB = 96 << 10
HALF_BODIES = 80  # of 1 MiB: more than the server's memory for them
HEAD = "POST {} HTTP/1.1\r\nHost: log\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n"
POST = b"POST /v1/search HTTP/1.1\r\nHost: log\r\nContent-Type: application/octet-stream\r\n"
SETTINGS = ("cache: 16MiB\nlimits:\n  head-timeout: 2s\n  body-timeout: 2s\n  send-timeout: 2s\n  timeout: 3s\n  memory: 32MiB\n"
            "  connections: 1000\n  connections-per-address: 20\nrates:\n  search: 50\n  monitor: 50\n  update: 10\n")


def source(number):
    """Ten connections from each address: many strangers, none over its limit."""
    number //= 10
    return f"127.1.{number // 250}.{number % 250 + 1}"


def connect(server, address):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind((address, 0))
    s.settimeout(5)
    s.connect(("127.0.0.1", server.port))
    return s


def ask(server, address="127.0.0.1", path="/v1/search", body=search_body(b"user3@example.org"), headers=BINARY):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20, source_address=(address, 0))
    try:
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def honest_p99(server):
    """Each request on a connection of its own: the place for it has to be won, too."""
    times = []
    for _ in range(HONEST):
        start = time.monotonic()
        status = ask(server)[0].status
        times.append(time.monotonic() - start)
        check_quietly(status == 200, "honest requests are answered", status)
    return sorted(times)[int(len(times) * 0.99)]


def check_quietly(condition, *details):
    if not condition:
        check(False, *details)


class Slow:
    """Connections in a process of their own that send `first` at once and then one byte of `rest` now and then."""

    def __init__(self, server, first, rest, reads=False):
        self.server, self.first, self.rest, self.reads = server, first, rest, reads
        self.pipe = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            try:
                os.nice(5)  # the measured machine is the server's
                self.attack()
            finally:
                os._exit(0)
        os.close(self.pipe[1])
        os.read(self.pipe[0], 1)

    def open(self, number):
        try:
            s = connect(self.server, source(number))
            s.sendall(self.first)
            s.setblocking(False)
            return s
        except OSError:
            return None

    def attack(self):
        sockets = [self.open(number) for number in range(SIZE)]
        os.write(self.pipe[1], b"x")
        at = 0
        while True:
            for number, s in enumerate(sockets):
                try:
                    if s is None or (not self.reads and self.rest and s.send(self.rest[at % len(self.rest):][:1]) == 0):
                        raise OSError
                    if select.select([s], [], [], 0)[0] and not self.reads and not s.recv(100):
                        raise OSError  # closed by the server: come back
                except BlockingIOError:
                    pass
                except OSError:
                    if s is not None:
                        s.close()
                    sockets[number] = self.open(number)
                time.sleep(1 / SIZE)
            at += 1

    def stop(self):
        os.kill(self.process, 9)
        os.waitpid(self.process, 0)
        os.close(self.pipe[0])


def attack_slowly(server, calm_s, name, *args, **kwargs):
    attackers = Slow(server, *args, **kwargs)
    try:
        time.sleep(0.2)
        p99 = min(honest_p99(server) for _ in range(TURNS))
    finally:
        attackers.stop()
    check(p99 <= 2 * max(calm_s, P99_FLOOR_S), f"{name}: honest p99 {p99 * 1000:.1f} ms, {calm_s * 1000:.1f} ms in calm")


def raw(server, *pieces):
    """Send until the server closes or answers; the status, or None when it only closed."""
    answer = b""
    with connect(server, "127.1.200.1") as s:
        try:
            for piece in pieces:
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while chunk := s.recv(65536):
                answer += chunk
        except OSError:
            pass
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


def endless(piece, most):
    sent = 0
    while sent < most:
        yield piece
        sent += len(piece)


def impossible_requests(server):
    for length in (4 << 30, (4 << 30) + 5, 1 << 63, (1 << 64) + 5):
        status = raw(server, POST + b"Content-Length: %d\r\n\r\n" % length, *endless(bytes(65536), 4 << 20))
        check_quietly(status in (400, 413, None), "a length of gigabytes is refused", length, status)
    check(True, "lengths of gigabytes are refused")
    status = raw(server, POST, *endless(b"X-Filler: " + b"x" * 1000 + b"\r\n", 8 << 20))
    check(status in (400, 413, 431, None), "headers without end are refused", status)
    status = raw(server, b"GET /", *endless(b"a" * 4096, 8 << 20))
    check(status in (400, 404, 414, None), "a path without end is refused", status)
    deep = b"[" * 30000 + b"]" * 30000  # within the 64 KiB that a search may have
    status = raw(server, POST.replace(b"octet-stream", b"json") + b"Content-Length: %d\r\n\r\n" % len(deep), deep)
    check(status in (400, 415), "deep JSON is refused", status)


def hold_half_bodies(server, path, per_address, size=1 << 20):
    """Large bodies of which half comes, at once."""
    held = []
    for number in range(HALF_BODIES):
        held.append(connect(server, f"127.1.211.{number // per_address + 1}"))
        try:
            held[-1].sendall(HEAD.format(path, size).encode() + bytes(size // 2 + 1))
        except OSError:
            pass  # refused before it was sent
    return held


def share_of_an_address(server):
    """What a handful of addresses can hold with half bodies leaves room for everybody else's large bodies."""
    held = hold_half_bodies(server, "/v1/update", 16)
    answers = [ask(server, f"127.1.213.{number}", "/v1/update", bytes(60000))[0].status for number in range(1, 9)]
    check(set(answers) == {400}, "five addresses with half bodies: others' large bodies are read", answers)
    answer, body = ask(server, "127.1.211.1", "/v1/update", bytes(60000))
    check(answer.status == 429 and answer.getheader("Retry-After") == "1", "and theirs get 429 with Retry-After", answer.status, body)
    check(ask(server, "127.1.211.1")[0].status == 200, "but what is small is answered")
    for s in held:
        s.close()


def half_bodies(server):
    """From a few addresses: they get no more than half of the memory."""
    for path in ("/v1/update", "/v1/manager/update", "/v1/owner/init"):
        held = hold_half_bodies(server, path, 10)
        statuses = {ask(server, f"127.1.212.{number}")[0].status for number in range(1, 21)}
        check(statuses == {200}, f"{HALF_BODIES} half bodies for {path}: searches are answered", statuses)
        statuses = {ask(server, "127.1.212.1", "/v1/owner/init", b"\0")[0].status for _ in range(5)}
        check(503 not in statuses, "and S11: those who monitor are", statuses)
        for s in held:
            s.close()


def half_bodies_without_a_token(folder):
    """Where only holders of a token are answered: nothing of such a body is kept, so the others do not notice."""
    made = json.loads(server_verb("access-create", folder, "search,update", "--json"))
    headers = BINARY | {"KT-Access-Token": made["token"]}
    server = RunningServer(folder, SETTINGS + "access: token\n")
    try:
        for size in 1 << 20, 2 << 20:  # read and dropped, refused at once
            held = hold_half_bodies(server, "/v1/update", 10, size)
            statuses = [ask(server, f"127.1.214.{number}", headers=headers)[0].status for number in range(1, 21)]
            check(set(statuses) == {200}, f"{HALF_BODIES} half bodies of {size} without a token: searches are answered", statuses)
            statuses = [ask(server, f"127.1.214.{number}", "/v1/update", bytes(500000), headers)[0].status for number in range(1, 9)]
            check(set(statuses) == {400}, "and large bodies are read", statuses)
            for s in held:
                s.close()
        check(ask(server, "127.1.214.1")[0].status == 401, "who has no token is told so")
    finally:
        server.stop()


def statuses_of_ambiguous(server, address, fields, body):
    """What follows must never be taken for a request of its own."""
    answer = b""
    with connect(server, address) as s:
        s.sendall(POST + fields + b"\r\n" + body + b"GET /v1/config HTTP/1.1\r\nHost: log\r\n\r\n")
        try:
            while chunk := s.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass  # closed with unread data
    return re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)


def smuggling(server):
    body = search_body(b"user3@example.org")
    tail = b"Content-Length: %d\r\n" % len(body)
    for fields in (b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n" + tail, tail * 2,
                   tail + b"Content-Length: 5\r\n", b"Transfer-Encoding: identity\r\n" + tail, tail + b"Transfer-Encoding: x\r\n",
                   b"transfer-encoding:\tchunked\r\n" + tail, b"Content-Length: 5, 5\r\n", b"Content-Length: 0x5\r\n",
                   b"Transfer-Encoding:\r\n chunked\r\n" + tail, b"Transfer-Encoding : chunked\r\n" + tail,
                   b"Content-Length:\r\n %d\r\n" % len(body), b"Content-Length : %d\r\n" % len(body),
                   b"Content-Length\t: %d\r\n" % len(body), b"Host: other\r\n" + tail):
        statuses = statuses_of_ambiguous(server, "127.1.200.2", fields, body)
        check_quietly(set(statuses) <= {b"400"},
                      "a request whose end is ambiguous is refused, and the connection closed", fields, statuses)
    check(True, "requests whose end is ambiguous are refused, and their connections closed")


def twenty_one_connections(server):
    """(one was refused, another address was answered), before any deadline ended one. Several threads accept, so the one that is too many
    need not be the one that asked last."""
    for _ in range(10):
        start = time.monotonic()
        held = [connect(server, "127.1.251.1") for _ in range(20)]
        try:
            refused = ask(server, "127.1.251.1")[0].status != 200
        except (OSError, http.client.HTTPException):
            refused = True
        refused = refused or bool(select.select(held, [], [], 0.3)[0])  # nothing was asked there: only an end can be read
        answered = ask(server, "127.1.251.2")[0].status == 200
        in_time = time.monotonic() - start < 1.5
        for s in held:
            s.close()
        if in_time:
            return refused, answered
        time.sleep(1)
    return False, False


def floods(server):
    """One address over its rate: 429 with Retry-After. Nobody else notices, and monitoring has a quota of its own (S11)."""
    refused = None
    for _ in range(50 * 10 + 200):
        answer, body = ask(server, "127.1.250.1")
        if answer.status == 429:
            refused = (answer, body)
            break
    check(refused is not None and int(refused[0].getheader("Retry-After")) >= 1, "a flood of searches gets 429 with Retry-After")
    problem = json.loads(refused[1])
    check(problem["type"] == "urn:kt:problem:rate" and problem["request_id"] == refused[0].getheader("X-Request-Id"),
          "and a problem document", problem)
    statuses = [statuses_of_ambiguous(server, "127.1.250.1", b"Content-Length : 5\r\n", b"12345") for _ in range(20)]
    check(all(len(found) <= 1 and set(found) <= {b"400"} for found in statuses),
          "over its rate, too, a request whose end is ambiguous ends its connection", statuses)
    check(ask(server, "127.1.250.2")[0].status == 200, "another address is answered")
    check(ask(server, "127.1.250.1", "/v1/owner/monitor", b"\0")[0].status != 429,
          "S11: monitoring from the flooding address has its own quota")
    statuses = {ask(server, "127.1.250.3", "/nothing")[0].status for _ in range(50 * 10 + 200)}
    check(statuses == {404, 429}, "questions for paths that there are none of have a rate, too", statuses)
    refused, answered = twenty_one_connections(server)
    check(refused, "one of 21 connections of one address is refused")
    check(answered, "and another address connects")


def metrics(server):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.health}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


def open_sockets(server):
    folder = f"/proc/{server.process.pid}/fd"
    n = 0
    for name in os.listdir(folder):
        try:
            n += os.readlink(os.path.join(folder, name)).startswith("socket:")
        except FileNotFoundError:
            pass  # closed since it was listed
    return n


def peak_memory_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def recovered(server, sockets):
    """Everything that the attackers held is free again."""
    for _ in range(100):
        n_sockets = open_sockets(server)  # before the question, whose own connection may be there for a moment longer
        n_requests = metrics(server)["kt_http_requests_open"]
        if n_sockets <= sockets and n_requests == 0:
            break
        time.sleep(0.1)
    check(n_sockets <= sockets, "no connection is left", n_sockets, sockets)
    check(n_requests == 0, "no request is left", n_requests)
    check(ask(server)[0].status == 200, "and the server answers")


def fill(folder, where):
    path = os.path.join(where, "labels.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(200):
            file.write(json.dumps({"label": f"user{number}@example.org", "devices": [
                {"name": "phone", "keys": [{"alg": "raw", "key": "QUJD"}]}]}) + "\n")
    server_verb("import", folder, path)


def one_body_alone(folder):
    """Larger than the share: from a stranger, and from loopback, which may be everybody's proxy."""
    server = RunningServer(folder, "limits:\n  memory: 4MiB\n")
    try:
        for host in ("127.1.215.1", "127.0.0.1"):
            answer, body = ask(server, host, "/v1/update", bytes(1000 << 10))
            check(answer.status == 400, f"a large body alone is read, from {host}", answer.status, body)
    finally:
        server.stop()


class PoliteWriter(Writer):
    """An owner with a computer of their own, as far as this one can play that: what they compute takes nobody's processor. Beside
    other tests it would never be their turn."""

    def run(self):
        if IS_LARGE:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        super().run()


def reads_beside_writes(server, calm_s, where):
    """Owners who publish without a pause do not starve those who look up."""
    config = os.path.join(where, "config")
    server_verb("config", server.folder, "-o", config)
    owners = [PoliteWriter(os.path.join(where, f"owner{i}"), f"owner{i}-", server.url, config, lambda text: "busy" in text)
              for i in range(OWNERS)]
    for owner in owners:
        owner.start()
    turns = []
    try:
        while len(turns) < TURNS or min(owner.n_done for owner in owners) < 4:
            turns.append(honest_p99(server))
            check_quietly(len(turns) < 1000, "owners publish meanwhile", [owner.n_done for owner in owners])
    finally:
        for owner in owners:
            owner.is_over = True
        for owner in owners:
            owner.join(timeout=60)
    n, p99 = sum(owner.n_done for owner in owners), sorted(turns)[len(turns) // 2]
    check(p99 <= 2 * max(calm_s, BESIDE_OWNERS_FLOOR_S),
          f"beside {n} updates: honest p99 {p99 * 1000:.1f} ms, {calm_s * 1000:.1f} ms in calm")


def main():
    with tempfile.TemporaryDirectory(prefix="kt-hostile-") as where:
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        fill(folder, where)
        server = RunningServer(folder, SETTINGS)
        try:
            honest_p99(server)
            calm_s = honest_p99(server)
            sockets = open_sockets(server)
            attack_slowly(server, calm_s, f"{SIZE} connections that say nothing", b"", b"")
            attack_slowly(server, calm_s, f"{SIZE} slow heads", b"GET /v1/config HTTP/1.1\r\nX-Slow: ", b"abc")
            attack_slowly(server, calm_s, f"{SIZE} slow bodies", POST + b"Content-Length: 100000\r\n\r\n", b"\0")
            attack_slowly(server, calm_s, f"{SIZE} that do not read",
                          b"GET /v1/audit?start=0 HTTP/1.1\r\nHost: log\r\n\r\n" * 3, b"", reads=True)
            reads_beside_writes(server, calm_s, where)
            share_of_an_address(server)
            half_bodies(server)
            impossible_requests(server)
            smuggling(server)
            floods(server)
            recovered(server, sockets)
            peak = peak_memory_kib(server)
            check(is_sanitized() or peak <= MEMORY_CAP_KIB, f"memory stayed under {MEMORY_CAP_KIB >> 10} MiB", peak)
        finally:
            server.stop()
        one_body_alone(folder)
        half_bodies_without_a_token(folder)


main()
