#!/usr/bin/python3
"""Spoils entries of copies of a store, one each, and runs all commands.

None crashes, whatever they find; each failure has a message; db check finds
what is damaged (that an entry is gone only where something names it); and what is read of the tree has the bytes that it had or is an
error, never other bytes.  The last line says how many rounds there were.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HOW = ("bit", "cut", "junk", "wrong", "gone", "other")
# Below the program: the check values tell, whatever is hit.
BY_DISK = ("bit", "cut", "junk")
COMMANDS = (
    "mirror list", "mirror show m", "mirror search m", "snapshot list",
    "snapshot show --packages one", "snapshot search two", "publish list",
    "publish show stable", "db stats", "db cleanup --dry-run",
    "snapshot fetch one", "publish switch stable two", "mirror update m",
    "snapshot create three from mirror m", "snapshot drop three",
    "publish drop stable", "snapshot drop one", "db cleanup --grace=0",
    "db backup {store}/backup", "db check --blobs")


class Broken(Exception):
    pass


class Harness:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.work = tempfile.mkdtemp(prefix="damage.", dir=options.work)
        self.begun = time.monotonic()
        self.failures = []
        self.rounds = 0
        self.noticed = 0

    def call(self, store, args):
        done = subprocess.run(
            args, env=dict(os.environ, SUITEFS_STORE=store), text=True,
            errors="replace", stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode < 0:
            raise Broken("%s: killed by signal %d: %s" % (
                " ".join(args[1:]), -done.returncode, done.stderr))
        return done

    def suitefs(self, store, command):
        words = command.format(store=store).split()
        done = self.call(store, [self.options.suitefs, "--quiet"] + words)
        if done.returncode not in (0, 1, 2, 3):
            raise Broken("%s: exit status %d" % (command, done.returncode))
        if done.returncode in (1, 2) and not re.match(
                "suitefs: .{8}", done.stderr):
            raise Broken("%s: does not say why: %r" % (command, done.stderr))
        return done

    def walk(self, store):
        done = self.call(store, [self.options.walk, store])
        files = {}
        for line in done.stdout.splitlines():
            path, _, size, _, sha256, _ = line.split("\t")
            files[path] = (size, sha256)
        return files, done

    def copy(self):
        store = self.work + "/store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.options.base, store)
        if os.path.exists(store + "/db/lock.mdb"):
            os.unlink(store + "/db/lock.mdb")
        return store

    def judge(self, store, how):
        check = self.suitefs(store, "db check")
        if check.returncode == 3:
            self.noticed += 1
        elif check.returncode == 0 and how in BY_DISK:
            raise Broken("db check finds nothing")
        files, walked = self.walk(store)
        # A number that is wrong with a right check value may lead anywhere.
        if how in BY_DISK or how == "gone":
            for path, what in files.items():
                if self.whole.get(path, what) != what:
                    raise Broken("other bytes than before: " + path)
        if "has other bytes" in walked.stderr:
            raise Broken("walk: " + walked.stderr)
        for command in self.rng.sample(COMMANDS, self.options.commands):
            self.suitefs(store, command)

    def run(self):
        self.whole, walked = self.walk(self.copy())
        if walked.returncode != 0:
            raise SystemExit(walked.stderr)
        tables = self.call(self.options.base, [
            self.options.damage, self.options.base]).stdout.split()
        kinds = [(t, h) for t in tables for h in HOW]
        while self.rounds < self.options.rounds and len(self.failures) < 5:
            if self.rounds % len(kinds) == 0:
                self.rng.shuffle(kinds)
            if time.monotonic() - self.begun > self.options.seconds:
                break
            table, how = kinds[self.rounds % len(kinds)]
            self.round(table, how)
        print("damage: %d rounds in %d tables in %.0f s, %d found by db check,"
              " %d failed (seed %d)" % (
                  self.rounds, len(tables), time.monotonic() - self.begun,
                  self.noticed, len(self.failures), self.options.seed))

    def round(self, table, how):
        self.rounds += 1
        store = self.copy()
        seed = self.rng.randrange(1 << 30)
        try:
            done = self.call(store, [self.options.damage, store, table, how,
                                     str(seed)])
            if done.returncode == 1:
                return
            if done.returncode != 0:
                raise Broken("damage: " + done.stderr)
            self.judge(store, how)
        except (Broken, subprocess.TimeoutExpired) as e:
            keep = self.work + "/failed%d" % len(self.failures)
            os.rename(store, keep)
            self.failures.append("%s %s %d: %s (left in %s)" % (
                table, how, seed, e, keep))
            print(self.failures[-1], file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--suitefs", required=True)
    parser.add_argument("--walk", required=True)
    parser.add_argument("--damage", required=True)
    parser.add_argument("--commands", type=int, default=3,
                        help="how many of them in each round")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 31)
    harness = Harness(options)
    harness.run()
    if harness.failures:
        return 1
    shutil.rmtree(harness.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
