#!/usr/bin/env python3
"""Makes results.md, results.json and scale.dat of the tables in a directory.

See lib-bench.sh for the tables, and section "budgets" below for what each row
is held against: a ratio within the same run, never a time.  The choices of the
mount (choices.md) were measured once, with a program for each, and go along.
"""
import json
import math
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = "suitefs"
DEBIAN = "suitefs, Debian's own"

# row -> (what of it, against whom, at most), or (what, None, at most) for an
# absolute budget.  "beyond": seconds beyond the other's.
BUDGETS = {
    "mirror update, first": [
        ("time", "aptly", 1 / 7), ("peak", None, 80)],
    "mirror update, unchanged": [
        ("beyond", "limit: curl InRelease", 0.020)],
    "snapshot create": [("time", None, 0.010)],
    "snapshot verify": [("time", "aptly", 1 / 8), ("peak", None, 64)],
    "snapshot diff, 0.5 % changed": [("time", None, 0.010)],
    "publish snapshot": [("time", "aptly", 1 / 8), ("peak", None, 64)],
    "publish switch, 0.5 % changed": [
        ("time", "aptly", 1 / 40), ("peak", None, 64)],
    "first look into a snapshot": [("time", None, 0.100)],
    "ls -lR of the published tree, warm": [("time", "limit: ext4", 2)],
}
# row -> (who, against whom or None, number, "most" or "least")
VALUE_BUDGETS = {
    "one more daily snapshot":
        ("suitefs: beyond the stanzas", None, 300e3, "most"),
    "first read of Packages": ("suitefs", None, 300, "least"),
    "nginx, 16 KiB files, open_file_cache":
        ("suitefs", "limit: ext4", 0.9, "least"),
    "the mount's anonymous memory, after all of it":
        ("suitefs", None, 48e6, "most"),
}
# series, or its beginning -> [(what, at most)]: a number in its unit; "linear":
# the exponent of growth; "even": MB more at the largest size than at the
# smallest.
LINEAR, EVEN = 1.1, 4
GROWTH_BUDGETS = [
    ("architectures: mirror update", [("time", "linear"), ("anonymous", 80)]),
    ("architectures: ", [("time", "linear"), ("anonymous", 64)]),
    ("days: diff of the ends", [("time", "linear"), ("anonymous", 64)]),
    ("days: ", [("time", "linear"), ("database", "linear"),
                ("anonymous", "even")]),
    ("publications: the mount's memory", [("anonymous", 48)]),
    ("publications: ", [("time", "linear"), ("anonymous", 64)]),
]
GROWTH_NOTES = """\
`tests/bench/rows-scale.sh` says what is done. **growth** is the exponent b of
y = x^b between the size in the middle and the largest: 1 is linear. **each** is
what one more takes, from the smallest size to the largest. Budgets: times grow
linearly or less (an exponent of at most %.1f); anonymous memory has the budgets
of one architecture, and with the number of snapshots it does not grow (by at
most %d MB, but for what is between the first and the last, where nearly all
differs at the end).
""" % (LINEAR, EVEN)
# What rows-memory.sh leaves, and what is said of it.
MEMORY = "plots/memory.svg"
MEMORY_NOTES = """\
## Memory over time

A whole suite through three commands, both programs on the same archive, one
after the other. suitefs' resident memory has the pages of the database that it
read, which are the page cache's and go when somebody else needs room.

![](%s)
""" % MEMORY
NOTES = """\
**How the peers are set up.** aptly: database, pool and store on one disk;
`skipLegacyPool`, no Contents, no bz2, no dependencies followed, `gpgProvider`
gpg, 8 downloads at once; publishing with `-skip-contents -skip-bz2 -batch`. Its
pool has the one file of all packages before anything is measured, and each
`mirror update, first` begins with an empty database: it reads indexes and looks
the packages up, and downloads none. reprepro keeps each package at a place of
its own, so its first update downloads all of them, and is measured apart; its
updates publish as well.

**A day's size** is that of the database without free pages. A captured mirror
also keeps upstream's own compressed index as a file, since upstream's Release
lists it; that stands beside it, and is not in the budget's figure.

**What is measured.** Seconds from start to end of the command (median of the
rounds, spread from the fastest to the slowest), the largest resident set, and
the largest anonymous memory, looked at every 2 ms. A resident set includes
pages of the database, which are the page cache's. Every round has new stores
and databases; `publish snapshot` finds nothing compressed. "changed" is every
200th stanza, with another version and another file, which is the worst case for
runs: changes that come together, as real ones do, touch fewer of them.
"""


def table(directory, name):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [line.rstrip("\n").split("\t") for line in f]


