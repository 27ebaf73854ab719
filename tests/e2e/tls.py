# SPDX-License-Identifier: Apache-2.0
"""TLS by the server itself, and by nginx in front of a Unix socket as docs/examples/nginx.conf does it.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs. Without nginx that part says so and is left out."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import warnings

from lib_programs import SERVER, Person, check, find_tool, random_key, server_verb
from lib_server import RunningServer, search_body

warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
HERE = os.path.dirname(os.path.abspath(__file__))
TLS = os.path.join(HERE, "tls")
ADDRESS = "X-Test-Address"
NGINX_CONF = os.path.join(HERE, "..", "..", "docs", "examples", "nginx.conf")


def use(folder, name):
    for end, mode in ((".pem", 0o644), (".key", 0o600)):
        target = os.path.join(folder, "tls" + end)
        shutil.copy(os.path.join(TLS, name + end), target)
        os.chmod(target, mode)


def shown_certificate(port, version=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain) as secure:
            return secure.getpeercert(binary_form=True), secure.version(), secure


def certificate_of(name):
    with open(os.path.join(TLS, name + ".pem"), encoding="ascii") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def talk(person, url, config, ca_file):
    person.text("init", url, "--config", config, "--ca-file", ca_file)
    person.text("account", "create", "alice", "--ca-file", ca_file)
    person.text("device", "add", "alice", "--name", "phone", "--key", random_key(), "--ca-file", ca_file)
    person.text("monitor", "once", "--ca-file", ca_file)


def check_own(where, folder, config):
    use(folder, "first")
    server = RunningServer(folder, "tls-certificate: tls.pem\ntls-key: tls.key\n")
    check(server.url.startswith("https://127.0.0.1:"), "the server says that it speaks https", server.url)
    first = os.path.join(TLS, "first.pem")
    talk(Person(os.path.join(where, "home")), server.url, config, first)
    check(True, "kt-verify talks to it with --ca-file")
    stranger = Person(os.path.join(where, "stranger")).run("init", server.url, "--config", config)
    check(stranger.returncode == 3 and "certificate" in stranger.stderr, "and not to a certificate it does not know", stranger)
    der, version, _ = shown_certificate(server.port)
    check(der == certificate_of("first") and version == "TLSv1.3", "TLS 1.3", version)
    check(shown_certificate(server.port, ssl.TLSVersion.TLSv1_2)[1] == "TLSv1.2", "and 1.2")
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            shown_certificate(server.port, old)
            check(False, "nothing older", old)
        except (ssl.SSLError, OSError):
            pass
    check(True, "nothing older")
    check_reload(folder, server)
    server.stop()
    check_refusals(folder)


def wait_for_word(server, word, n=1):
    """In n lines of its messages."""
    for _ in range(100):
        if sum(word in line for line in server.said) >= n:
            return True
        time.sleep(0.05)
    return False


def shows(server, name):
    """New connections get this certificate, soon."""
    for _ in range(100):
        if shown_certificate(server.port)[0] == certificate_of(name):
            return True
        time.sleep(0.05)
    return False


def mix(folder, certificate, key):
    """The certificate of one pair and the key of another."""
    use(folder, key)
    shutil.copy(os.path.join(TLS, certificate + ".pem"), os.path.join(folder, "tls.pem"))


def check_reload(folder, server):
    context = ssl.create_default_context(cafile=os.path.join(TLS, "first.pem"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as kept:
            use(folder, "second")
            server.reload()
            check(wait_for_word(server, "reloaded"), "SIGHUP reloads")
            check(shown_certificate(server.port)[0] == certificate_of("second"), "new connections see the new certificate")
            body = search_body(b"alice")
            kept.sendall(b"POST /v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/octet-stream"
                         b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            check(kept.recv(12) == b"HTTP/1.1 200", "an open connection goes on")
    use(folder, "ed25519")
    server.reload()
    check(shows(server, "ed25519"), "as well with an Ed25519 key")
    for n, (certificate, key) in enumerate((("first", "second"), ("ed25519", "ed25519-other"), ("ed25519", "first")), 1):
        mix(folder, certificate, key)
        server.reload()
        check(wait_for_word(server, "the old certificate stays", n), f"{certificate} with the key of {key} is refused")
        check(shows(server, "ed25519"), "and the old ones stay")


def check_refusals(folder):
    def refused(word):
        done = subprocess.run([SERVER, "run", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
        check(done.returncode == 2 and word in done.stderr, f"refused at the start: {word}", done)

    for certificate, key in (("first", "second"), ("ed25519", "ed25519-other")):
        mix(folder, certificate, key)
        refused("is not the key of")
    use(folder, "first")
    os.chmod(os.path.join(folder, "tls.key"), 0o644)
    refused("0600")
    os.remove(os.path.join(folder, "tls.key"))
    refused("No such file")


def nginx_settings(where, folder, port):
    """The example, with its paths and its port replaced by ours."""
    with open(NGINX_CONF, encoding="utf-8") as file:
        text = file.read()
    for pattern, ours in ((r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"), (r"listen \[::\]:443 ssl;", ""),
                          (r"/etc/ssl/certs/kt\.pem", os.path.join(TLS, "first.pem")),
                          (r"/etc/ssl/private/kt\.key", os.path.join(where, "nginx.key")),
                          (r"server unix:/run/kt-server/http\.sock", f"server unix:{folder}/http.sock")):
        text, n = re.subn(pattern, ours, text)
        check(n == 1, f"the example has {pattern}")
    path = os.path.join(where, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        temporary = "".join(f"{kind}_temp_path {where}/nginx-{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write(f"pid {where}/nginx.pid;\nerror_log stderr;\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n"
                   f"set_real_ip_from 127.0.0.1;\nreal_ip_header {ADDRESS};\n"
                   f"{temporary}{text}\n}}\n")
    return path


def check_networks(port):
    """nginx counts a network's addresses as one. A header gives the address here."""
    # The certificate is kt-verify's business, above.
    context = ssl._create_unverified_context()  # pylint: disable=protected-access
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)

    def update_from(address):
        connection.request("POST", "/v1/update", body=b"x", headers={"Content-Type": "application/octet-stream", ADDRESS: address})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    # 200 at once and 20 each second are permitted.
    told = [update_from(f"2001:db8:0:1::{i:x}") for i in range(1, 301)]
    check(told[0] != 429 and 429 in told, "the addresses of one network share its limit", told)
    check(update_from("2001:db8:0:2::1") != 429 and update_from("192.0.2.1") != 429, "others have their own")
    told = [update_from(f"198.51.100.{i % 250}") for i in range(300)]
    check(429 not in told, "addresses of IPv4 are each for themselves", told)
    connection.close()


