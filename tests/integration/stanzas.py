#!/usr/bin/python3
"""Compares what tests/fault/fields.c printed (stdin) with what apt's parser
makes of the same stanzas: where ours takes all of a stanza, apt has the same
fields, and the same values but for blanks at their ends.  Of fields that stand
twice either takes one of them.  Prints how many stanzas were compared."""

import sys
import tempfile

import apt_pkg


def parse(stanza):
    """The fields as apt sees them: {name in lower case: value}, or None."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(stanza)
        if not stanza.endswith(b"\n"):
            f.write(b"\n")
        f.write(b"\n")
        f.flush()
        try:
            with apt_pkg.TagFile(f.name, bytes=True) as tags:
                section = next(tags)
                return {name.lower(): section[name]
                        for name in section.keys()}
        except (StopIteration, apt_pkg.Error):
            return None


def lines(value):
    """Without what blanks at the ends of lines say nothing about."""
    return [line.strip() for line in value.split(b"\n")]


def compare(stanza, fields):
    theirs = parse(stanza)
    if theirs is None:
        return "apt takes no stanza"
    ours = {}
    for name, value in fields:
        ours.setdefault(name.decode("latin-1").lower(), []).append(value)
    if set(ours) != set(theirs):
        return "fields differ: %r" % sorted(set(ours) ^ set(theirs))
    for name, values in ours.items():
        if lines(theirs[name]) not in [lines(v) for v in values]:
            return "%s is %r, not %r" % (name, values, theirs[name])
    return None


def main():
    apt_pkg.init_config()
    stanzas, odd, refused, passed = [], 0, 0, 0
    for line in sys.stdin:
        word, *rest = line.rstrip("\n").split(" ")
        if word == "stanza":
            stanzas.append((bytes.fromhex(rest[0]), rest[1] == "1", []))
        else:
            stanzas[-1][2].append(tuple(bytes.fromhex(h) for h in rest))
    for stanza, whole, fields in stanzas:
        if not whole:
            refused += 1
            continue
        # Comments are for files that people write; apt passes over them.  It
        # has nothing at all of a file with carriage returns.
        if b"\r" in stanza or any(
                line.startswith(b"#") for line in stanza.split(b"\n")):
            passed += 1
            continue
        wrong = compare(stanza, fields)
        if wrong:
            odd += 1
            print("%r: %s" % (stanza[:400], wrong))
    print("%d stanzas, %d refused by us, %d passed over, %d differ" % (
        len(stanzas), refused, passed, odd))
    sys.exit(odd > 0 or len(stanzas) <= refused + passed)


main()
