#!/usr/bin/python3
"""Runs one command on copies of a store while things go wrong.

  faults.py MODE [OPTION...] -- COMMAND...

COMMAND is run with $SUITEFS_STORE set to a copy of --base.  MODE is

  power   once; what it does to files is recorded, and stores are made of that
          as a power failure at each instant could leave them
  kill    again and again, killed before one of the operations on files
  fail    ... one operation on files fails, or it and all that follow
  malloc  ... one allocation fails

After each round: a command that was not killed ended in an orderly way, with a
message where it failed; db check --blobs finds nothing; every snapshot, mirror
and publication is byte for byte what it was before or what the command makes of
it; no file that was there is lost; and the command run again succeeds.

The last line says how many rounds there were.  Exit status 1: a round failed;
what it left is kept, and where is said.
"""

import argparse
import errno
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HEADER = struct.Struct("=IIIIQQQ")  # struct entry in fault.h
SECTOR = 512
TIMEOUT = 120  # seconds for one command


# --- what a store shows ------------------------------------------------------


class Broken(Exception):
    """A promise that was not kept."""


def units(text):
    """What walk prints, as {unit: {path: what}} and the files present."""
    shown, present = {}, set()
    for line in text.splitlines():
        path, ino, size, mtime, sha256, state = line.split("\t")
        part = path.split("/")
        if part[0] in ("snapshots", "mirrors"):
            unit = "/".join(part[:2])
        else:
            unit = re.sub("(^|/)(dists|pool)/.*", "", path) or "."
        shown.setdefault(unit, {})[path] = (ino, size, mtime, sha256)
        if state == "present":
            present.add(sha256)
    return shown, present


