# SPDX-License-Identifier: Apache-2.0
"""Access tokens: off by default; with `access: token` nobody gets anything without one, scopes are kept apart, refusals say
nothing about who exists, and a token that was revoked is worth nothing at once.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs."""

import http.client
import json
import os
import re
import tempfile

from lib_programs import Person, check, random_key, server_verb
from lib_server import RunningServer, change_settings, search_body

BINARY = {"Content-Type": "application/octet-stream"}
KNOWN, UNKNOWN = b"alice@example.org", b"nobody@example.org"
MONITOR = b"\0" + bytes([len(KNOWN)]) + KNOWN + bytes(8)


def ask(port, method, path, body=None, token=None, header="KT-Access-Token"):
    headers = dict(BINARY) if body is not None else {}
    if token is not None:
        headers[header] = ("Bearer " if header == "Authorization" else "") + token
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def status(server, *args, **kwargs):
    return ask(server.port, *args, **kwargs)[0].status


def create(folder, scopes):
    made = json.loads(server_verb("access-create", folder, scopes, "--json"))
    check(re.fullmatch(rf"kta_{made['id']}_[0-9a-f]{{64}}", made["token"]), f"a token for {scopes}")
    return made


def shape(answer, content):
    """A refusal without what differs between any two answers."""
    headers = sorted((name, value) for name, value in answer.getheaders() if name not in ("Date", "X-Request-Id"))
    problem = json.loads(content)
    problem.pop("request_id")
    return answer.status, headers, problem


def check_scopes(server, tokens):
    requests = {"search": ("POST", "/v1/search", search_body(KNOWN)), "audit": ("GET", "/v1/audit?start=0", None),
                "head": ("GET", "/v1/tree-head", None), "monitor": ("POST", "/v1/owner/init", MONITOR),
                "update": ("POST", "/v1/update", b"garbage")}
    permitted = {"search": {"search", "audit", "head", "monitor"}, "update": {"update", "monitor"}, "admin": set(),
                 "search,update": set(requests)}
    for scopes, token in tokens.items():
        for name, (method, path, body) in requests.items():
            answer, content = ask(server.port, method, path, body, token["token"])
            refused = answer.status == 403 and json.loads(content)["type"] == "urn:kt:problem:scope"
            check(refused == (name not in permitted[scopes]), f"scope {scopes}: {name} is "
                  + ("permitted" if name in permitted[scopes] else "forbidden"), answer.status, content[:200])
    for method, path, body in requests.values():
        answer, content = ask(server.port, method, path, body)
        problem = json.loads(content)
        check(answer.status == 401 and answer.getheader("WWW-Authenticate") and problem["status"] == 401
              and problem["request_id"] == answer.getheader("X-Request-Id"), f"{path}: 401 without a token", answer.status)
    check(status(server, "GET", "/v1/config") == 200, "the configuration is public")
    good = tokens["search"]["token"]
    check(status(server, "POST", "/v1/search", search_body(KNOWN), good, "Authorization") == 200, "also as a bearer token")
    wrong = (good[:-1] + ("0" if good[-1] != "0" else "1"), good + "0", good[:-1], "kta_", "", "x" * 5000, good.upper(),
             tokens["update"]["token"][:13] + good[13:])
    refused = {status(server, "POST", "/v1/search", search_body(KNOWN), token) for token in wrong}
    check(refused <= {401, 431, 413}, "what is nearly a token is none", refused)


def check_no_oracle(server, tokens):
    """S3: a refusal is the same whether the label exists or not, and even when the body is nonsense."""
    for token in (None, tokens["update"]["token"], "kta_" + "0" * 8 + "_" + "0" * 64):
        seen = [shape(*ask(server.port, "POST", "/v1/search", body, token))
                for body in (search_body(KNOWN), search_body(UNKNOWN), b"", b"nonsense")]
        check(all(one == seen[0] for one in seen) and seen[0][0] in (401, 403), "S3: forbidden says nothing about who exists",
              seen)


def check_metrics(server, tokens):
    check(ask(server.health, "GET", "/livez")[0].status == 200 and ask(server.health, "GET", "/readyz")[0].status == 200,
          "health needs no token")
    check(ask(server.health, "GET", "/metrics")[0].status == 401, "metrics do")
    check(ask(server.health, "GET", "/metrics", token=tokens["search"]["token"])[0].status == 403, "of scope admin")
    check(ask(server.health, "GET", "/metrics", token=tokens["admin"]["token"], header="Authorization")[0].status == 200,
          "and Prometheus can show it")


