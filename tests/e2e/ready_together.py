# SPDX-License-Identifier: Apache-2.0
"""Requests that come in all at once, on as many connections as libmicrohttpd takes from epoll at a time, and around that: each
is answered at once, not when something else happens.

Called with the build folder; KT_SERVER names the program."""

import os
import signal
import socket
import tempfile
import time

from lib_programs import check, of_threads, server_verb
from lib_server import RunningServer

# libmicrohttpd 0.9.75 takes 128 events at a time, and with its own threads left those unanswered that came in exactly so many.
COUNTS = (127, 128, 129, 256)
REQUEST = b"GET /v1/config HTTP/1.1\r\nHost: log\r\n\r\n"
SETTINGS = "threads: 1\nlimits:\n  connections-per-address: 300\n"
PATIENCE_S = 5  # any deadline of a connection is later


def read_answer(connection):
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += receive(connection)
    check_quietly(head.startswith(b"HTTP/1.1 200 "), "the request is answered", head)


def receive(connection):
    received = connection.recv(65536)
    check_quietly(received, "the connection stays open")
    return received


def check_quietly(condition, *details):
    if not condition:
        check(False, *details)


def open_connections(server, n):
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) for _ in range(n)]
    for connection in connections:
        connection.sendall(REQUEST)
        read_answer(connection)
    return connections


def states(pid):
    """One letter for each thread."""
    return {stat.rpartition(") ")[2][0] for stat in of_threads(pid, "stat")}


def hold(process):
    process.send_signal(signal.SIGSTOP)
    end = time.monotonic() + PATIENCE_S
    while states(process.pid) != {"T"}:
        check_quietly(time.monotonic() < end, "the server is held", states(process.pid))
        time.sleep(0.001)


def ask_together(server, n):
    """The server finds all requests there when it goes on."""
    connections = open_connections(server, n)
    hold(server.process)
    for connection in connections:
        connection.sendall(REQUEST)
    server.process.send_signal(signal.SIGCONT)
    n_answered = 0
    end = time.monotonic() + PATIENCE_S
    for connection in connections:
        connection.settimeout(max(end - time.monotonic(), 0.01))
        try:
            read_answer(connection)
            n_answered += 1
        except TimeoutError:
            pass
        connection.close()
    check(n_answered == n, f"{n} requests at once are answered at once", n_answered)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-together-") as where:
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        server = RunningServer(folder, SETTINGS)
        try:
            for n in COUNTS:
                ask_together(server, n)
        finally:
            server.stop()


main()
