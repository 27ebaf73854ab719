# SPDX-License-Identifier: Apache-2.0
"""The figures of kt-bench (--json) for people.

report.py table JSON            Markdown tables
report.py plots JSON FOLDER     SVG plots of cost against size and against cadence
report.py docs JSON FOLDER FILE [PROFILE]
                                tables, plots in FOLDER and the profile put into FILE between its two markers
"""

import json
import math
import os
import sys
import time

BEGIN, END = "<!-- figures: written by scripts/bench --write-docs -->", "<!-- end of figures -->"


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def sizes(run):
    return sorted({row["labels"] for row in run["rows"] if "labels" in row})


def find(run, name, labels, cadence=None):
    for row in run["rows"]:
        if row["name"] == name and row.get("labels") == labels and row.get("cadence_ms") == cadence:
            return row
    return None


# --- tables -----------------------------------------------------------------------------------------------------------


def line(*cells):
    return "| " + " | ".join(cells) + " |\n"


def demanded(row):
    return f"{'≥' if row['demanded'] == '>=' else '≤'} {row['limit']:.2f}" if "limit" in row else ""


def verdict(row):
    return "" if "holds" not in row else "holds" if row["holds"] else "**does not hold**"


def summary(run):
    """One line for each demand, a column for each size: the ratio to the bound."""
    columns = sizes(run)
    names = list(dict.fromkeys(row["name"] for row in run["rows"] if "holds" in row))
    text = line("demand", "ratio to", "demanded", *(f"{n:,} labels" for n in columns))
    text += line("---", "---", "---:", *("---:" for _ in columns))
    for name in names:
        rows = [find(run, name, labels) for labels in columns]
        some = next(row for row in rows if row and "holds" in row)
        cells = [f"{row['ratio']:.2f}{'' if row.get('holds', True) else ' **✗**'}" if row else "" for row in rows]
        text += line(some["text"], some["formula"], demanded(some), *cells)
    verdicts = [row["holds"] for row in run["rows"] if "holds" in row]
    return text + f"\n{sum(verdicts)} of {len(verdicts)} hold; ✗ marks those that do not.\n"


def table(run):
    text = "### Demands\n\n" + summary(run)
    text += "\n### The machine\n\n" + line("primitive", "cost", "unit") + line("---", "---:", "---")
    for row in run["rows"]:
        if "labels" not in row:
            text += line(row["text"], number(row["value"]), row["unit"])
    for labels in sizes(run):
        text += f"\n### {labels:,} labels\n\n"
        text += line("figure", "value", "unit", "bound", "ratio", "demanded", "verdict", "the bound is")
        text += line("---", "---:", "---", "---:", "---:", "---:", "---", "---")
        for row in run["rows"]:
            if row.get("labels") != labels:
                continue
            what = row["text"] + (f", cadence {row['cadence_ms']} ms" if "cadence_ms" in row else "")
            bound = (number(row["bound"]), f"{row['ratio']:.2f}") if "bound" in row else ("", "")
            text += line(what, number(row["value"]), row["unit"], *bound, demanded(row), verdict(row),
                         row.get("formula", ""))
    return text


# --- plots ------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 80, 230, 44, 52
COLOURS = (("#1f6fb4", "#6db3f2"), ("#c2570c", "#f0954a"), ("#2c7a3f", "#6cc281"), ("#8a3fa0", "#cf8be0"),
           ("#a3273b", "#ee7f8f"))

PLOTS = (
    ("cost", "CPU per operation", "labels", "µs", (("search-cpu", "lookup, server"),
                                                    ("search-cold-cpu", "first lookup, server"),
                                                    ("registration-cpu", "registration, server"),
                                                    ("verify-0", "lookup, client"),
                                                    ("audit-cpu", "audited leaf, auditor"))),
    ("bytes", "Bytes", "labels", "bytes", (("bytes-0", "search response, version 0"),
                                            ("bytes-5", "search response, version 5"),
                                            ("bytes-update", "update response"),
                                            ("audit-bytes", "audit feed, per leaf"),
                                            ("disk", "disk per version"))),
    ("rates", "Rates", "labels", "per second", (("search", "lookups"), ("search-cold", "first lookups"),
                                                 ("registration", "registrations"), ("import", "imported labels"),
                                                 ("audit", "audited leaves, one core"))),
    ("counts", "Nodes and hashes per operation", "labels", "count", (("search-hashes", "search response"),
                                                                      ("audit-hashes", "audited leaf"))),
    ("server", "Memory and restart", "labels", "MiB or ms", (("memory-peak", "memory, MiB"),
                                                              ("restart", "restart, ms"),
                                                              ("restart-killed", "restart after kill -9, ms"))),
    ("cadence", "Registrations against cadence", "cadence, ms (0 stands at 1)", "µs, or per second",
     (("cadence-registrations", "registrations per second"), ("cadence-latency", "latency p50, µs"),
      ("cadence-cpu", "server CPU, µs"))),
    ("cadence-disk", "What an entry costs on disk", "cadence, ms (0 stands at 1)", "bytes, or count",
     (("cadence-disk", "disk per registered version, bytes"), ("cadence-leaves", "registrations per entry"))),
)