def check_client(where, folder, server, tokens):
    config = os.path.join(where, "config.bin")
    server_verb("config", folder, "-o", config)
    token_file = os.path.join(where, "token")
    with open(token_file, "w", encoding="ascii") as file:
        file.write(tokens["search,update"]["token"] + "\n")
    os.chmod(token_file, 0o600)
    person = Person(os.path.join(where, "home"))
    person.text("init", server.url, "--config", config, expect=3)
    person.text("init", server.url, "--config", config, "--access-token-file", token_file)
    bare = person.run("lookup", KNOWN.decode(), "--allow-unsigned")
    check(bare.returncode == 3 and "access token" in bare.stderr, "kt-verify says that the log wants a token", bare)
    with_token = ("--access-token-file", token_file)
    person.text("lookup", KNOWN.decode(), "--allow-unsigned", *with_token)
    person.text("account", "create", "carol", *with_token)
    person.text("device", "add", "carol", "--name", "phone", "--key", random_key(), *with_token)
    person.text("monitor", "once", *with_token)
    registration = server_verb("token", folder).strip()
    server.stop()
    change_settings(folder, "registration: token\n")
    server = RunningServer(folder, args=("--listen", f"127.0.0.1:{server.port}"))
    other = Person(os.path.join(where, "other"))
    other.text("init", server.url, "--config", config, *with_token)
    other.text("account", "create", "dave", *with_token)
    other.text("device", "add", "dave", "--name", "phone", "--key", random_key(), *with_token, expect=2)
    other.text("device", "add", "dave", "--name", "phone", "--key", random_key(), "--token", registration, *with_token)
    check(True, "an access token and a registration token go together")
    os.chmod(token_file, 0o644)
    loose = person.run("lookup", KNOWN.decode(), *with_token)
    check(loose.returncode == 2 and "0600" in loose.stderr, "a token file that others can read is refused", loose)
    return server


def check_revoked(folder, server, tokens):
    listed = json.loads(server_verb("access-list", folder, "--json"))["tokens"]
    check(sorted(token["scopes"] for token in listed) == sorted(tokens), "tokens are listed", listed)
    with open(os.path.join(folder, "access-tokens"), encoding="ascii") as file:
        content = file.read()
    check(os.stat(file.name).st_mode & 0o777 == 0o600
          and not any(token["token"][13:] in content for token in tokens.values()), "the folder holds hashes only")
    good = tokens["search"]
    check(status(server, "POST", "/v1/search", search_body(KNOWN), good["token"]) == 200, "a token is good")
    server_verb("access-revoke", folder, good["id"])
    check(status(server, "POST", "/v1/search", search_body(KNOWN), good["token"]) == 401, "and worth nothing once revoked")
    server.stop()
    server_verb("access-revoke", folder, tokens["update"]["id"])
    again = RunningServer(folder)
    check(status(again, "POST", "/v1/search", search_body(KNOWN), good["token"]) == 401, "also after a start")
    check(status(again, "POST", "/v1/update", b"x", tokens["update"]["token"]) == 401, "also when the log stood still")
    check(status(again, "POST", "/v1/search", search_body(KNOWN), tokens["search,update"]["token"]) == 200, "others stay")
    again.stop()
    told = [record["action"] for record in json.loads(server_verb("trail", folder, "--json"))["records"]]
    check(told.count("access-create") == 4 and told.count("access-revoke") == 2, "all of it is on record", told)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-access-") as where:
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        one = os.path.join(where, "one.json")
        with open(one, "w", encoding="utf-8") as file:
            json.dump({"devices": [{"name": "phone", "keys": [{"alg": "raw", "key": "QUJD"}]}]}, file)
        server_verb("update-label", folder, KNOWN.decode(), one)
        server = RunningServer(folder)
        check(status(server, "POST", "/v1/search", search_body(KNOWN)) == 200, "off by default")
        server.stop()
        tokens = {"search": create(folder, "search")}
        server = RunningServer(folder, "access: token\n")
        for scopes in ("update", "admin", "search,update"):
            tokens[scopes] = create(folder, scopes)
        check_scopes(server, tokens)
        check_no_oracle(server, tokens)
        check_metrics(server, tokens)
        server = check_client(where, folder, server, tokens)
        check_revoked(folder, server, tokens)


main()
