# SPDX-License-Identifier: Apache-2.0
"""kt-bench measures everything that docs/performance.md promises, keeps a log for the next run, and its figures become
tables and plots. How fast anything is says nothing here: the log is tiny and the measurements are cut short."""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from lib_programs import SERVER, VERIFY, check

DEMANDS = {"import", "registration", "latency-default", "latency", "latency-p99", "search", "search-cold-cpu", "verify-0",
           "verify-5", "disk", "memory-peak", "audit", "audit-memory", "restart", "restart-killed"}
FIGURES = {"import-cpu", "import-leaves", "search-cpu", "search-per-cpu", "search-5", "search-retained", "bytes-0",
           "bytes-5", "bytes-update", "audit-hashes", "audit-bytes", "cadence-registrations", "cadence-latency",
           "disk-proof", "prove"}
GROWTH = {"growth-search", "growth-registration", "growth-audit", "growth-search-hashes", "growth-audit-hashes"}
REPORT = os.path.join(os.path.dirname(__file__), "..", "bench", "report.py")
DOCS = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "performance.md")


def run_bench(program, folder, sizes, *more):
    path = os.path.join(folder, "figures.json")
    words = [program, "--server", SERVER, "--verify", VERIFY, "--dir", os.path.join(folder, "logs"), "--json", path,
             "--seconds", "0.05", "--connections", "8", "--warm", "32", "--cadences", "0,20", *more, *map(str, sizes)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=280)
    if result.returncode != 0:
        sys.exit(f"kt-bench: {result.returncode}\n{result.stdout}{result.stderr}")
    with open(path) as file:
        return path, json.load(file)


def values(figures, labels):
    return {row["name"]: row["value"] for row in figures["rows"] if row.get("labels") == labels}


def main(build):
    program = os.path.join(build, "tests", "kt-bench")
    with tempfile.TemporaryDirectory() as folder:
        path, first = run_bench(program, folder, (64, 128))
        judged = {row["name"] for row in first["rows"] if "holds" in row}
        check(judged >= DEMANDS, "every demand has a verdict", DEMANDS - judged)
        check(not judged & GROWTH and values(first, 128).keys() >= GROWTH, "growth is shown, and judged in large logs only",
              (judged & GROWTH, GROWTH - values(first, 128).keys()))
        check(values(first, 64).keys() >= FIGURES, "every figure is there", FIGURES - values(first, 64).keys())
        check(all(row["value"] > 0 for row in first["rows"] if row["name"] in DEMANDS | FIGURES),
              "no figure is zero", [row for row in first["rows"] if row["value"] <= 0])
        with open(DOCS) as file:
            text = file.read()
        copy = os.path.join(folder, "performance.md")
        with open(copy, "w") as file:
            file.write(text)
        subprocess.run([sys.executable, "-B", REPORT, "docs", path, os.path.join(folder, "plots"), copy], check=True)
        with open(copy) as file:
            written = file.read()
        check("### 128 labels" in written and "growth: server CPU per lookup" in written, "tables for the page")
        plots = sorted(os.listdir(os.path.join(folder, "plots")))
        check(len(plots) == 7, "seven plots", plots)
        for name in plots:
            root = xml.etree.ElementTree.parse(os.path.join(folder, "plots", name)).getroot()
            check(root.findall(".//{http://www.w3.org/2000/svg}polyline"), f"{name} shows something")
        _, second = run_bench(program, folder, (64,), "--parts", "restart")
        check(values(second, 64)["import"] == values(first, 64)["import"], "a log that is kept is not imported again")


main(sys.argv[1])
