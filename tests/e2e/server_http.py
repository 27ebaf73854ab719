# SPDX-License-Identifier: Apache-2.0
"""The real server: life cycle of a folder, verbs with exit codes, every route under garbage.

Called with the build folder; KT_SERVER names the program."""
import base64
import hashlib
import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SERVER = os.environ.get("KT_SERVER") or os.path.join(sys.argv[1], "kt-server", "kt-server")
BINARY = {"Content-Type": "application/octet-stream"}
POST = ["/v1/search", "/v1/contact-monitor", "/v1/owner/init", "/v1/owner/monitor", "/v1/distinguished", "/v1/update",
        "/v1/credential", "/v1/credential-update"]
GET = ["/v1/config", "/v1/tree-head", "/v1/audit?start=0", "/v1/audit/state?size=1", "/v1/log/consistency?old=1&size=1"]


def verb(*args, code=0):
    done = subprocess.run([SERVER, *args], capture_output=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{args}: exit {done.returncode}, wanted {code}: {said}"
    return done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")


class Server:
    def __init__(self, folder, *args):
        self.process = subprocess.Popen([SERVER, "run", folder, "--listen", "127.0.0.1:0", *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), (line, self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])
        self.health = int(self.process.stderr.readline().rsplit(":", 1)[1])

    def ask(self, method, path, body=None, headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def refused(self, status, method, path, body=None, headers=None):
        response, answer = self.ask(method, path, body, headers)
        assert response.status == status, f"{method} {path}: {response.status}, wanted {status}: {answer}"
        assert response.getheader("Content-Type") == "application/problem+json", path
        problem = json.loads(answer)
        assert problem["status"] == status and problem["type"].startswith("urn:kt:problem:"), problem
        assert problem["title"] and problem["detail"], problem
        assert response.getheader("X-Request-Id") == problem["request_id"]
        return response, problem

    def raw(self, data):
        """Bytes as they are; the status, or None when the server only closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s:
            answer = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while chunk := s.recv(65536):
                    answer += chunk
            except OSError:
                pass  # closed with unread data
        return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None

    def alive(self):
        assert self.process.poll() is None, "the server died"
        assert self.ask("GET", "/v1/config")[0].status == 200

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        assert code == 0, f"exit {code}: {self.process.stderr.read()}"
        self.process.stdout.close()
        self.process.stderr.close()


def search(label, version=None, last=None):
    out = b"\0" if last is None else b"\1" + last.to_bytes(8, "big")
    out += bytes([len(label)]) + label
    return out + (b"\0" if version is None else b"\1" + version.to_bytes(4, "big"))


def device_set(log_id, label, name):
    """An unsigned device set: seq 0, one device with one raw key."""
    device = bytes(16) + bytes([len(name)]) + name + bytes(8) + b"\1" + b"\0\x09\0\1k"
    return (b"\1" + log_id + bytes([len(label)]) + label + bytes(4) + bytes(32) + b"\0" + b"\1" + device
            + b"\0" + b"\0" + b"\0" + b"\0")


def update(label, values, greatest=None):
    out = b"\0" + bytes([len(label)]) + label
    out += b"\0" if greatest is None else b"\1" + greatest.to_bytes(4, "big")
    out += bytes([len(values)])
    return out + b"".join(len(v).to_bytes(4, "big") + v for v in values)


def log_id_of(config):
    signing_len = int.from_bytes(config[3:5], "big")
    signing = config[3:5 + signing_len]
    vrf_at = 5 + signing_len
    vrf_len = int.from_bytes(config[vrf_at:vrf_at + 2], "big")
    return hashlib.sha256(b"kt-log-id/1" + config[:2] + signing + config[vrf_at:vrf_at + 2 + vrf_len]).digest()


def check_init(folder):
    assert "another disk" in verb("init", folder)
    before = sorted(os.listdir(folder))
    verb("init", folder, code=2)  # not empty
    assert sorted(os.listdir(folder)) == before
    for name in ("signing.key", "vrf.key"):
        assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
    other = folder + "-other"
    for option in (["--mode", "third-party-auditing"], ["--mode", "third-party-management"], ["--suite", "p384"],
                   ["--role", "manager"], ["--auditor-start-pos", "0"],
                   ["--registration", "maybe"], ["--max-behind", "soon"], ["--max-behind", "0"], ["--nonsense"],
                   ["--mode"], ["--maximum-lifetime", "1h"]):
        verb("init", other, *option, code=2)
        assert not os.path.exists(other), option
    # A name that cannot be a folder's.
    verb("init", os.path.join(folder, "config.bin", "x"), code=3)


def check_verbs(folder):
    assert "usage" in verb("--help")
    for unknown in ("frobnicate",):
        verb(unknown, folder, code=2)
        assert f"  {unknown} " not in verb("--help")
    verb(code=2)
    verb("status", code=2)
    verb("status", folder, "extra", code=2)
    verb("status", folder + "-missing", code=2)
    assert "kt-server" in verb("version")
    verb("check-config", folder)
    assert "no damage" in verb("fsck", folder)
    status = json.loads(verb("status", folder, "--json"))
    assert status["schema"] == "kt.server.status/1" and status["verdict"] == "done" and status["running"] is False
    assert status["log"]["tree_size"] == 1 and status["labels"] == 0
    assert json.loads(verb("status", folder + "-missing", "--json", code=2).splitlines()[0])["verdict"] == "usage"


def check_json(folder, where):
    """--json: exactly one object on stdout, with every verb, also on failure."""
    one = os.path.join(where, "json.json")
    lines = os.path.join(where, "json.jsonl")
    with open(one, "w", encoding="utf-8") as f:
        f.write('{"devices":[]}')
    with open(lines, "w", encoding="utf-8") as f:
        f.write('{"label":"a","devices":[]}\nnonsense\n')
    copy = os.path.join(where, "json")
    shutil.copytree(folder, copy)
    damaged = os.path.join(where, "json-damaged")
    shutil.copytree(folder, damaged)
    with open(os.path.join(damaged, "head-guard"), "w", encoding="utf-8") as f:
        f.write("nonsense\n")
    not_utf8 = os.path.join(os.fsencode(where), b"json-\xff")
    for args, code, keys in ((["init", where + "/json-new"], 0, ["dir", "log"]), (["init", copy], 2, ["reason"]),
                             (["init", copy, "--mode", "x"], 2, ["reason"]), (["init"], 2, ["reason"]),
                             (["config", copy], 0, ["config", "raw"]), (["check-config", copy], 0, ["config"]),
                             (["config", copy, "-o", where + "/json.bin"], 0, ["file"]),
                             (["config", copy, "-o", where + "/no/x"], 3, ["reason"]),
                             (["token", copy], 0, ["token"]), (["token", copy, "--nonsense"], 2, ["reason"]),
                             (["token", copy, "extra"], 2, ["reason"]), (["fsck", copy], 0, ["findings"]),
                             (["fsck", damaged], 2, ["reason"]), (["status", damaged], 2, ["reason"]),
                             (["status", not_utf8], 2, ["reason"]), (["check-config", not_utf8], 2, ["reason"]),
                             (["backup", copy, where + "/json.backup"], 0, ["file", "bytes", "log"]),
                             (["backup", copy, where + "/no/x"], 3, ["reason"]),
                             (["restore", where + "/json.backup", where + "/json-back"], 0, ["log", "guard", "read_only"]),
                             (["restore", one, where + "/json-none"], 2, ["reason"]),
                             (["migrate", copy, copy, where + "/json-said"], 3, ["reason"]),
                             (["update-label", copy, "a", one], 0, ["label", "version", "position"]),
                             (["update-label", copy, "a", lines], 2, ["reason"]),
                             (["import", copy, lines], 2, ["inserted", "refusals", "reason"]),
                             (["import", copy, one], 2, ["reason"])):
        done = subprocess.run([SERVER, *args, "--json"], capture_output=True, timeout=60, check=False)
        assert done.returncode == code, (args, done)
        view = json.loads(done.stdout)
        assert view["schema"] == f"kt.server.{args[0]}/1", view
        assert view["verdict"] == {0: "done", 1: "failed", 2: "usage", 3: "undecided"}[code], view
        assert all(key in view for key in keys), (args, view)
        assert ("reason" in view) == (code != 0), view


def check_open_files(folder):
    """Connections do not use up the files of the database and the guard: what is missing is reserved, or said."""
    def limited(soft, hard):
        return subprocess.Popen([SERVER, "run", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    refused = limited(256, 512)
    said = refused.communicate(timeout=30)[1]
    assert refused.returncode == 2 and "LimitNOFILE" in said, said
    if hard == resource.RLIM_INFINITY or hard >= 4096:
        with limited(256, hard) as raised:
            assert raised.stdout.readline().startswith("listening on")
            with open(f"/proc/{raised.pid}/limits", encoding="ascii") as f:
                line = next(text for text in f if text.startswith("Max open files"))
            assert int(line.split()[3]) > 1000, line
            raised.terminate()


def check_config_errors(folder):
    path = os.path.join(folder, "kt-server.yaml")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    good = good.replace("timeout: 30s", "timeout: 2s")  # half-sent requests end the sooner
    for bad, where in ((good + "lisen: x\n", None), (good.replace("threads: 0", "threads: four"), "threads"),
                       (good.replace("cadence: 250ms", "cadence: 250"), "cadence"),
                       (good.replace("heartbeat: 0", "heartbeat: 10m"), None),
                       (good.replace("listen: 127.0.0.1:8080", "listen: nowhere"), None)):
        with open(path, "w", encoding="utf-8") as f:
            f.write(bad)
        said = verb("check-config", folder, code=2)
        if where:
            line = next(i for i, text in enumerate(bad.splitlines(), 1) if text.startswith(where))
            assert f"kt-server.yaml:{line}:" in said, said
        verb("run", folder, code=2)
    with open(path, "w", encoding="utf-8") as f:
        f.write(good)
    key = os.path.join(folder, "signing.key")
    os.chmod(key, 0o644)
    assert "0600" in verb("run", folder, code=2)
    os.chmod(key, 0o600)
    shutil.copy(key, key + ".keep")
    with open(key, "w", encoding="utf-8") as f:
        f.write("kt-key/1 signing " + "00" * 32 + "\n")
    assert "does not belong" in verb("run", folder, code=2)
    os.replace(key + ".keep", key)
    guard = os.path.join(folder, "head-guard")
    os.rename(guard, guard + ".keep")
    verb("run", folder, "--listen", "127.0.0.1:0", code=2)  # no guard: explained, not guessed
    with open(guard, "w", encoding="utf-8") as f:
        f.write("kt-head-guard/1 nonsense\n")
    assert "damaged" in verb("run", folder, "--listen", "127.0.0.1:0", code=2)
    os.replace(guard + ".keep", guard)


def check_import(folder, where):
    key = base64.b64encode(bytes(32)).decode()
    good = [json.dumps({"label": f"user{i}@example.org",
                        "devices": [{"name": "phone", "keys": [{"alg": "ed25519", "key": key}]}]}) for i in range(300)]
    path = os.path.join(where, "import.jsonl")

    def write(lines):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")

    for bad, needle in (("{", ":2:"), ("[]", ":2:"), ('{"label":"x"}', "devices"), ('{"label":"a","label":"b"}', ":2:"),
                        ('{"label":"","devices":[]}', "label"), (good[0].replace("ed25519", "rot13"), "rot13")):
        write([good[0], bad, good[1]])
        said = verb("import", folder, path, code=2)
        assert ":2:" in said and needle in said and "nothing was imported" in said, said
    assert json.loads(verb("status", folder, "--json"))["labels"] == 0
    verb("import", folder, path + ".missing", code=2)
    write(good)
    assert "inserted 300, unchanged 0" in verb("import", folder, path)
    assert "inserted 0, unchanged 300" in verb("import", folder, path)  # resumable
    one = os.path.join(where, "one.json")
    with open(one, "w", encoding="utf-8") as f:
        json.dump({"devices": [{"name": "tablet", "keys": [{"alg": "raw", "key": "AAEC"}]}]}, f)
    assert "version 1" in verb("update-label", folder, "user0@example.org", one)
    assert "version 0" in verb("update-label", folder, "new@example.org", one)
    verb("update-label", folder, "", one, code=2)
    verb("update-label", folder, "x" * 256, one, code=2)
    verb("update-label", folder, "x", path, code=2)
    assert json.loads(verb("status", folder, "--json"))["labels"] == 301


def check_running(folder, where, server):
    status = json.loads(verb("status", folder, "--json"))
    assert status["running"] is True and status["labels"] == 301 and status["versions"] == 302
    one = os.path.join(where, "one.json")
    assert "version 1" in verb("update-label", folder, "new@example.org", one)
    assert len(verb("token", folder).strip()) == 64
    assert "in use" in verb("run", folder, "--listen", "127.0.0.1:0", code=3)
    assert "in use" in verb("fsck", folder, code=3)
    assert os.stat(os.path.join(folder, "admin.sock")).st_mode & 0o777 == 0o600
    assert server.ask("GET", "/livez", port=server.health)[0].status == 200
    assert server.ask("GET", "/readyz", port=server.health)[0].status == 200
    assert b"kt_tree_size" in server.ask("GET", "/metrics", port=server.health)[1]
    assert server.ask("GET", "/livez")[0].status == 404  # not for clients
    # The administration socket, under garbage.
    for data in (b"", b"x", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x02[]", b"\0\0\0\x02{}", b"\0\0\0\x03abc",
                 b'\0\0\0\x0d{"op":"erase"}'):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(folder, "admin.sock"))
            s.sendall(data)
            try:
                s.shutdown(socket.SHUT_WR)
                s.recv(4096)
            except OSError:
                pass  # closed without reading is an answer too
    server.alive()


def check_given_up(folder, where, server):
    """A command whose operator gave up waiting is not carried out afterwards."""
    before = json.loads(verb("status", folder, "--json"))
    server.process.send_signal(signal.SIGSTOP)
    waiting = subprocess.Popen([SERVER, "update-label", folder, "given-up@example.org", os.path.join(where, "one.json")],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(1)
    assert waiting.poll() is None
    waiting.kill()
    waiting.communicate(timeout=20)
    server.process.send_signal(signal.SIGCONT)
    after = json.loads(verb("status", folder, "--json"))
    assert after["labels"] == before["labels"] and after["versions"] == before["versions"]


def check_answers(server):
    response, config = server.ask("GET", "/v1/config")
    assert response.status == 200 and response.getheader("Content-Type") == "application/octet-stream"
    for path in GET:
        plain = server.ask("GET", path)
        assert plain[0].status == 200, (path, plain)
        decoded = server.ask("GET", path, headers={"Accept": "application/json"})
        assert decoded[0].getheader("Content-Type") == "application/json"
        view = json.loads(decoded[1])
        assert base64.b64decode(view["raw"]) == plain[1], path
        assert len(view) > 1, path
        assert server.ask("HEAD", path)[0].status == 200
    response, _ = server.ask("GET", "/v1/tree-head")
    etag = response.getheader("ETag")
    assert server.ask("GET", "/v1/tree-head", headers={"If-None-Match": etag})[0].status == 304
    assert server.ask("GET", "/v1/tree-head", headers={"If-None-Match": '"x"'})[0].status == 200
    # A search in JSON and in binary is one search.
    binary = server.ask("POST", "/v1/search", search(b"user1@example.org"), BINARY)
    asked = server.ask("POST", "/v1/search", json.dumps({"label": "user1@example.org"}),
                       {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"})
    assert binary[0].status == 200 and asked[0].status == 200
    view = json.loads(asked[1])
    assert base64.b64decode(view["raw"]) == binary[1]
    assert view["device_set"]["devices"][0]["name"] == "phone" and view["version"] == 0
    assert server.ask("POST", "/v1/search", search(b"nobody@example.org"), BINARY)[0].status == 200  # absence has a proof
    # Full pages of the audit feed never change; the last one does.
    full = server.ask("GET", "/v1/audit?start=0&limit=1")[0]
    assert "immutable" in full.getheader("Cache-Control")
    rest = server.ask("GET", "/v1/audit?start=1&limit=200")[0]
    assert "immutable" not in rest.getheader("Cache-Control")
    return config


def check_relay(server):
    box = "/v1/relay/" + "A-_9" * 4
    ask = server.ask
    assert ask("GET", box)[1] == b"\0"
    assert ask("PUT", box, b"one", BINARY)[1] == b"\1"
    assert ask("PUT", box, b'{"two":2}', {"Content-Type": "application/json"})[1] == b"\2"
    both = b"\2\0\3one\0\x09" + b'{"two":2}'
    assert ask("GET", box)[1] == ask("GET", box + "?from=0")[1] == both
    assert ask("GET", box + "?from=1")[1] == b"\1" + both[6:]
    assert ask("GET", box + "?from=2")[1] == ask("GET", box + "?from=18446744073709551615")[1] == b"\0"
    view = json.loads(ask("GET", box, headers={"Accept": "application/json"})[1])
    assert [base64.b64decode(m) for m in view["messages"]] == [b"one", b'{"two":2}']
    view = json.loads(ask("PUT", box, b"3", dict(BINARY, Accept="application/json"))[1])
    assert view["messages"] == 3
    assert ask("GET", box)[0].getheader("Cache-Control") == "no-store"
    for name in ("x" * 15, "x" * 65, "x" * 4000, "x" * 15 + "%20", "x" * 15 + ".", "x" * 15 + "%00", "%2e%2e%2f" * 4,
                 "x" * 15 + "%c3%a9", "{mailbox}"):
        assert server.ask("GET", "/v1/relay/" + name)[0].status in (400, 404), name
        assert server.ask("PUT", "/v1/relay/" + name, b"x", BINARY)[0].status in (400, 404), name
    server.refused(422, "PUT", box, b"", BINARY)
    server.refused(413, "PUT", box, bytes(4097), BINARY)
    server.refused(413, "PUT", box, bytes((1 << 20) + 1), BINARY)
    server.refused(415, "PUT", box, b"x", {"Content-Type": "text/plain"})
    server.refused(400, "GET", box + "?from=-1")
    assert server.refused(405, "POST", box, b"x", BINARY)[0].getheader("Allow") == "GET, HEAD, PUT"
    for n in range(4, 17):
        assert ask("PUT", box, bytes(4096), BINARY)[1] == bytes([n])
    server.refused(409, "PUT", box, b"x", BINARY)
    statuses = [ask("PUT", f"/v1/relay/mailbox-number-{n}", b"x", BINARY)[0] for n in range(400)]
    slow = [s for s in statuses if s.status != 200]
    assert slow and {s.status for s in slow} == {429} and slow[0].getheader("Retry-After") == "1"
    server.alive()


def check_refusals(server):
    for path in POST:
        assert server.refused(405, "GET", path)[0].getheader("Allow") == "POST"
        server.refused(415, "POST", path, b"x", {"Content-Type": "text/plain"})
        server.refused(415, "POST", path, b"x", {"Content-Type": "multipart/form-data; boundary=x"})
        server.refused(400, "POST", path, b"", BINARY)
        server.refused(413, "POST", path, bytes((1 << 20) + 1), BINARY)
        head = b"POST %s HTTP/1.1\r\nHost: x\r\n" % path.encode()
        assert server.raw(head + b"Content-Type: application/octet-stream\r\nContent-Length: 99999999999\r\n\r\n") == 413
        assert server.raw(head + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n") == 415
    for path in POST[1:]:
        server.refused(415, "POST", path, b"{}", {"Content-Type": "application/json"})
    for path in GET:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert "GET" in server.refused(405, method, path)[0].getheader("Allow")
    for path in ("/", "/v1", "/v1/", "/v1/nothing", "/openapi.yml", "/v1/credentials", "/v1/relay", "/v1/relay/", "/v1/relay/a/b",
                 "/v1/config/../config", "/" + "a" * 4000):
        server.refused(404, "GET", path)
    for target in ("/%00", "/v1/config%00", "/v1/config%00/x", "/v1/config%01", "/v1/config%7f", "/v1/config?x%0a=1", "/v1/config?x=%00",
                   "/v1/audit?start=0%00x", "http://log/v1/config"):
        problem = server.refused(400, "GET", target)[1]
        assert problem["type"] == "urn:kt:problem:target", (target, problem)
    for query in ("", "?start=", "?start=-1", "?start=1x", "?start=0x1", "?start=18446744073709551616",
                  "?start=0&start=1", "?start=0&limit=0", "?start=0&limit=", "?start", "?Start=0"):
        server.refused(400, "GET", "/v1/audit" + query)
    server.refused(422, "GET", "/v1/audit?start=18446744073709551615")
    server.refused(422, "GET", "/v1/audit/state?size=18446744073709551615")
    for query in ("old=2&size=1", "old=0&size=1", "old=1&size=18446744073709551615"):
        server.refused(422, "GET", "/v1/log/consistency?" + query)
    # S1, S2, labels.
    server.refused(400, "POST", "/v1/search", search(b"a") + b"\0", BINARY)
    server.refused(400, "POST", "/v1/search", search(b"a", last=0), BINARY)
    server.refused(409, "POST", "/v1/search", search(b"a", last=1 << 40), BINARY)
    server.refused(422, "POST", "/v1/search", search(b"\xff\xfe"), BINARY)
    server.refused(422, "POST", "/v1/search", search(b""), BINARY)
    server.refused(422, "POST", "/v1/search", search(b"user1@example.org", version=4000000000), BINARY)
    as_json = {"Content-Type": "application/json"}
    for body in ("", "{", "[]", '{"label":"a","label":"b"}', '{"label":5}', '{"label":"a","version":-1}',
                 '{"label":"a","x":1}', "[" * 60000, b'{"label":"\xff"}'):
        server.refused(400, "POST", "/v1/search", body, as_json)
    server.alive()


def check_framing(server):
    head = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    body = search(b"user1@example.org")
    chunked = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    assert server.raw(head + chunked) == 400
    length = b"Content-Length: %d\r\n" % len(body)
    for fields in (length + b"Transfer-Encoding: chunked\r\n", length + b"Content-Length: 5\r\n",
                   b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n" + length,
                   b"Content-Length: +5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n"):
        status = server.raw(head + fields + b"Connection: close\r\n\r\n" + body)
        assert status is None or 400 <= status < 500, (fields, status)
    # Over the limit without having said so.
    big = b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(65536) + b"\r\n") * 17 + b"0\r\n\r\n"
    assert server.raw(head + big) in (400, None)
    for data in (b"", b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"\xff" * 100 + b"\r\n\r\n",
                 b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", head + b"Content-Length: 100\r\n\r\nshort",
                 b"GET /v1/config HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n"):
        server.raw(data)
    server.alive()


def check_garbage(server):
    dice = random.Random(20260818)
    seeds = [search(b"user1@example.org"), search(b"user1@example.org", 0, 1), b"\0\5alice\0\0", b"\0\0",
             b"\0\5alice" + bytes(8), b"\0\5alice\0" + bytes(8) + b"\0", update(b"alice", [b"value"])]
    for round_number in range(40):
        for path in POST:
            data = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            if round_number % 3 == 0:
                data = bytearray(dice.randbytes(dice.randrange(200)))
            elif round_number % 3 == 1:
                data = data[:dice.randrange(len(data) + 1)]
            status = server.ask("POST", path, bytes(data), {**BINARY, "Authorization": "Bearer " + "x" * 40})[0].status
            assert status < 500, (path, bytes(data).hex(), status)
    server.alive()


def check_updates(server, log_id):
    """An unsigned set over HTTP is refused (S14), and so is everything that is no device set."""
    value = device_set(log_id, b"eve@example.org", b"phone")
    _, problem = server.refused(403, "POST", "/v1/update", update(b"eve@example.org", [value]), BINARY)
    assert "token" not in problem["type"]
    status = server.ask("POST", "/v1/update", update(b"eve@example.org", [b"no device set"]), BINARY)[0].status
    assert 400 <= status < 500
    status = server.ask("POST", "/v1/update", update(b"eve@example.org", [value] * 200), BINARY)[0].status
    assert 400 <= status < 500
    server.refused(422, "POST", "/v1/update", update(b"\xff", [value]), BINARY)
    # Clients that leave at once, with updates under way.
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as s:
            body = update(b"eve@example.org", [value])
            s.sendall(b"POST /v1/update HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.alive()


def check_drain(server):
    """Requests that began before SIGTERM are answered."""
    answers = []

    def slow():
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as s:
            body = search(b"user2@example.org")
            s.sendall(b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body))
            time.sleep(0.7)
            s.sendall(body)
            answers.append(s.recv(20))

    threads = [threading.Thread(target=slow) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.stop()
    for thread in threads:
        thread.join()
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers) and len(answers) == 4, answers


def check_busy_port(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        said = verb("run", folder, "--listen", f"127.0.0.1:{s.getsockname()[1]}", code=3)
        assert "another program listens" in said, said
    for address in ("nowhere", "127.0.0.1", "127.0.0.1:99999", "::1:80", "unix:", "host.invalid:80"):
        verb("run", folder, "--listen", address, code=2)


def check_unix_and_reload(folder):
    path = os.path.join(folder, "kt-server.yaml")
    process = subprocess.Popen([SERVER, "run", folder, "--listen", "unix:http.sock"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert "unix:" in process.stdout.readline()
    with open(path, encoding="utf-8") as f:
        good = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(good.replace("access-log: off", "access-log: all"))
    process.stderr.readline()
    assert "administration trail" in process.stderr.readline()
    if os.geteuid() == 0:
        assert "served by root" in process.stderr.readline()
    process.send_signal(signal.SIGHUP)
    assert "reloaded access-log" in process.stderr.readline()
    with open(path, "w", encoding="utf-8") as f:
        f.write("nonsense: 1\n")
    process.send_signal(signal.SIGHUP)
    assert "old settings stay" in process.stderr.readline()
    with open(path, "w", encoding="utf-8") as f:
        f.write(good)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(folder, "http.sock"))
        body = search(b"user3@example.org")
        s.sendall(b"POST /v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/octet-stream"
                  b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert s.recv(12) == b"HTTP/1.1 200"
    line = process.stderr.readline()
    assert "route=/v1/search status=200 " in line and "user3" not in line, line
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert not os.path.exists(os.path.join(folder, "http.sock"))
    process.stdout.close()
    process.stderr.close()


def check_restored_backup(folder, where):
    """A database behind its guard signs nothing: exit 1, with the reason."""
    copy = os.path.join(where, "restored")
    shutil.copytree(folder, copy)
    verb("update-label", copy, "later@example.org", os.path.join(where, "one.json"))
    for name in os.listdir(copy):
        if name.startswith("log.db"):
            os.remove(os.path.join(copy, name))
    shutil.copy(os.path.join(folder, "log.db"), copy)
    for args in (("run", copy, "--listen", "127.0.0.1:0"), ("status", copy), ("token", copy)):
        said = verb(*args, code=1)
        assert "old copy" in said, said


def check_shared_guard(folder, where):
    """Two copies of a log with one guard, both up to date: what the first one signs, the other never contradicts."""
    copies = [os.path.join(where, name) for name in ("first", "second")]
    shutil.copy(os.path.join(folder, "head-guard"), os.path.join(where, "guard"))
    for copy in copies:
        shutil.copytree(folder, copy)
        settings = os.path.join(copy, "kt-server.yaml")
        with open(settings, encoding="utf-8") as f:
            text = f.read()
        with open(settings, "w", encoding="utf-8") as f:
            f.write(text.replace("head-guard: head-guard", "head-guard: " + os.path.join(where, "guard")))
    one = os.path.join(where, "one.json")
    second = Server(copies[1])
    verb("update-label", copies[0], "shared@example.org", one)
    verb("update-label", copies[1], "shared@example.org", one, code=3)
    _, said = second.process.communicate(timeout=30)
    assert second.process.returncode == 3 and "another one signs with the same guard" in said, said
    assert "differs from the head" in verb("status", copies[1], code=1)
    assert "no damage" in verb("fsck", copies[0])
    # A flipped bit in one copy of the guard is said, and repaired with the next entry.
    with open(os.path.join(where, "guard"), "r+b") as f:
        whole = bytearray(f.read())
        whole[20] ^= 1
        f.seek(0)
        f.write(whole)
    assert "written anew" in verb("update-label", copies[0], "shared2@example.org", one)
    assert "written anew" not in verb("update-label", copies[0], "shared3@example.org", one)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-e2e-") as where:
        folder = os.path.join(where, "log")
        check_init(folder)
        check_verbs(folder)
        check_json(folder, where)
        check_open_files(folder)
        check_config_errors(folder)
        check_import(folder, where)
        server = Server(folder)
        try:
            check_running(folder, where, server)
            check_given_up(folder, where, server)
            config = check_answers(server)
            check_refusals(server)
            check_relay(server)
            check_framing(server)
            check_garbage(server)
            check_updates(server, log_id_of(config))
            check_drain(server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
        check_busy_port(folder)
        check_unix_and_reload(folder)
        check_restored_backup(folder, where)
        check_shared_guard(folder, where)
        # A stopped folder can be copied.
        shutil.copytree(folder, folder + "-copy")
        assert "no damage" in verb("fsck", folder + "-copy")
    print("server_http: all checks passed")


if __name__ == "__main__":
    main()
