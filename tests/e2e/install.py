# SPDX-License-Identifier: Apache-2.0
"""`cmake --install` into an empty prefix, and an app that has nothing but that prefix: headers as C and C++, exported
symbols, the example messenger built with the CMake package and with pkg-config, and played against a real log.

Called with the build folder; KT_SERVER names the program."""

import glob
import os
import re
import subprocess
import sys
import tempfile

from lib_people import new_log
from lib_programs import check

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX = 300
FUNCTION_MAX = 60


def run(*args, expect=0, env=None, cwd=None):
    result = subprocess.run(args, capture_output=True, text=True, timeout=120, env=env, cwd=cwd)
    if result.returncode != expect:
        sys.exit(f"{args}: {result.returncode}, expected {expect}\n{result.stdout}{result.stderr}")
    return result.stdout


def cache(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(rf"^{name}:\w+=(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else ""


class Prefix:
    def __init__(self, folder):
        self.folder = folder
        self.lib = os.path.join(folder, cache("CMAKE_INSTALL_LIBDIR"))
        self.include = os.path.join(folder, "include")
        self.compiler = cache("CMAKE_C_COMPILER")
        sanitize = cache("KT_SANITIZE")
        self.flags = [f"-fsanitize={sanitize}"] if sanitize else []
        run("cmake", "--install", BUILD, "--prefix", folder)

    def has(self, *path):
        return os.path.exists(os.path.join(self.folder, *path))

    def env(self):
        return {**os.environ, "PKG_CONFIG_PATH": os.path.join(self.lib, "pkgconfig"), "LD_LIBRARY_PATH": self.lib}


def test_what_is_there(prefix):
    for path in ("bin/kt-server", "bin/kt-verify", "share/doc/kt/openapi.yaml", "lib/systemd/system/kt-server.service",
                 "lib/systemd/user/kt-verify-monitor.timer", "lib/sysusers.d/kt-server.conf", "share/kt/hooks/mail",
                 "share/doc/kt/examples/messenger/messenger.c", "share/doc/kt/embedding.md"):
        check(prefix.has(path), f"installed: {path}")
    for section in ("1", "5") if not cache("KT_SCDOC").endswith("NOTFOUND") else ():
        sources = glob.glob(f"{SOURCE}/docs/man/*.{section}.scd")
        pages = sorted(os.listdir(f"{prefix.folder}/share/man/man{section}"))
        check(pages == sorted(os.path.basename(path)[:-4] for path in sources), "installed: man pages", pages)
    for path in ("bash-completion/completions/kt-verify", "zsh/site-functions/_kt-verify",
                 "fish/vendor_completions.d/kt-verify.fish"):
        check(prefix.has("share", path) == (cache("KT_COMPLETIONS") == "ON"), f"completions: {path}")
    archives = sorted(os.path.basename(path) for path in glob.glob(prefix.lib + "/*.a"))
    check(archives == ["libkt.a"], "installed: libkt.a and no other archive", archives)
    installed = sorted(os.listdir(prefix.include + "/kt"))
    check(installed == sorted(os.listdir(SOURCE + "/lib/include/kt")), "installed: the public headers, all of them")
    version = run(os.path.join(prefix.folder, "bin/kt-verify"), "version")
    check(cache("CMAKE_PROJECT_VERSION") in version, "installed programs run", version)
    for unit in glob.glob(prefix.folder + "/lib/systemd/*/*"):
        with open(unit, encoding="utf-8") as file:
            check(not re.search(r"@[A-Z_]+@", file.read()), f"filled in: {os.path.basename(unit)}")


def test_headers(prefix, work):
    """Each header alone, as C11 and as C++17, with every warning an error."""
    languages = (("c", "c11"), ("c++", "c++17"))
    for header in sorted(os.listdir(prefix.include + "/kt")):
        source = os.path.join(work, "header.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(f"#include <kt/{header}>\nstruct kt_nothing;\n")
        for language, standard in languages:
            run(prefix.compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                "-fsyntax-only", "-I", prefix.include, source)
    check(True, "every header compiles alone as C11 and as C++17")


def declared(include):
    """Functions that the public headers declare."""
    names = set()
    for path in glob.glob(include + "/kt/*.h"):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
        check("KT_API_BEGIN" in text and "KT_API_END" in text, f"marked as public: {os.path.basename(path)}")
        names.update(re.findall(r"^[a-zA-Z_][\w \t*]*?\b(kt_\w+)\(", text, re.MULTILINE))
    return names


def test_symbols(prefix):
    """The shared library exports what the headers declare; the archive takes no name outside kt_."""
    public = declared(prefix.include)
    check(len(public) > 100, "the headers declare functions", len(public))
    for library, options in ((prefix.lib + "/libkt.so", ["-D"]), (prefix.lib + "/libkt.a", [])):
        if not os.path.exists(library):
            check(cache("KT_SHARED") == "OFF", "no shared library only when it was not wanted")
            continue
        listing = run("nm", *options, "--defined-only", "--extern-only", library)
        symbols = {line.split()[2] for line in listing.splitlines() if len(line.split()) == 3}
        symbols = {name for name in symbols if not name.startswith(("__asan", "__odr_asan", "__ubsan", "_init", "_fini"))}
        strangers = sorted(name for name in symbols if not name.startswith("kt_"))
        check(not strangers, f"{os.path.basename(library)}: every symbol begins with kt_", strangers)
        check(public <= symbols, f"{os.path.basename(library)}: has every public function", sorted(public - symbols))
        if options:
            check(symbols <= public, "libkt.so: exports nothing else", sorted(symbols - public))


def test_example_is_short():
    with open(SOURCE + "/docs/examples/messenger/messenger.c", encoding="utf-8") as file:
        lines = file.read().split("\n")
    check(len(lines) - 1 < LINES_MAX, f"the example has under {LINES_MAX} lines", len(lines) - 1)
    starts = [i for i, line in enumerate(lines) if line == "{"]
    longest = max(lines.index("}", start) - start for start in starts)
    check(longest < FUNCTION_MAX, f"its functions have under {FUNCTION_MAX} lines", longest)


def build_with_cmake(prefix, work, name, *options):
    folder = os.path.join(work, name)
    run("cmake", "-S", os.path.join(prefix.folder, "share/doc/kt/examples/messenger"), "-B", folder,
        f"-DCMAKE_PREFIX_PATH={prefix.folder}", f"-DCMAKE_C_COMPILER={prefix.compiler}",
        f"-DCMAKE_C_FLAGS={' '.join(['-Wall', '-Wextra', '-Werror', *prefix.flags])}", *options)
    run("cmake", "--build", folder)
    return os.path.join(folder, "messenger")


def build_with_pkg_config(prefix, work):
    program = os.path.join(work, "messenger-pkg-config")
    flags = run("pkg-config", "--cflags", "--libs", "kt", "libcurl", env=prefix.env()).split()
    run(prefix.compiler, "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", *prefix.flags,
        os.path.join(SOURCE, "docs/examples/messenger/messenger.c"), *flags, "-o", program)
    return program


class Messenger:
    """One person's app."""

    def __init__(self, prefix, program, work, log, config, label):
        self.prefix, self.program, self.label = prefix, program, label
        self.home = os.path.join(work, label)
        os.mkdir(self.home, 0o700)
        self.args = [log.url, config, self.home, label]

    def run(self, *args, expect=0):
        return run(self.program, *self.args, *args, expect=expect, env=self.prefix.env())

    def files(self):
        contents = {}
        for name in sorted(os.listdir(self.home)):
            with open(os.path.join(self.home, name), "rb") as file:
                contents[name] = file.read()
        return contents


def digits(said):
    return re.search(r"compare:\n((?:[0-9]{5}[ \n]){12})", said).group(1)


def cut_seed(messenger):
    """The first part of the file is the seed: its length in eight bytes, 32 bytes."""
    path = os.path.join(messenger.home, "account")
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write((31).to_bytes(8, sys.byteorder) + content[8:39] + content[40:])


def story(prefix, program, work, name):
    """Two people, a rogue device, a log that is gone."""
    folder = os.path.join(work, "story-" + name)
    os.mkdir(folder)
    log, config = new_log(folder)
    alice = Messenger(prefix, program, folder, log, config, "alice")
    bob = Messenger(prefix, program, folder, log, config, "bob")
    alice.run("send", "bob", expect=2)
    alice.run("new", "phone")
    bob.run("new", "laptop")
    before = alice.files()
    alice.run("new", "other", expect=2)
    check(alice.files() == before, f"{name}: an account is not made twice")
    check("account checked" in alice.run("check"), f"{name}: nobody touched the account")
    said = bob.run("send", "alice")
    check('encrypted to "phone", key ' in said and "unverified contact" in said, f"{name}: bob writes to her phone", said)
    check(digits(said) == digits(alice.run("send", "bob")), f"{name}: both see one safety number")
    alice.run("send", "nobody", expect=5)
    mallory = Messenger(prefix, program, folder, log, config, "mallory")
    mallory.run("new", "a\033[2J\nencrypted to you\r\u202e")
    said = alice.run("send", "mallory")
    check('encrypted to "a?[2J?encrypted to you????", key ' in said and not re.search("[\033\r\u202e]", said),
          f"{name}: the name of a device cannot drive the terminal", said)
    cut_seed(mallory)
    mallory.run("send", "alice", expect=3)
    log.insert("alice", "rogue")
    said = alice.run("check", expect=4)
    check("ALERT unknown-device alice:" in said, f"{name}: alice is told of the device she does not know", said)
    said = alice.run("check", expect=4)
    check("ALERT: the log does not list" in said, f"{name}: and again for as long as it is listed", said)
    said = bob.run("send", "alice", expect=4)
    check("ALERT unsigned-set alice:" in said and "encrypted" not in said, f"{name}: bob encrypts to nobody", said)
    log.stop()
    before = bob.files()
    bob.run("send", "alice", expect=3)
    check(bob.files() == before, f"{name}: without the log nothing changes")


def main():
    with tempfile.TemporaryDirectory() as work:
        prefix = Prefix(os.path.join(work, "prefix"))
        test_what_is_there(prefix)
        test_headers(prefix, work)
        test_symbols(prefix)
        test_example_is_short()
        story(prefix, build_with_cmake(prefix, work, "cmake"), work, "cmake")
        story(prefix, build_with_cmake(prefix, work, "static", "-DMESSENGER_STATIC=ON"), work, "static")
        story(prefix, build_with_pkg_config(prefix, work), work, "pkg-config")


main()