def points(run, name):
    """(x, value), against cadence at the largest size or against size."""
    if name.startswith("cadence-"):
        rows = [row for row in run["rows"] if row["name"] == name and row["labels"] == sizes(run)[-1]]
        return sorted((max(row["cadence_ms"], 1), row["value"]) for row in rows if row["value"] > 0)
    rows = [find(run, name, labels) for labels in sizes(run)]
    return [(row["labels"], row["value"]) for row in rows if row and row["value"] > 0]


def decades(values):
    """The powers of ten around them."""
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return list(range(low, max(high, low + 1) + 1))


def tick(exponent):
    value = 10 ** exponent
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


class Axes:
    def __init__(self, xs, ys):
        self.x, self.y = decades(xs), decades(ys)

    def at(self, x, y):
        across = (math.log10(x) - self.x[0]) / (self.x[-1] - self.x[0])
        up = (math.log10(y) - self.y[0]) / (self.y[-1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def svg(self, x_name, y_name):
        right, bottom, parts = WIDTH - RIGHT, HEIGHT - BOTTOM, []
        for exponent in self.x:
            x, _ = self.at(10 ** exponent, 10 ** self.y[0])
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
                         f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick(exponent)}</text>')
        for exponent in self.y:
            _, y = self.at(10 ** self.x[0], 10 ** exponent)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
                         f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick(exponent)}</text>')
        middle = (LEFT + right) / 2
        parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{x_name}</text>')
        parts.append(f'<text transform="translate(18 {(TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
                     f'{y_name}</text>')
        return "".join(parts)


def style():
    light = "".join(f".s{i}{{stroke:{c[0]};fill:{c[0]}}}" for i, c in enumerate(COLOURS))
    dark = "".join(f".s{i}{{stroke:{c[1]};fill:{c[1]}}}" for i, c in enumerate(COLOURS))
    return (f"<style>text{{font:12px sans-serif;fill:#222}}.title{{font-size:15px;font-weight:bold}}"
            f".grid{{stroke:#8884;fill:none}}polyline{{fill:none!important;stroke-width:2}}"
            f"text.key{{stroke:none}}{light}"
            f"@media(prefers-color-scheme:dark){{text{{fill:#ddd}}{dark}}}</style>")


def spread(wanted):
    """Heights of names beside their lines, in the order given, that do not run into each other."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed, last = [0.0] * len(wanted), -math.inf
    for i in order:
        placed[i] = last = max(wanted[i], last + 15)
    over = max(0.0, last - (HEIGHT - BOTTOM))
    return [y - over for y in placed]


def plot(run, title, x_name, y_name, lines):
    """None when nothing was measured."""
    drawn = [(points(run, name), text) for name, text in lines]
    drawn = [(some, text) for some, text in drawn if some]
    if not drawn:
        return None
    axes = Axes([x for some, _ in drawn for x, _ in some], [y for some, _ in drawn for _, y in some])
    text = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
            f'{style()}<text class="title" x="{LEFT}" y="24">{title}</text>{axes.svg(x_name, y_name)}')
    names = spread([axes.at(*some[-1])[1] + 4 for some, _ in drawn])
    for i, (some, name) in enumerate(drawn):
        places = [axes.at(x, y) for x, y in some]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        text += f'<polyline class="s{i}" points="{path}"/>'
        text += "".join(f'<circle class="s{i}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
        text += f'<text class="key s{i}" x="{WIDTH - RIGHT + 10}" y="{names[i]:.1f}">{name}</text>'
    return text + "</svg>\n"


def plots(run, folder):
    """The files written, with their titles."""
    os.makedirs(folder, exist_ok=True)
    written = []
    for name, title, x_name, y_name, lines in PLOTS:
        text = plot(run, title, x_name, y_name, lines)
        if text is not None:
            with open(os.path.join(folder, name + ".svg"), "w") as file:
                file.write(text)
            written.append((name + ".svg", title))
    return written


# --- docs -------------------------------------------------------------------------------------------------------------


def docs(run, folder, path, profile):
    with open(path) as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    day = time.strftime("%Y-%m-%d", time.gmtime(run["time_ms"] / 1000))
    middle = f"\n\nMeasured {day} on {run['cores']} cores of {run['machine']}: {run.get('note', 'kt-bench')}.\n\n"
    place = os.path.relpath(folder, os.path.dirname(path))
    middle += "".join(f"![{title}]({place}/{name})\n\n" for name, title in plots(run, folder))
    middle += table(run)
    if profile:
        with open(profile) as file:
            middle += "\n" + file.read()
    with open(path, "w") as file:
        file.write(before + BEGIN + middle + "\n" + END + after)


def main(verb, path, *rest):
    with open(path) as file:
        run = json.load(file)
    if verb == "table":
        print(table(run), end="")
    elif verb == "plots":
        plots(run, *rest)
    elif verb == "docs":
        docs(run, rest[0], rest[1], rest[2] if len(rest) > 2 else None)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