class Store:
    """Looks at a store with the programs under test."""

    def __init__(self, options):
        self.options = options

    def environ(self, store, **more):
        env = dict(os.environ, SUITEFS_STORE=store)
        env.update(more)
        return env

    def call(self, store, args, **more):
        return subprocess.run(args, env=self.environ(store, **more),
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", check=False)

    def walk(self, store):
        if not os.path.exists(store + "/db/data.mdb"):
            return {}, set()
        done = self.call(store, [self.options.walk, store])
        if done.returncode != 0:
            raise Broken("walk: " + done.stderr)
        return units(done.stdout)

    def check(self, store):
        """False: there is no store yet."""
        done = self.call(store, [self.options.suitefs, "--quiet", "db",
                                 "check", "--blobs"])
        if done.returncode == 0 and not done.stdout and not done.stderr:
            return True
        if self.options.may_be_none and done.returncode == 1 and re.search(
                "no store|not a suitefs store|is empty", done.stderr):
            return False
        raise Broken("db check: %d: %s%s" % (
            done.returncode, done.stdout, done.stderr))


def alike(have, want):
    """The same but for what a signature of another time changes, and numbers
    that are given out."""

    def plain(unit):
        return {path: what[3] for path, what in unit.items()
                if "/by-hash/" not in path and
                not re.search("/(Release|InRelease|Release.gpg)$", path)}

    releases = {path for path in have if path not in plain(have)}
    return plain(have) == plain(want) and {
        path for path in want if path not in plain(want)
        and "/by-hash/" not in path} <= releases


def compare(got, before, after, options):
    """Each unit is as it was or as it will be."""
    shown, present = got
    for unit in set(shown) | set(before[0]) | set(after[0]):
        have = shown.get(unit, {})
        if have in (before[0].get(unit, {}), after[0].get(unit, {})):
            continue
        was = before[0].get(unit, {})
        if options.mode != "power" and alike(have, after[0].get(unit, {})):
            continue
        odd = [path for path in set(have) | set(was)
               if have.get(path) != was.get(path)]
        raise Broken("%s is neither what it was nor what it will be: %s" % (
            unit, ", ".join(sorted(odd)[:8])))
    lost = before[1] - present
    if options.takes_away:
        lost &= after[1]
    if lost:
        raise Broken("files are lost: " + ", ".join(sorted(lost)[:4]))


# --- a store as it was after a power failure ---------------------------------


def read_log(name):
    with open(name, "rb") as f:
        data = f.read()
    at, entries = 0, []
    while at < len(data):
        op, flags, n, n2, ino, offset, size = HEADER.unpack_from(data, at)
        at += HEADER.size
        path = data[at:at + n].decode()
        path2 = data[at + n:at + n + n2].decode()
        at += n + n2
        entries.append((chr(op), flags, path, path2, ino, offset,
                        data[at:at + size]))
        at += size
    return entries


class File:
    """Its bytes on disk, and what was written but not flushed."""

    def __init__(self, data=b""):
        self.disk = bytearray(data)
        self.pending = []  # (offset, bytes), or (size, None) for a cut

    @staticmethod
    def apply(data, change):
        offset, new = change
        if new is None:
            del data[offset:]
            data.extend(bytes(offset - len(data)))
        else:
            if len(data) < offset:
                data.extend(bytes(offset - len(data)))
            data[offset:offset + len(new)] = new

    def flush(self):
        for change in self.pending:
            self.apply(self.disk, change)
        self.pending = []

    def content(self, keep, rng):
        data = bytearray(self.disk)
        for change in self.pending:
            if keep == "some":
                if rng.random() < 0.5:
                    continue
                if change[1] and rng.random() < 0.3:
                    cut = rng.randrange(len(change[1]) + 1)
                    change = (change[0], change[1][:cut // SECTOR * SECTOR])
            elif keep == "none":
                break
            self.apply(data, change)
        return bytes(data)


DIR = object()


class Disk:
    """The store in memory: what would be on the disk, and what is not yet."""

    def __init__(self, base):
        self.names = {"": DIR}   # flushed
        self.pending = []        # changes of names: (op, path, path2, what)
        self.now = {}            # as programs see it
        self.by_ino = {}
        for top, dirs, files in os.walk(base):
            rel = os.path.relpath(top, base)
            rel = "" if rel == "." else rel + "/"
            for name in dirs:
                self.names[rel + name] = DIR
            for name in files:
                if rel + name == "db/lock.mdb":
                    continue
                with open(os.path.join(top, name), "rb") as f:
                    self.names[rel + name] = File(f.read())
        self.now = dict(self.names)

    @staticmethod
    def rename(names, change):
        op, path, path2, what = change
        if op == "r":
            names[path2] = what
            names.pop(path, None)
        elif op == "l":
            names[path2] = what
        elif op in "ud":
            names.pop(path, None)
        else:
            names[path] = what

    def change(self, op, path, path2, what):
        self.pending.append((op, path, path2, what))
        self.rename(self.now, self.pending[-1])

    def flush_dir(self, path):
        left = []
        for change in self.pending:
            dirs = [os.path.dirname(p) for p in change[1:3] if p]
            if path in dirs:
                self.rename(self.names, change)
            else:
                left.append(change)
        self.pending = left

    def step(self, entry):
        op, flags, path, path2, ino, offset, data = entry
        if op == "o":
            if path not in self.now:
                self.change("o", path, "", File())
            self.by_ino[ino] = self.now[path]
            if flags & 2:
                self.by_ino[ino].pending.append((0, None))
        elif op == "w" and flags & 1:
            File.apply(self.by_ino[ino].disk, (offset, data))
        elif op == "w":
            self.by_ino[ino].pending.append((offset, data))
        elif op == "t":
            self.by_ino[ino].pending.append((offset, None))
        elif op == "s" and flags & 1:
            self.flush_dir(path)
        elif op == "s":
            self.by_ino[ino].flush()
        elif op in "rl":
            self.change(op, path, path2, self.now[path])
        elif op in "ud":
            self.change(op, path, "", None)
        elif op == "m":
            self.change(op, path, "", DIR)

    def after(self, keep_data, keep_names, rng):
        """What is there after a failure, as {path: bytes or None}."""
        names = dict(self.names)
        n = len(self.pending)
        n = {"all": n, "none": 0, "some": rng.randint(0, n)}[keep_names]
        for change in self.pending[:n]:
            self.rename(names, change)
        return {path: None if what is DIR else what.content(keep_data, rng)
                for path, what in names.items()}


VARIANTS = (("all", "all"), ("none", "none"), ("none", "all"),
            ("all", "none"), ("some", "some"), ("some", "some"))


def lay_out(image, store):
    for path in sorted(image):
        full = os.path.join(store, path) if path else store
        if path and os.path.dirname(path) and not os.path.isdir(
                os.path.dirname(full)):
            continue
        if image[path] is None:
            os.mkdir(full)
        else:
            with open(full, "wb") as f:
                f.write(image[path])


# --- rounds ------------------------------------------------------------------


class Harness:
    def __init__(self, options):
        self.options = options
        self.store = Store(options)
        self.rng = random.Random(options.seed)
        self.work = tempfile.mkdtemp(prefix="faults.", dir=options.work)
        self.begun = time.monotonic()
        self.rounds = 0
        self.faults = 0
        self.failures = []

    def copy(self, name):
        target = os.path.join(self.work, name)
        shutil.rmtree(target, ignore_errors=True)
        if os.path.exists(self.options.base):
            shutil.copytree(self.options.base, target, symlinks=True)
            if os.path.exists(target + "/db/lock.mdb"):
                os.unlink(target + "/db/lock.mdb")
        return target

    def run(self, store, **faults):
        """The command, with the library loaded."""
        os.makedirs(store, exist_ok=True)
        env = {"FAULT_" + name.upper(): str(value)
               for name, value in faults.items()}
        return self.store.call(store, self.options.command,
                               LD_PRELOAD=self.options.lib,
                               FAULT_STORE=store, **env)

    def prepare(self):
        """What there was and will be, and how many faults are possible."""
        before = self.copy("before")
        self.before = self.store.walk(before)
        whole = self.copy("whole")
        counts, log = self.work + "/count", self.work + "/log"
        done = self.run(whole, count=counts, log=log)
        if done.returncode != 0:
            raise SystemExit("without any fault: %d: %s%s" % (
                done.returncode, done.stdout, done.stderr))
        self.store.check(whole)
        self.after = self.store.walk(whole)
        with open(counts, encoding="ascii") as f:
            self.operations, self.allocations = map(int, f.read().split())
        self.log = read_log(log)
        if self.options.forget_syncs:
            self.log = [e for e in self.log if e[0] != "s"]

    def over(self):
        return (self.rounds >= self.options.rounds or
                time.monotonic() - self.begun > self.options.seconds or
                len(self.failures) >= 5)

    def again(self, store, got):
        """The command run again does what it is to do, unless it has been
        done."""
        done = self.store.call(store, self.options.command)
        if done.returncode != 0 and not (
                self.options.again and got[0].keys() == self.after[0].keys()
                and re.search(self.options.again, done.stderr)):
            raise Broken("run again: %d: %s" % (done.returncode, done.stderr))
        self.store.check(store)
        shown = self.store.walk(store)[0]
        for unit in set(shown) | set(self.after[0]):
            if not alike(shown.get(unit, {}), self.after[0].get(unit, {})):
                raise Broken("run again, it makes another " + unit)

    def judge(self, store):
        got = {}, set()
        if self.store.check(store):
            got = self.store.walk(store)
        compare(got, self.before, self.after, self.options)
        self.again(store, got)

    def round(self, store, what, work):
        self.rounds += 1
        try:
            work()
            self.judge(store)
        except (Broken, subprocess.TimeoutExpired, AssertionError) as e:
            keep = os.path.join(self.work, "failed%d" % len(self.failures))
            if os.path.exists(store):
                os.rename(store, keep)
            self.failures.append("%s: %s (left in %s)" % (what, e, keep))
            print(self.failures[-1], file=sys.stderr, flush=True)
        shutil.rmtree(store, ignore_errors=True)

    # power ...

    def disk_after(self, k):
        disk = Disk(self.options.base)
        for entry in self.log[:k]:
            disk.step(entry)
        return disk

    def power(self):
        """Each point with each variant, then those again that are random."""
        points = [(k, v) for k in range(len(self.log) + 1)
                  for v in range(len(VARIANTS))]
        self.faults = len(self.log)
        seen = set()
        while not self.over():
            before = len(seen)
            self.rng.shuffle(points)
            for k, v in points:
                if self.over():
                    break
                image = self.disk_after(k).after(*VARIANTS[v], self.rng)
                key = hash(tuple(sorted(image.items(), key=lambda i: i[0])))
                if key in seen:
                    continue
                seen.add(key)
                store = os.path.join(self.work, "power")
                self.round(store, "power fails after %d of %d operations, "
                           "kept: data %s, names %s" % (
                               k, len(self.log), *VARIANTS[v]),
                           lambda image=image: lay_out(image, store))
            if len(seen) == before:
                break  # there are no others

    # ... kill, fail, malloc

    def spread(self, n):
        """1..n, a sample where there are too many."""
        order = list(range(1, n + 1))
        self.rng.shuffle(order)
        return order

    def kill(self):
        self.faults = self.operations
        for n in self.spread(self.operations):
            if self.over():
                break
            store = self.copy("kill")

            def work(n=n, store=store):
                self.run(store, at="%d:kill" % n)

            self.round(store, "killed before operation %d of %d" % (
                n, self.operations), work)

    def orderly(self, done, message):
        """It succeeded, or failed and says why."""
        if done.returncode == 0:
            return
        # What can't be looked at for want of memory may seem wrong usage.
        if done.returncode != 1 and not (
                done.returncode == 2 and self.options.mode == "malloc"):
            raise Broken("exit status %d: %s" % (
                done.returncode, done.stderr))
        if not re.search(message, done.stderr):
            raise Broken("does not say why: " + done.stderr)
        # One for each file that can't be had, and one for all.
        if len(done.stderr.splitlines()) > 6:
            raise Broken("says too much: " + done.stderr)

    def fail(self):
        ways = [(n, way, code) for n in self.spread(self.operations)
                for way in ("at", "from")
                for code in (errno.ENOSPC, errno.EIO)]
        self.rng.shuffle(ways)
        self.faults = len(ways)
        for n, way, code in ways:
            if self.over():
                break
            store = self.copy("fail")

            def work(n=n, way=way, code=code, store=store):
                done = self.run(store, **{way: "%d:%d" % (n, code)})
                self.orderly(done, os.strerror(code) + "|full|"
                             "No space left|Input/output error")

            self.round(store, "%s %s operation %d of %d" % (
                errno.errorcode[code], way, n, self.operations), work)

    def malloc(self):
        self.faults = self.allocations
        for n in self.spread(self.allocations):
            if self.over():
                break
            store = self.copy("malloc")

            def work(n=n, store=store):
                done = self.run(store, malloc=n)
                self.orderly(done, "(?i)memory")

            self.round(store, "allocation %d of %d" % (n, self.allocations),
                       work)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("power", "kill", "fail", "malloc"))
    parser.add_argument("--name", default="")
    parser.add_argument("--base", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--suitefs", required=True)
    parser.add_argument("--lib", required=True)
    parser.add_argument("--walk", required=True)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    # It removes files that were there, if it is done.
    parser.add_argument("--takes-away", action="store_true")
    # There need be no store afterwards.
    parser.add_argument("--may-be-none", action="store_true")
    # Takes a program that never flushes anything: it has to fail.
    parser.add_argument("--forget-syncs", action="store_true")
    # What it says when what it is to do has been done.
    parser.add_argument("--again", default="")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 31)
    harness = Harness(options)
    harness.prepare()
    getattr(harness, options.mode)()
    print("%s %s: %d rounds of %d possible faults in %.0f s, %d failed "
          "(seed %d)" % (options.mode, options.name, harness.rounds,
                         harness.faults, time.monotonic() - harness.begun,
                         len(harness.failures), options.seed))
    if harness.failures:
        return 1
    shutil.rmtree(harness.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