def grouped(rows):
    """{row: {who: [the other fields, ...]}} in the order of appearance."""
    result = {}
    for row, who, *rest in rows:
        result.setdefault(row, {}).setdefault(who, []).append(rest)
    return result


def summary(runs):
    seconds = sorted(float(r[0]) for r in runs)
    return {
        "runs": len(runs),
        "seconds": seconds,
        "median": statistics.median(seconds),
        "cpu": statistics.median(float(r[1]) + float(r[2]) for r in runs),
        "peak": max(int(r[3]) for r in runs) * 1024 / 1e6,
        "anonymous": max(int(r[4]) for r in runs) * 1024 / 1e6,
    }


def time_text(seconds):
    return ("%.1f ms" % (seconds * 1e3) if seconds < 0.1
            else "%.2f s" % seconds)


def ratio_text(ratio):
    if ratio >= 1:
        return "%.1f" % ratio
    return "%.2f" % ratio if ratio > 0.3 else "1/%.3g" % round(1 / ratio, 1)


def verdict(what, whom, limit, of):
    """The budget's text and whether it is met; None where it can't be said."""
    ours = of[OURS]
    if what == "time" and whom:
        if whom not in of:
            return None
        got = ours["median"] / of[whom]["median"]
        return "%s of %s (%s)" % (ratio_text(limit), whom.replace(
            "limit: ", ""), ratio_text(got)), got <= limit
    if what == "time":
        return "%s" % time_text(limit), ours["median"] <= limit
    if what == "beyond":
        if whom not in of:
            return None
        got = ours["median"] - of[whom]["median"]
        return "%s beyond one request (%s)" % (
            time_text(limit), time_text(got)), got <= limit
    return "%d MB peak" % limit, ours["peak"] <= limit


def commands(runs, out):
    print("| work | who | median | spread | processor | peak | anonymous |"
          " to suitefs | budget |", file=out)
    print("|---|---|---:|---|---:|---:|---:|---:|---|", file=out)
    missed = []
    for row, whos in runs.items():
        if ": " in row:
            continue  # a curve's
        of = {who: summary(r) for who, r in whos.items()}
        for who, s in of.items():
            budget = []
            if who == OURS:
                for b in BUDGETS.get(row, []):
                    v = verdict(*b, of)
                    if v:
                        budget.append("%s: %s" % (
                            v[0], "met" if v[1] else "**missed**"))
                        if not v[1]:
                            missed.append("%s: %s" % (row, v[0]))
            ratio = ""
            if OURS in of and not who.startswith(OURS):
                ratio = ratio_text(s["median"] / of[OURS]["median"])
            print("| %s | %s | %s | %s-%s | %s | %.1f MB | %.1f MB | %s | %s |"
                  % (row, who, time_text(s["median"]),
                     time_text(s["seconds"][0]), time_text(s["seconds"][-1]),
                     time_text(s["cpu"]), s["peak"], s["anonymous"], ratio,
                     "<br>".join(budget)), file=out)
    return missed


def values(found, out):
    if not found:
        return []
    print("\n| what | who | median | spread | budget |", file=out)
    print("|---|---|---:|---|---|", file=out)
    missed = []
    for row, whos in found.items():
        medians = {who: statistics.median(float(r[0]) for r in rows)
                   for who, rows in whos.items()}
        for who, rows in whos.items():
            numbers = sorted(float(r[0]) for r in rows)
            unit = rows[0][1]
            scale, digits = 1, 0
            if unit == "bytes":
                scale, unit, digits = 1e3, "kB", 0
            budget = ""
            b = VALUE_BUDGETS.get(row)
            if b and b[0] == who and (not b[1] or b[1] in medians):
                got = medians[who] / (medians[b[1]] if b[1] else 1)
                met = got <= b[2] if b[3] == "most" else got >= b[2]
                bound = b[2] / (1 if b[1] else scale)
                budget = "at %s %g%s: %s" % (
                    b[3], bound, " x %s (%.2f)" % (
                        b[1].replace("limit: ", ""), got) if b[1]
                    else " " + unit, "met" if met else "**missed**")
                if not met:
                    missed.append("%s: %s" % (row, budget.split(":")[0]))
            print("| %s | %s | %.*f %s | %.*f-%.*f | %s |" % (
                row, who, digits, medians[who] / scale, unit,
                digits, numbers[0] / scale, digits, numbers[-1] / scale,
                budget), file=out)
    return missed


