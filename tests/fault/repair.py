#!/usr/bin/python3
"""Spoils entries of copies of a store, one each, and has them repaired.

Where an entry has an origin, db check finds nothing after db check --repair, and
the tree is byte for byte what it was.  Where it has none, that is said, and what
is still served has the bytes that it had.  The last line says how many rounds
there were.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time

# What the store, or the archive, can tell again; and what it can't.
MENDED = ("meta", "contents", "package-ids", "light", "heavy", "run-ids",
          "runs", "lists", "forms", "form-ids", "pieces", "blobs", "gone",
          "sightings", "prefixes", "dropped", "paths")
TOLD = ("texts", "origins", "states", "mirrors", "snapshots", "publications",
        "keys", "roots")
BY_DISK = ("bit", "cut", "junk")


class Broken(Exception):
    pass


class Harness:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.store = options.work + "/store"
        self.begun = time.monotonic()
        self.rounds = self.mended = 0
        self.failures = []

    def call(self, *args):
        done = subprocess.run(
            args, env=dict(os.environ, SUITEFS_STORE=self.store), text=True,
            errors="replace", stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode < 0:
            raise Broken("%s: killed by signal %d" % (
                " ".join(args), -done.returncode))
        return done

    def suitefs(self, *args):
        return self.call(self.options.suitefs, "--quiet", *args)

    def walk(self):
        done = self.call(self.options.walk, self.store)
        files = {}
        for line in done.stdout.splitlines():
            path, _, size, _, sha256, _ = line.split("\t")
            files[path] = (size, sha256)
        return files, done

    def copy(self):
        shutil.rmtree(self.store, ignore_errors=True)
        shutil.copytree(self.options.base, self.store)
        if os.path.exists(self.store + "/db/lock.mdb"):
            os.unlink(self.store + "/db/lock.mdb")

    def judge(self, table, how):
        repair = self.suitefs("db", "check", "--repair")
        found = repair.returncode == 3
        if repair.returncode not in (0, 3):
            raise Broken("repair: exit status %d: %s%s" % (
                repair.returncode, repair.stdout, repair.stderr))
        if how in BY_DISK and not found:
            raise Broken("db check finds nothing")
        again = self.suitefs("db", "check", "--blobs")
        files, _ = self.walk()
        # A number that is wrong with a right check value may lead anywhere,
        # where it has no origin to be compared with.
        by_disk = how in BY_DISK or how == "gone"
        for path, what in files.items():
            if (by_disk or table in MENDED) and \
                    self.whole.get(path, what) != what:
                raise Broken("other bytes than before: " + path)
        if again.returncode == 0 and found:
            self.mended += 1
        if table in MENDED and by_disk:
            if again.returncode != 0:
                raise Broken("not repaired: %s-- then\n%s" % (
                    repair.stdout, again.stdout))
            if files != self.whole:
                raise Broken("the tree is not what it was: %s" % sorted(
                    set(self.whole.items()) ^ set(files.items()))[:3])
        if again.returncode == 3 and not repair.stdout:
            raise Broken("does not say what can't be had")

    def round(self, table, how):
        seed = self.rng.randrange(1 << 30)
        self.rounds += 1
        self.copy()
        try:
            done = self.call(self.options.damage, self.store, table, how,
                             str(seed))
            if done.returncode == 1:
                return
            if done.returncode != 0:
                raise Broken("damage: " + done.stderr)
            self.judge(table, how)
        except (Broken, subprocess.TimeoutExpired) as e:
            self.failures.append("%s %s %d: %s" % (table, how, seed, e))
            print(self.failures[-1], file=sys.stderr, flush=True)

    def run(self):
        self.copy()
        self.whole, walked = self.walk()
        if walked.returncode != 0:
            raise SystemExit(walked.stderr)
        tables = self.call(
            self.options.damage, self.options.base).stdout.split()
        unknown = set(tables) - set(MENDED) - set(TOLD) - {"dicts"}
        if unknown:
            raise SystemExit("what becomes of %s?" % unknown)
        # The kinds that matter most for each table, then others.
        kinds = [(t, h) for h in ("bit", "gone") for t in tables]
        others = [(t, h) for t in tables
                  for h in ("cut", "junk", "wrong", "other")]
        self.rng.shuffle(others)
        kinds += others
        while self.rounds < self.options.rounds and len(self.failures) < 5:
            late = time.monotonic() - self.begun > self.options.seconds
            if late and self.rounds >= 2 * len(tables):
                break
            self.round(*kinds[self.rounds % len(kinds)])
        print("repair: %d rounds in %d tables in %.0f s, %d repaired,"
              " %d failed (seed %d)" % (
                  self.rounds, len(tables), time.monotonic() - self.begun,
                  self.mended, len(self.failures), self.options.seed))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--suitefs", required=True)
    parser.add_argument("--walk", required=True)
    parser.add_argument("--damage", required=True)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 31)
    harness = Harness(options)
    harness.run()
    return 1 if harness.failures else 0


if __name__ == "__main__":
    sys.exit(main())
