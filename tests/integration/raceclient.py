#!/usr/bin/python3
"""Clients of a published archive while it changes.

  raceclient.py KIND ROOT DISTRIBUTION KEYRING STOP

ROOT is a directory or an http:// URL.  Until the file STOP is there:

  apt     takes InRelease, verifies it with gpgv, then by hash every file that it
          lists, from the same moment as InRelease or later
  plain   takes InRelease, and then the same files under their names: each has
          the size and hash that the InRelease read before it or one read after
          it says
  walk    lists the whole tree, reads what it finds, and looks at all that it
          has open: an open file keeps its size and bytes
  pool    takes the index by hash and every file of the pool that it names

The last line says how many rounds there were; exit status 1: something was not
as it has to be.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request


class Wrong(Exception):
    pass


class Archive:
    def __init__(self, root, dist, keyring):
        self.root, self.dist, self.keyring = root, dist, keyring
        self.web = root.startswith("http://")

    def read(self, path):
        name = self.root + "/" + path
        try:
            if self.web:
                with urllib.request.urlopen(name, timeout=60) as f:
                    return f.read()
            with open(name, "rb") as f:
                return f.read()
        except (OSError, urllib.error.URLError) as e:
            raise Wrong("%s: %s" % (path, e)) from e

    def release(self):
        """The files that a verified InRelease lists: {path: (sha256, size)}."""
        data = self.read("dists/%s/InRelease" % self.dist)
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            done = subprocess.run(
                ["gpgv", "--keyring", self.keyring, "-o", "-", f.name],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Wrong("InRelease: %s" % done.stderr.decode())
        text = done.stdout.decode()
        listed = re.search("^SHA256:\n((?: .*\n)+)", text, re.M)
        if not listed:
            raise Wrong("InRelease lists nothing")
        files = {}
        for line in listed.group(1).splitlines():
            sha256, size, path = line.split()
            files[path] = (sha256, int(size))
        return files

    def by_hash(self, path, sha256):
        return "dists/%s/%s/by-hash/SHA256/%s" % (
            self.dist, os.path.dirname(path), sha256)


def fits(data, what):
    return len(data) == what[1] and hashlib.sha256(
        data).hexdigest() == what[0]


def apt(archive):
    for path, what in archive.release().items():
        if not fits(archive.read(archive.by_hash(path, what[0])), what):
            raise Wrong("by-hash of %s has other bytes" % path)


def plain(archive):
    """A plain name is of the tree that stands then: of one of the Releases
    around it, or of one between them, which has listed it by hash."""
    before = archive.release()
    for path in before:
        try:
            data = archive.read("dists/%s/%s" % (archive.dist, path))
        except Wrong:
            if path in archive.release():
                raise
            continue
        if fits(data, before[path]):
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        now = archive.release()
        if path in now and fits(data, now[path]):
            continue
        # Of a tree between the two, whole.
        if archive.read(archive.by_hash(path, sha256)) != data:
            raise Wrong("%s is of no tree" % path)


def pool(archive):
    files = archive.release()
    for path, what in files.items():
        if not path.endswith("/Packages"):
            continue
        text = archive.read(archive.by_hash(path, what[0])).decode()
        for stanza in text.split("\n\n"):
            fields = dict(re.findall("^(Filename|Size|SHA256): (.*)$", stanza,
                                     re.M))
            if not fields:
                continue
            data = archive.read(fields["Filename"])
            if not fits(data, (fields["SHA256"], int(fields["Size"]))):
                raise Wrong("%s has other bytes" % fields["Filename"])


def walk(archive):
    """What is open stays what it was, whatever its name means meanwhile."""
    opened = []
    for top, _, names in os.walk(archive.root + "/dists"):
        for name in names:
            try:
                f = open(os.path.join(top, name), "rb")
            except FileNotFoundError:
                continue  # of a directory that has been switched away
            opened.append((f, os.fstat(f.fileno()), os.path.join(top, name)))
    for f, was, name in opened:
        data = f.read()
        now = os.fstat(f.fileno())
        if (len(data), now.st_size, now.st_ino, now.st_mtime) != (
                was.st_size, was.st_size, was.st_ino, was.st_mtime):
            raise Wrong("%s has changed while it was open" % name)
        base = os.path.basename(name)
        if re.fullmatch("[0-9a-f]{64}", base) and hashlib.sha256(
                data).hexdigest() != base:
            raise Wrong("%s has other bytes" % name)
        f.close()


def main():
    kind, root, dist, keyring, stop = sys.argv[1:]
    archive = Archive(root, dist, keyring)
    client = {"apt": apt, "plain": plain, "pool": pool, "walk": walk}[kind]
    rounds = 0
    while not os.path.exists(stop):
        try:
            client(archive)
        except Wrong as e:
            print("%s, round %d: %s" % (kind, rounds, e), flush=True)
            sys.exit(1)
        rounds += 1
    print("%s: %d rounds" % (kind, rounds), flush=True)
    sys.exit(0 if rounds else 1)


main()
