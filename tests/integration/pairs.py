#!/usr/bin/python3
"""Merges and compares pairs of made-up archives, and holds what comes of it
against oracle.py.

    pairs.py DIR MOUNT COUNT SEED

DIR is for the archives; suitefs ($SUITEFS, $SUITEFS_STORE) is mounted on MOUNT.
"""

import hashlib
import json
import os
import random
import subprocess
import sys

import oracle

ARCHIVES = 48
NAMES = ["aa", "ab", "ab-data", "b", "b+c", "b-c", "lib1", "lib10", "lib2", "z"]
SOURCES = ["aa", "b", "zz"]
VERSIONS = ["1.0", "1.0-1", "01.0", "1.0~rc1", "1.0+b1", "1:0.9", "2.0", "10.0",
            "1.0.0", "0", "1.0-1~bpo1", "1.0-1.1"]


def suitefs(*args, status=(0,)):
    p = subprocess.run([os.environ["SUITEFS"], "--quiet"] + list(args),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode not in status or p.stderr:
        sys.exit("%s: status %d: %s" % (" ".join(args), p.returncode,
                                        p.stderr.decode()))
    return p.stdout.decode()


def stanza(rng, kind, arch):
    name, version = rng.choice(NAMES), rng.choice(VERSIONS)
    lines = ["Package: " + name]
    if kind != "source" and rng.random() < 0.5:
        lines.append("Source: " + rng.choice(SOURCES))
    lines.append("Version: " + version)
    digest = hashlib.sha256(repr((name, version, arch)).encode()).hexdigest()
    if kind == "source":
        lines += ["Directory: pool/" + name, "Checksums-Sha256:",
                  " %s 1 %s_%s.dsc" % (digest, name, version)]
    else:
        lines += ["Architecture: " + arch,
                  "Filename: pool/%s_%s_%s.deb" % (name, version, arch),
                  "Size: 1", "SHA256: " + digest]
    # The same package with other content, now and then.
    if rng.random() < 0.2:
        lines.append("Comment: " + rng.choice("xy"))
    if rng.random() < 0.1:
        lines.append("Depends: " + rng.choice(NAMES))
    return (name, version, arch), "\n".join(lines) + "\n"


def stanzas(rng, kind, arch, most):
    return dict(stanza(rng, kind, arch) for _ in range(rng.randint(0, most)))


def source_of(text):
    for line in text.split("\n"):
        if line.startswith("Source: "):
            return line[8:]
    return text.split("\n")[0][9:]


def index(rng, packages):
    """The text of an index: sorted in one of the ways that archives do."""
    items = list(packages.items())
    order = rng.random()
    if order < 0.4:
        items.sort(key=lambda i: (source_of(i[1]), i[0][0]))
    elif order < 0.8:
        items.sort(key=lambda i: i[0][0])
    else:
        rng.shuffle(items)
    return "".join(text + "\n" for _, text in items)


def make_flat(rng):
    packages = {}
    for arch in rng.sample(["amd64", "arm64", "all"], rng.randint(1, 3)):
        packages.update(stanzas(rng, "binary", arch, 6))
    return {"Packages": index(rng, packages)}


def make_suite(rng):
    """Files, and whether binary-<arch> has what is for any architecture."""
    files = {}
    archs = rng.sample(["amd64", "arm64"], rng.randint(1, 2))
    apart = rng.random() < 0.3
    has_all = apart or rng.random() < 0.5
    for component in rng.sample(["main", "contrib"], rng.randint(1, 2)):
        for kind, path in (("binary", "%s/binary-%s/Packages"), (
                "udeb", "%s/debian-installer/binary-%s/Packages")):
            if kind == "udeb" and rng.random() < 0.7:
                continue
            for_all = stanzas(rng, kind, "all", 6)
            for arch in archs:
                packages = stanzas(rng, kind, arch, 6)
                if not apart:
                    packages.update(for_all)
                files[path % (component, arch)] = index(rng, packages)
            if has_all:
                files[path % (component, "all")] = index(rng, for_all)
        if rng.random() < 0.5:
            files[component + "/source/Sources"] = index(
                rng, stanzas(rng, "source", "source", 6))
    return files, apart, archs + (["all"] if has_all else [])


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def make_archive(rng, top):
    """Writes an archive; what mirror create needs to know of it."""
    head = "Date: Sat, 17 May 2025 09:51:27 UTC\n"
    suite, below = "./", top
    if rng.random() < 0.2:
        files = make_flat(rng)
    else:
        files, apart, archs = make_suite(rng)
        suite, below = "s", top + "/dists/s"
        head += "Suite: s\nComponents: %s\nArchitectures: %s\n" % (
            " ".join(sorted({f.split("/")[0] for f in files})),
            " ".join(archs))
        if not apart:
            head += "No-Support-for-Architecture-all: Packages\n"
    head += "SHA256:\n"
    for path, text in sorted(files.items()):
        write(below + "/" + path, text)
        head += " %s %d %s\n" % (hashlib.sha256(text.encode()).hexdigest(),
                                 len(text), path)
    write(below + "/Release", head)
    options = ["--source"] if any("Sources" in f for f in files) else []
    if any("debian-installer" in f for f in files):
        options.append("--udeb")
    return suite, options


def make_snapshots(rng, top, mount):
    names = []
    for i in range(ARCHIVES):
        name = "a%d" % i
        suite, options = make_archive(rng, top + "/" + name)
        suitefs("mirror", "create", "--allow-unsigned", "--no-indexes",
                *options, name, "file:" + top + "/" + name, suite)
        names.append(name)
    subprocess.run([os.environ["SUITEFS"], "--quiet", "mirror", "update"] +
                   names, check=True, stderr=subprocess.DEVNULL)
    for name in names:
        suitefs("snapshot", "create", name, "from", "mirror", name)
    return {n: oracle.Snapshot("%s/snapshots/%s" % (mount, n)) for n in names}


def check(rng, i, mount, snapshots):
    """What is wrong with one pair."""
    names = rng.sample(sorted(snapshots), rng.choice([2, 2, 2, 3]))
    if rng.random() < 0.05:
        names[1] = names[0]
    sources = [snapshots[n] for n in names]
    mode = rng.choice(["replace", "no-remove", "latest"])
    dst = "m%d" % i
    suitefs("snapshot", "merge",
            *([] if mode == "replace" else ["--" + mode]), dst, *names)
    result = oracle.Snapshot("%s/snapshots/%s" % (mount, dst))
    bad = ["merge --%s %s: %s" % (mode, " ".join(names), b)
           for b in oracle.check_merge(result, sources, mode)]
    other = rng.choice([names[1], dst])
    b = result if other == dst else sources[1]
    matching = ["--only-matching"] if rng.random() < 0.2 else []
    rows = json.loads(suitefs("--json", "snapshot", "diff", "--fields",
                              *matching, names[0], other, status=(0, 3)))
    return bad + ["diff %s %s: %s" % (names[0], other, w)
                  for w in oracle.check_diff(rows, sources[0], b, matching)]


def main():
    top, mount, count, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    snapshots = make_snapshots(rng, top, mount)
    bad = []
    for i in range(int(count)):
        bad += check(rng, i, mount, snapshots)
    for line in bad[:20]:
        print(line, file=sys.stderr)
    sys.exit(1 if bad else 0)


main()
