#!/usr/bin/env python3
"""Makes the next day of an archive: next_day.py DIR DAY ARCHITECTURES

DIR/dists/bookworm/main/binary-*/Packages: one stanza of 200 gets another
version and another file.  Writes Release, unsigned, with SHA-256 only.
"""
import email.utils
import hashlib
import os
import re
import sys

directory, day, architectures = sys.argv[1], int(sys.argv[2]), sys.argv[3]
suite = os.path.join(directory, "dists", "bookworm")
listed = []
for name in architectures.split():
    path = "main/binary-%s/Packages" % name
    with open(os.path.join(suite, path), "rb") as f:
        stanzas = f.read().rstrip(b"\n").split(b"\n\n")
    for i in range(day % 200, len(stanzas), 200) if day > 0 else ():
        s = stanzas[i]
        s = re.sub(rb"\n(Version: [^\n+]*)[^\n]*",
                   b"\n\\1+d%d" % day, s, count=1)
        s = re.sub(rb"\n(Filename: [^\n]*/)(d\d+_)?([^\n]*)",
                   b"\n\\1d%d_\\3" % day, s, count=1)
        s = re.sub(rb"\nSHA256: .{12}",
                   b"\nSHA256: %06x%06x" % (day, i), s, count=1)
        stanzas[i] = s
    text = b"\n\n".join(stanzas) + b"\n\n"
    with open(os.path.join(suite, path), "wb") as f:
        f.write(text)
    listed.append(" %s %d %s" % (hashlib.sha256(text).hexdigest(),
                                 len(text), path))
date = email.utils.formatdate(1700000000 + 86400 * day, usegmt=True)
with open(os.path.join(suite, "Release"), "w") as f:
    f.write("Origin: bench\nSuite: bookworm\nCodename: bookworm\n"
            "Date: %s\nArchitectures: %s\nComponents: main\nSHA256:\n%s\n"
            % (date.replace("GMT", "UTC"), architectures, "\n".join(listed)))
