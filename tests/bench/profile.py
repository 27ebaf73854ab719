# SPDX-License-Identifier: Apache-2.0
"""profile.py FOLDER BUILD: where every hot path spends its CPU time, from what kt-bench --profile recorded into FOLDER,
as Markdown. BUILD is the folder that the programs were built in.

A sample belongs to the first of these that fits: what the kernel was asked for (when it was in the kernel), the library it
was in, or the function of ours. What fits nothing is named by its functions at the end of the line.
"""

import collections
import glob
import os
import re
import subprocess
import sys

# A system call or interrupt on the way to a kernel sample.
KERNEL = (
    (r"fdatasync|fsync|sync_file|pwrite|pread|sys_write|sys_read|sys_open|sys_unlink|sys_rename|ftruncate|fallocate|"
     r"sys_fcntl|sys_fstat|ext4|xfs|btrfs|jbd2|blk_", "disk (kernel)"),
    (r"recv|send|epoll|accept|socket|tcp_|inet_|net_rx|softirq|sock_|shutdown|sys_close", "network (kernel)"),
    (r"futex", "waiting for threads (kernel)"),
    (r"page_fault|mmap|munmap|brk|madvise|mprotect|exc_page", "memory (kernel)"),
    (r"schedule|apic_timer|sysvec|switch_fpu|clock_gettime|nanosleep|clone|execve|exit", "scheduling (kernel)"),
)
# Functions of ours, by the file they are in.
OURS = (
    (r"^lib/crypto/(ed25519/|ecvrf)", "VRF"), (r"^lib/crypto/(hash|sha)", "hashes"),
    (r"^lib/crypto/", "keys and signatures"), (r"^lib/tree/", "walking the trees"),
    (r"^lib/(store/|log/(nodes|cache|quad|record))", "store and node cache"), (r"^lib/(wire|base)/", "TLS encoding"),
    (r"^lib/(view|algo|log|client)/", "the draft's algorithms"), (r"^lib/(account|json)/", "device sets and JSON"),
    (r"^kt-server/", "HTTP and program of ours"), (r"^kt-verify/", "HTTP and program of ours"),
)
OWN = {"walking the trees", "store and node cache", "TLS encoding", "the draft's algorithms", "device sets and JSON",
       "HTTP and program of ours"}
LIBRARIES = (
    (r"libcrypto", "hashes"), (r"libsodium", "libsodium (signatures, VRF, hashes)"), (r"libsqlite3", "SQLite"),
    (r"libmicrohttpd", "libmicrohttpd"), (r"libjansson", "device sets and JSON"), (r"libcurl", "libcurl"),
    (r"libpthread", "waiting for threads"), (r"/ld-|ld-linux", "loading the program"), (r"\[vdso\]", "scheduling (kernel)"),
)
LIBC = (
    (r"mem(cpy|move|set|cmp|mem)|str", "copying and comparing"), (r"alloc|free|int_", "memory"),
    (r"pthread|lll_|futex|mutex|cond_", "waiting for threads"), (r"qsort|msort", "sorting"),
)


def functions(build):
    """The file that each function of ours is in."""
    found = {}
    for path in glob.glob(os.path.join(build, "**", "*.c.o"), recursive=True):
        where = re.match(r"(.*/)?CMakeFiles/[^/]*/(.*)\.o$", os.path.relpath(path, build))
        if where is None or path.startswith(os.path.join(build, "tests")):
            continue
        symbols = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout
        for line in symbols.splitlines():
            kind, name = line.split()[-2:]
            if kind in "tT":
                found.setdefault(name.split(".")[0], where[1] + where[2])
    return found


def first(table, text):
    return next((name for pattern, name in table if re.search(pattern, text)), None)


def category(frames, files):
    """frames: (symbol, object), innermost first."""
    symbol, place = frames[0]
    symbol = symbol.split(".")[0]
    if "[kernel" in place or "[k]" in place or place.endswith(".ko"):
        return first(KERNEL, " ".join(name for name, where in frames if "[kernel" in where)) or "other (kernel)"
    if symbol.endswith("@plt"):
        return "calls into libraries"
    if "/libc.so" in place or "/libc-" in place:
        return first(LIBC, symbol) or "other of libc"
    return first(LIBRARIES, place) or first(OURS, files.get(symbol, ""))


def samples(path):
    """Of the processes that were measured: lists of (symbol, object), innermost first."""
    with open(path.removesuffix(".data") + ".pids") as file:
        processes = file.read().strip()
    text = subprocess.run(["perf", "script", "-i", path, "--pid", processes, "-F", "pid,ip,sym,dso"],
                          capture_output=True, text=True, check=True, errors="replace").stdout
    for block in text.split("\n\n"):
        matches = (re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line) for line in block.split("\n"))
        frames = [(match[1], match[2]) for match in matches if match]
        if frames:
            yield frames


def profile(path, files):
    """Samples by category, and those without one by function."""
    known, rest = collections.Counter(), collections.Counter()
    for frames in samples(path):
        name = category(frames, files)
        if name is None:
            rest[frames[0][0]] += 1
        else:
            known[name] += 1
    return known, rest


def report(folder, files):
    print("### Where the time goes\n\nOf the CPU time of the process; kernel time under what the kernel was asked for.\n")
    print("| path | primitives | explained | code of ours in it | the rest |\n|---|---|---:|---:|---|")
    names = [name for name in os.listdir(folder) if name.endswith(".data")]
    for file in sorted(names, key=lambda name: (int(name.split("-")[0]), name)):
        labels, path = file[:-len(".data")].split("-", 1)
        known, rest = profile(os.path.join(folder, file), files)
        total = sum(known.values()) + sum(rest.values())
        if total == 0:
            continue
        shares = ", ".join(f"{name} {100 * n / total:.0f} %" for name, n in known.most_common() if 100 * n >= total)
        ours = 100 * sum(n for name, n in known.items() if name in OWN) / total
        left = ", ".join(f"`{name}` {100 * n / total:.1f} %" for name, n in rest.most_common(5))
        print(f"| {path}, {int(labels):,} labels | {shares} | {100 * sum(known.values()) / total:.0f} % | "
              f"{ours:.0f} % | {left} |")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    report(sys.argv[1], functions(sys.argv[2]))
