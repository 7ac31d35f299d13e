#!/usr/bin/python3
"""What an archive is some time later: reads a Packages index from stdin and
writes it to stdout with a part of its stanzas changed, spread evenly.

    churn.py [PER-MILLE [SEED]]      5 of 1000 by default

In turn a package has a new version, other content in the same version, is gone,
or is one more that was not there.
"""

import re
import sys


def change(stanza, turn, seed):
    """The stanzas that stand in the place of one."""
    if turn == 0:
        version = re.search(r"^Version: (.*)$", stanza, re.M).group(1)
        stanza = stanza.replace("Version: " + version,
                                "Version: %s+c%d" % (version, seed), 1)
        return [re.sub(r"^(Filename: .*)_([a-z0-9]+\.u?deb)$",
                       r"\1+c%d_\2" % seed, stanza, 1, re.M)]
    if turn == 1:
        return [re.sub(r"^Description: ", "Description: changed %d: " % seed,
                       stanza, 1, re.M)]
    if turn == 2:
        return []
    name = re.search(r"^Package: (.*)$", stanza, re.M).group(1)
    more = stanza.replace("Package: " + name,
                          "Package: %s-churn%d" % (name, seed), 1)
    if "\nSource: " not in more:
        more = more.replace("\nVersion: ", "\nSource: %s\nVersion: " % name, 1)
    return [stanza, re.sub(r"^(Filename: .*/)([^/]*)$",
                           r"\1churn%d-\2" % seed, more, 1, re.M)]


def main():
    every = 1000 // int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    stanzas = sys.stdin.read().rstrip("\n").split("\n\n")
    for i, stanza in enumerate(stanzas):
        out = [stanza]
        if i % every == every // 2:
            out = change(stanza, i // every % 4, seed)
        for one in out:
            sys.stdout.write(one + "\n\n")


main()
