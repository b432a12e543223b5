#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plot.py FIGURES.json PLOT.svg: draws what `./run bench tcp-root` has measured, the deliveries of each library in each
case on a logarithmic scale, with their ratio to the raw case."""
import html
import json
import math
import sys

LEFT, WIDTH, BAR, GAP = 150, 560, 16, 26
COLOURS = {"joinleaf": "#1b6ca8", "raw, one log": "#8a8a8a"}
OTHER = "#c9c9c9"


def cases(figures):
    """The rows of the table by case, in the order of the file."""
    found = {}
    for row in figures["flood"]:
        found.setdefault((row["message"], row["leaves"]), []).append(row)
    return found


def size_text(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def text(x, y, what, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{html.escape(what)}</text>")


def bar(row, y, scale):
    length = scale(row["deliveries_per_second"])
    colour = COLOURS.get(row["library"], OTHER)
    label = f'{row["deliveries_per_second"]:,.0f} /s  ({row["ratio_to_raw"]:.2f})'
    return [text(LEFT - 8, y + BAR - 4, row["library"], "end"),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 3}" fill="{colour}"/>',
            text(LEFT + length + 6, y + BAR - 4, label)]


def draw(figures):
    rates = [row["deliveries_per_second"] for row in figures["flood"] if row["deliveries_per_second"] > 0]
    if not rates:
        raise ValueError("no case has a rate")
    low, high = math.log10(min(rates)) - 0.5, math.log10(max(rates))

    def scale(rate):
        return max(1.0, (math.log10(rate) - low) / (high - low) * WIDTH) if rate > 0 else 1.0

    y, parts = 24, [text(8, 18, "Deliveries a second to all leaves, logarithmic; in brackets the ratio to raw, one log",
                         weight="bold")]
    for (message, leaves), rows in cases(figures).items():
        y += GAP
        parts.append(text(8, y - 6, f"{size_text(message)} to {leaves} leaves", weight="bold"))
        for row in rows:
            parts += bar(row, y, scale)
            y += BAR
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 190}" height="{y + 16}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>')
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def main(words):
    if len(words) != 3:
        print("usage: plot.py FIGURES.json PLOT.svg", file=sys.stderr)
        return 2
    try:
        with open(words[1], encoding="utf-8") as file:
            drawing = draw(json.load(file))
        with open(words[2], "w", encoding="utf-8") as file:
            file.write(drawing)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"plot.py: {words[1]}: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