def check_nginx(where, folder, config):
    program = find_tool("nginx")
    if program is None:
        return
    shutil.copy(os.path.join(TLS, "first.key"), os.path.join(where, "nginx.key"))
    os.chmod(where, 0o755)  # nginx's workers have another user
    os.chmod(folder, 0o755)
    server = RunningServer(folder, args=("--listen", "unix:http.sock"))
    os.chmod(os.path.join(folder, "http.sock"), 0o666)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    nginx = subprocess.Popen([program, "-c", nginx_settings(where, folder, port), "-p", where], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                check(nginx.poll() is None, "nginx takes the example", nginx.poll() and nginx.stderr.read())
                time.sleep(0.05)
        talk(Person(os.path.join(where, "behind")), f"https://127.0.0.1:{port}", config, os.path.join(TLS, "first.pem"))
        check(True, "kt-verify talks to the log through nginx, as in docs/examples/nginx.conf")
        check_networks(port)
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait(timeout=30)
        nginx.stderr.close()
    server.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="kt-tls-") as where:
        plain, folder = os.path.join(where, "plain"), os.path.join(where, "log")
        config = os.path.join(where, "config.bin")
        for one in (plain, folder):
            server_verb("init", one)
        server_verb("config", folder, "-o", config)
        check_own(where, folder, config)
        server_verb("config", plain, "-o", config)
        check_nginx(where, plain, config)


main()
