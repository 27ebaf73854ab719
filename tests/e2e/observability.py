# SPDX-License-Identifier: Apache-2.0
"""What operators see: metrics in Prometheus' format and by its conventions, one line per request with the id that the client
has, liveness and readiness; and nothing of what people looked up in any of it.

Called with the build folder; KT_SERVER names the program. promtool checks the metrics too when it is installed."""

import hashlib
import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from lib_programs import SERVER, check, find_tool, server_verb
from lib_server import RunningServer, change_settings, search_body

LABEL = "very.private.person@example.org"
BINARY = {"Content-Type": "application/octet-stream"}
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? (\S+)')
LOG_LINE = re.compile(r'(?:[a-z_]+=\S+ )*[a-z_]+=\S+')


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def post(server, path, body, headers=BINARY):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def family_of(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def parse(text):
    """The samples; every rule of the format and of the naming conventions that promtool knows is checked on the way."""
    types, helps, samples, family = {}, {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, family, said = line.split(" ", 3)
            check_quietly(family not in helps and said.endswith("."), "one HELP", line)
            helps[family] = said
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            check_quietly(name == family and kind in ("gauge", "counter", "histogram"), "TYPE after HELP", line)
            types[name] = kind
        else:
            found = SAMPLE.fullmatch(line)
            check_quietly(found and family_of(found[1], types) == family, "a sample of the family above", line)
            check_quietly((found[1], found[2]) not in samples, "no sample twice", line)
            samples[(found[1], found[2])] = float(found[3])
    for name, kind in types.items():
        check_quietly((kind == "counter") == name.endswith("_total"), "counters, and only they, end with _total", name)
        check_quietly(not re.search(r"_(ms|us|milliseconds|kib|mib|count|sum)$", name), "base units", name)
        check_quietly(NAME.fullmatch(name) and name == name.lower(), "a name", name)
    return types, samples


def check_quietly(condition, *details):
    if not condition:
        check(False, *details)


def check_histogram(samples, name, purpose):
    buckets = [(labels, value) for (n, labels), value in samples.items()
               if n == name + "_bucket" and f'purpose="{purpose}"' in labels]
    values = [value for _, value in buckets]
    check_quietly(values == sorted(values) and 'le="+Inf"' in buckets[-1][0], "buckets are cumulative", buckets)
    check_quietly(values[-1] == samples[(name + "_count", f'purpose="{purpose}"')], "and +Inf is all", buckets)
    return values[-1]


def metrics_text(server):
    status, headers, text = get(server.health, "/metrics")
    check_quietly(status == 200 and "version=0.0.4" in headers["Content-Type"], "metrics", status)
    check_quietly("(null)" not in str(text), "every label has a value")
    return text


def metrics_after(server, n_asked):
    """The metrics once n_asked requests of the log are counted: that happens when a request is over for the server, which may
    be a moment after its client has the answer."""
    deadline = time.monotonic() + 20
    while True:
        text = metrics_text(server)
        types, samples = parse(text)
        n_counted = sum(value for (name, _), value in samples.items() if name == "kt_http_requests_total")
        if n_counted >= n_asked or time.monotonic() > deadline:
            return text, types, samples
        time.sleep(0.05)


def check_metrics(server):
    for _ in range(5):
        check_quietly(post(server, "/v1/search", search_body(LABEL.encode()))[0].status == 200, "a search")
    post(server, "/v1/search", b"garbage")
    post(server, "/v1/" + LABEL, b"")
    text, types, samples = metrics_after(server, 7)
    check(len(types) >= 25, "metrics follow the format and the naming conventions", len(types))
    route = 'method="POST",route="/v1/search",code='
    check(samples[("kt_http_requests_total", route + '"2xx"')] == 5, "requests are counted by route and status class")
    check(samples[("kt_http_requests_total", route + '"4xx"')] == 1, "refusals too")
    check(samples[("kt_http_requests_total", 'method="any",route="none",code="4xx"')] == 1, "an unknown path has no name")
    check(check_histogram(samples, "kt_http_request_duration_seconds", "search") == 5, "and timed")
    for name in ("kt_tree_size", "kt_head_timestamp_seconds", "kt_database_size_bytes", "kt_disk_free_bytes",
                 "kt_guard_disk_free_bytes", "process_resident_memory_bytes", "process_open_fds",
                 "process_cpu_seconds_total"):
        check_quietly(samples[(name, None)] > 0, "a number", name)
    check(samples[("kt_ready", None)] == 1 and samples[("kt_signing", None)] == 1, "the log is ready and signs")
    check("private" not in text and "127.0.0.1" not in text, "no person and no address in the metrics")
    again = parse(metrics_text(server))[1]
    lower = [key for key in samples if types[family_of(key[0], types)] == "counter" and again[key] < samples[key]]
    check(not lower, "counters only grow", lower)
    if find_tool("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        check(done.returncode == 0 and not done.stderr, "promtool has nothing to say", done.stdout, done.stderr)


def check_log(server):
    """Each answer has an id, and the line with that id says what the client saw."""
    answer, content = post(server, "/v1/search", search_body(LABEL.encode())[:-3])
    problem = json.loads(content)
    identity = answer.getheader("X-Request-Id")
    post(server, "/v1/owner/init?" + LABEL, LABEL.encode())
    server.stop()
    lines = [line.strip() for line in server.said if "event=request" in line]
    check(len(lines) >= 9 and all(LOG_LINE.fullmatch(line) for line in lines), "one line of key=value pairs per request", lines)
    mine = [dict(pair.split("=", 1) for pair in line.split()) for line in lines if f"request_id={identity} " in line]
    check(len(mine) == 1 and problem["request_id"] == identity, "the client's request id finds its line", mine)
    check(mine[0]["status"] == str(answer.status) and problem["type"].endswith(":" + mine[0]["problem"])
          and mine[0]["route"] == "/v1/search", "which tells the same story", mine[0], problem)
    check(not any("private" in line for line in server.said), "no label is in the log")


def check_readiness(folder):
    change_settings(folder, "  disk: 1000000GiB\n")
    server = RunningServer(folder)
    status, _, text = get(server.health, "/readyz")
    check(status == 503 and json.loads(text)["type"] == "urn:kt:problem:disk-full", "too little room: not ready, with the reason")
    check(parse(metrics_text(server))[1][("kt_ready", None)] == 0, "and the metrics say so")
    check(get(server.health, "/livez")[0] == 200, "but alive")
    check(post(server, "/v1/search", search_body(LABEL.encode()))[0].status == 200, "and searches go on")
    server.stop()


def check_trail(folder):
    """What operators did, in order, by whom, chained as Python's hashlib computes it, and without anybody's name."""
    one = folder + ".json"
    with open(one, "w", encoding="utf-8") as file:
        json.dump({"devices": [{"name": "phone", "keys": [{"alg": "raw", "key": "QUJD"}]}]}, file)
    server = RunningServer(folder)
    server_verb("update-label", folder, LABEL, one)
    token = server_verb("token", folder).strip()
    server.reload()
    server_verb("status", folder)
    server.stop()
    server_verb("update-label", folder, LABEL, one)
    view = json.loads(server_verb("trail", folder, "--json"))
    told = [record["action"] for record in view["records"]]
    check(told[-6:-1] == ["start", told[-5], "token", "reload", "stop"] and told[-1] == told[-5],
          "every action is on record, questions are not", told)
    check({record["uid"] for record in view["records"]} == {os.getuid()}, "with who asked")
    with open(os.path.join(folder, "admin-trail"), "rb") as file:
        content = file.read()
    check(b"private" not in content and token.encode() not in content, "no label and no token is in it")
    previous = "0" * 64
    for line in content.splitlines():
        body, found = line.rsplit(b',"hash":"', 1)
        digest = hashlib.sha256(b"kt-admin-trail/1\n" + body).hexdigest()
        check_quietly(found == digest.encode() + b'"}' and json.loads(line)["prev"] == previous, "the chain", line)
        previous = digest
    check(view["last"] == {"seq": len(told), "hash": previous}, "the chain is as formats.md says")
    said = re.search(rf"{len(told) + 1} lines, the last one's hash is ([0-9a-f]{{64}})", "".join(run_once(folder).said))
    with open(os.path.join(folder, "admin-trail"), encoding="ascii") as file:
        started = json.loads(file.readlines()[len(told)])
    check(said and said[1] == started["hash"] and started["prev"] == previous, "and its end is said at the start", said)
    with open(os.path.join(folder, "admin-trail"), "wb") as file:
        file.write(content.replace(b'"token"', b'"nekot"', 1))
    done = subprocess.run([SERVER, "trail", folder, "--json"], capture_output=True, text=True, timeout=60)
    view = json.loads(done.stdout)
    check(done.returncode == 1 and view["verdict"] == "failed" and "admin-trail: line" in view["reason"]["text"],
          "a changed line is found, with its number", done)


def run_once(folder):
    server = RunningServer(folder)
    server.stop()
    return server


def main():
    with tempfile.TemporaryDirectory(prefix="kt-observability-") as where:
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        server = RunningServer(folder, "access-log: all\n")
        check(get(server.health, "/livez")[0] == 200 and get(server.health, "/readyz")[0] == 200, "alive and ready")
        check_metrics(server)
        check_log(server)
        check_readiness(folder)
        check_trail(folder)


main()
