#!/usr/bin/env python3
"""Makes days of an archive, on demand: days.py DIR

For each number N that comes in a line on stdin, the next day stands in DIR/N
when the line "N" has been printed: dists/bookworm/main/binary-amd64 with
Packages.gz, and Release, unsigned.  DIR/Packages is the first day's index; from
then on one stanza of 200 gets another version and another file.

It is as quick as it can be, for there are many: stanzas stay in memory, gzip's
level is 1, and Release has SHA-256 only.
"""
import email.utils
import hashlib
import os
import re
import sys
import zlib

PLACE = "main/binary-amd64/Packages"


def change(stanza, day, i):
    stanza = re.sub(rb"\n(Version: [^\n+]*)[^\n]*", b"\n\\1+d%d" % day,
                    stanza, count=1)
    stanza = re.sub(rb"\n(Filename: [^\n]*/)(d\d+_)?([^\n]*)",
                    b"\n\\1d%d_\\3" % day, stanza, count=1)
    return re.sub(rb"\nSHA256: .{12}", b"\nSHA256: %06x%06x" % (day, i),
                  stanza, count=1)


def gzip(text):
    c = zlib.compressobj(1, zlib.DEFLATED, 31)
    return c.compress(text) + c.flush()


def write(directory, day, text):
    suite = os.path.join(directory, str(day), "dists", "bookworm")
    os.makedirs(os.path.join(suite, os.path.dirname(PLACE)))
    packed = gzip(text)
    with open(os.path.join(suite, PLACE + ".gz"), "wb") as f:
        f.write(packed)
    date = email.utils.formatdate(1600000000 + 86400 * day, usegmt=True)
    with open(os.path.join(suite, "Release"), "w", encoding="ascii") as f:
        f.write("Origin: bench\nSuite: bookworm\nCodename: bookworm\n"
                "Date: %s\nArchitectures: amd64\nComponents: main\nSHA256:\n"
                % date.replace("GMT", "UTC"))
        for data, suffix in (text, ""), (packed, ".gz"):
            f.write(" %s %d %s%s\n" % (hashlib.sha256(data).hexdigest(),
                                       len(data), PLACE, suffix))


def main(directory):
    with open(os.path.join(directory, "Packages"), "rb") as f:
        stanzas = f.read().rstrip(b"\n").split(b"\n\n")
    for line in sys.stdin:
        day = int(line)
        for i in range(day % 200, len(stanzas), 200) if day > 0 else ():
            stanzas[i] = change(stanzas[i], day, i)
        write(directory, day, b"\n\n".join(stanzas) + b"\n\n")
        print(day, flush=True)


main(sys.argv[1])