def growth_budget(name, what, points):
    """The budget's text and whether it is met; None where there is none."""
    budgets = next((b for start, b in GROWTH_BUDGETS if name.startswith(start)),
                   [])
    limit = dict(budgets).get(what)
    largest = points[-1][1]
    if limit is None:
        return None
    if limit == "linear":
        b = exponent(points)
        return None if b is None else ("linear", b <= LINEAR)
    if limit == "even":
        return ("%d MB more at most" % EVEN,
                largest - points[0][1] <= EVEN)
    return "%d MB" % limit, max(y for _, y in points) <= limit


def exponent(points):
    """Of growth, from the middle to the largest; None where there is none."""
    (x0, y0), (x1, y1) = points[(len(points) - 1) // 2], points[-1]
    if x0 <= 0 or x1 <= x0 or y0 <= 0 or y1 <= 0:
        return None
    return math.log(y1 / y0) / math.log(x1 / x0)


def number_text(y, unit):
    if unit == "s":
        return time_text(y)
    return "%.*f %s" % (1 if y < 100 else 0, y, unit)


def growth_row(name, what, unit, points, out):
    """Prints it; the budget's text where it is missed."""
    middle = points[(len(points) - 1) // 2]
    b = exponent(points)
    each = ""
    if len(points) > 1:
        each = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
        each = ("%.3f ms" % (each * 1e3) if unit == "s"
                else "%.3f %s" % (each, unit))
    at = ["%s at %g" % (number_text(y, unit), x)
          for x, y in (points[0], middle, points[-1])]
    if len(points) == 1:
        at = ["", "", at[0]]
    budget = growth_budget(name, what, points)
    print("| %s | %s | %s | %s | %s | %s |" % (
        name.split(": ", 1)[1], what, " | ".join(at),
        "" if b is None else "%.2f" % b, each,
        "" if not budget else "%s: %s" % (
            budget[0], "met" if budget[1] else "**missed**")), file=out)
    if budget and not budget[1]:
        return "%s: %s, %s" % (name, what, budget[0])
    return None


def curves(rows, directory, out):
    """A table for each group, and scale.dat for gnuplot: blocks with names."""
    groups = {}
    for name, what, x, number, unit in rows:
        groups.setdefault(name.split(":")[0], {}).setdefault(
            (name, what, unit), []).append((float(x), float(number)))
    if not groups:
        return
    print("\n## How it grows\n\n" + GROWTH_NOTES, file=out)
    missed = []
    with open(os.path.join(directory, "scale.dat"), "w") as f:
        for group, series in groups.items():
            print("### By %s\n\n![](plots/scale-%s.svg)\n" % (group, group),
                  file=out)
            print("| what | | smallest | middle | largest | growth | each |"
                  " budget |", file=out)
            print("|---|---|---:|---:|---:|---:|---:|---|", file=out)
            for (name, what, unit), points in series.items():
                points.sort()
                missed.append(growth_row(name, what, unit, points, out))
                f.write('"%s, %s, %s"\n' % (name, what, unit))
                for x, n in points:
                    f.write("%g %g\n" % (x, n))
                f.write("\n\n")
            print("", file=out)
    print("**Budgets missed here:** %s." % (
        "; ".join(m for m in missed if m) or "none"), file=out)


def main(directory):
    machine = table(directory, "machine.tsv")
    runs = grouped(table(directory, "runs.tsv"))
    found = grouped(table(directory, "values.tsv"))
    scale = table(directory, "scale.tsv")
    with open(os.path.join(directory, "results.md"), "w") as out:
        print("# Results\n\nWhat `make bench` printed; `tests/bench` says how "
              "it comes about.\n", file=out)
        for name, text in machine:
            print("- %s: %s" % (name, text), file=out)
        print("", file=out)
        if found or any(": " not in row for row in runs):
            missed = commands(runs, out) + values(found, out)
            print("\n**Budgets missed:** %s." % ("; ".join(missed) or "none"),
                  file=out)
            print("\n" + NOTES, file=out)
        if os.path.exists(os.path.join(directory, MEMORY)):
            print(MEMORY_NOTES, file=out)
        with open(os.path.join(HERE, "choices.md")) as f:
            print(f.read(), file=out)
        curves(scale, directory, out)
    with open(os.path.join(directory, "results.json"), "w") as out:
        json.dump({
            "machine": dict(machine),
            "runs": [dict(zip(("row", "who", "seconds", "user", "system",
                               "peak_kib", "anonymous_kib", "status"), r))
                     for r in table(directory, "runs.tsv")],
            "values": [dict(zip(("row", "who", "number", "unit"), r))
                       for r in table(directory, "values.tsv")],
            "scale": [dict(zip(("series", "what", "x", "number", "unit"), r))
                      for r in scale],
        }, out, indent=1)


main(sys.argv[1])
