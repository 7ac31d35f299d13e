#!/usr/bin/python3
"""A mount, of which operations on files and allocations fail while it is read.

  mount_faults.py --store STORE --mount DIR --snapshot NAME --want DIR ...

STORE is mounted on DIR with the library of fault.h loaded, which is told through
its struct control what is to fail.  In each round one pool file of the snapshot
is made remote, one thing is to fail, the file is opened together with others,
and then all is well again:

  - the file is whole and right, or open(2) fails with EIO and the log says why;
    where memory is refused, ENOMEM is an answer too
  - no other bytes than the right ones are ever read, of no file; files that are
    there can be read while the disk fails
  - what stands among the blobs is whole
  - when all is well again the file can be had, from the same process

Then mounts are begun with an allocation that fails: they say so, or serve.

The last line says how many rounds there were.  Exit status 1: a round failed.
"""

import argparse
import errno
import hashlib
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import time

CONTROL = struct.Struct("=QQQQQq")  # struct control in fault.h
AGAIN_S = 10  # until a file has to be there, once all is well
# So long a failure is remembered by the mount: of upstream's, as which errors
# of the disk count too, and of a lack of room or memory.
REST_S = 21
SHORT_REST_S = 2
WHY = re.compile("No space left|Input/output error|[mM]emory")


class Broken(Exception):
    """A promise that was not kept."""


class Control:
    """What is to fail, in all processes of the mount."""

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), mmap.PAGESIZE)

    def set(self, at=0, start=0, malloc=0, how=0):
        CONTROL.pack_into(self.map, 0, 0, 0, at, start, malloc, how)

    def counted(self):
        return CONTROL.unpack_from(self.map, 0)[:2]


def read(path):
    """The bytes of a file, asked of the mount and not of the page cache; an
    error in open has the attribute at_open."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as e:
        e.at_open = True
        raise
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        parts = []
        while True:
            part = os.read(fd, 1 << 17)
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(fd)


class Harness:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.control = Control(options.work + "/control")
        self.log = options.work + "/log"
        self.env = dict(os.environ, SUITEFS_STORE=options.store,
                        LD_PRELOAD=options.lib, FAULT_STORE=options.store,
                        FAULT_CONTROL=options.work + "/control")
        self.tree = os.path.join(options.mount, "snapshots", options.snapshot)
        self.mount = None
        self.rounds = self.faults = self.failed = 0
        self.want = {}
        self.others = []
        self.rest = {}  # files that have failed: until when they do

    # --- the mount ---

    def start(self):
        with open(self.log, "ab") as log:
            self.mount = subprocess.Popen(
                [self.options.suitefs, "mount", "-f", self.options.mount],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_mounted(self):
        until = time.monotonic() + 30
        while not os.path.ismount(self.options.mount):
            if self.mount.poll() is not None:
                return False
            if time.monotonic() > until:
                raise Broken("neither mounted nor ended: " + self.said(0))
            time.sleep(0.01)
        return True

    def stop(self):
        if self.mount.poll() is None:
            self.mount.terminate()
        return self.mount.wait(30)

    def log_end(self):
        return os.path.getsize(self.log)

    def said(self, since):
        with open(self.log, "rb") as f:
            f.seek(since)
            return f.read().decode(errors="replace")

    # --- what is right ---

    def learn(self):
        """The right bytes of all files that are read, from elsewhere or as they
        are before anything fails."""
        pool = os.path.join(self.tree, "pool")
        for top, _, names in os.walk(pool):
            for name in names:
                path = os.path.join(top, name)
                with open(os.path.join(self.options.want, name), "rb") as f:
                    self.want[path] = f.read()
        self.pool = sorted(self.want)
        for path in self.pool:
            if read(path) != self.want[path]:
                raise Broken(path + " is not what upstream has")
        for top, _, names in os.walk(os.path.join(self.tree, "dists")):
            for name in names:
                path = os.path.join(top, name)
                self.others.append(path)
                self.want[path] = read(path)

    def blob(self, path):
        sha256 = hashlib.sha256(self.want[path]).hexdigest()
        return os.path.join(self.options.store, "blobs/sha256", sha256[:2],
                            sha256)

    def check_blob(self, path):
        try:
            with open(self.blob(path), "rb") as f:
                if f.read() != self.want[path]:
                    raise Broken("half a file stands among the blobs")
        except FileNotFoundError:
            pass

    # --- rounds ---

    def read_right(self, path, allowed):
        """True: it was read; False: it failed as it may."""
        try:
            if read(path) != self.want[path]:
                raise Broken(path + ": other bytes")
        except OSError as e:
            if e.errno not in allowed:
                raise Broken("%s: %s" % (path, e)) from e
            if not getattr(e, "at_open", False) and e.errno != errno.ENOMEM:
                raise Broken("%s: fails when it is read" % path) from e
            return False
        return True

    def come_back(self):
        """All is well: what had failed can be had."""
        until = time.monotonic() + AGAIN_S
        long = [path for path, rest in self.rest.items()
                if rest > time.monotonic() + SHORT_REST_S]
        for path in sorted(set(self.rest) - set(long)):
            while not self.read_right(path, (errno.EIO,)):
                if time.monotonic() > until:
                    raise Broken(path + ": can't be had, with all well again")
                time.sleep(0.1)
        # The others are not asked for again for a while, but for a command.
        if long:
            subprocess.run([self.options.suitefs, "--quiet", "snapshot",
                            "fetch", self.options.snapshot],
                           env=dict(os.environ,
                                    SUITEFS_STORE=self.options.store),
                           check=True)
        for path in self.pool:
            self.read_right(path, ())
            if not os.path.exists(self.blob(path)):
                raise Broken(path + ": was read, and is not there")

    def present(self):
        return [path for path in self.pool if os.path.exists(self.blob(path))]

    def rested(self):
        """A file that no failure is remembered of, and not the last one that is
        there: one has to be read while others can't be had."""
        while True:
            now = time.monotonic()
            present = self.present()
            able = [path for path in self.pool
                    if self.rest.get(path, 0) < now and present != [path]]
            if able:
                return self.rng.choice(able)
            time.sleep(0.1)

    def round(self, path, memory, **fault):
        since = self.log_end()
        present = self.rng.choice([p for p in self.present() if p != path])
        index = self.rng.choice(self.others)
        hard = (errno.ENOMEM, errno.EIO) if memory else ()
        if os.path.exists(self.blob(path)):
            os.unlink(self.blob(path))
        self.control.set(**fault)
        try:
            # Not the one that waits for its turn to fail.
            for other in (present, index):
                self.read_right(other, hard)
            good = self.read_right(path, hard or (errno.EIO,))
            os.listdir(os.path.dirname(path))
            for other in (present, index):
                self.read_right(other, hard)
        except OSError as e:
            if e.errno not in hard:
                raise Broken(str(e)) from e
            good = True
        finally:
            counted = self.control.counted()
            self.control.set()
        self.check_blob(path)
        said = self.said(since)
        if not good:
            short = "Input/output" not in said
            self.rest[path] = time.monotonic() + (
                SHORT_REST_S if short else REST_S)
        if not good and not WHY.search(said):
            raise Broken("the log does not say why: " + said)
        if len(said.splitlines()) > 4:
            raise Broken("the log says too much: " + said)
        for other in (present, index):
            self.read_right(other, ())
        if good and not memory and not self.read_right(path, ()):
            raise Broken(path + " has gone again")
        if self.mount.poll() is not None:
            raise Broken("the mount has ended: " + self.said(since))
        return counted

    def run(self, what, memory=False, **fault):
        self.rounds += 1
        try:
            return self.round(self.rested(), memory, **fault)
        except Broken as e:
            self.failed += 1
            print("%s: %s" % (what, e), file=sys.stderr, flush=True)
            return 0, 0

    def over(self, begun, seconds, limit):
        return (self.failed >= 5 or self.rounds >= limit or
                time.monotonic() - begun > seconds)

    def ways(self, operations, allocations):
        disk = [(n, way, code) for n in range(1, operations + 1)
                for way in ("at", "start")
                for code in (errno.ENOSPC, errno.EIO)]
        memory = [(n, "malloc", errno.ENOMEM)
                  for n in range(1, allocations + 1)]
        self.rng.shuffle(memory)
        self.rng.shuffle(disk)
        # The disk first: there are far fewer.
        return disk + memory

    def serving(self):
        operations, allocations = self.run("nothing fails")
        ways = self.ways(operations, allocations)
        self.faults += len(ways)
        begun = time.monotonic()
        for n, way, code in ways:
            if self.over(begun, self.options.seconds, self.options.rounds):
                break
            if way == "malloc":
                self.run("allocation %d" % n, True, malloc=n)
            else:
                self.run("%s %s operation %d" % (errno.errorcode[code], way, n),
                         **{way: n, "how": code})
        self.come_back()

    def beginning(self):
        """Mounts that begin with an allocation refused."""
        self.control.set()
        self.start()
        if not self.wait_mounted():
            raise Broken("not mounted: " + self.said(0))
        self.stop()
        n = self.control.counted()[1]
        self.faults += n
        order = list(range(1, n + 1))
        self.rng.shuffle(order)
        begun, limit = time.monotonic(), self.rounds + self.options.rounds // 4
        for at in order:
            if self.over(begun, self.options.seconds / 4, limit):
                break
            self.rounds += 1
            since = self.log_end()
            self.control.set(malloc=at)
            self.start()
            if self.wait_mounted():
                self.control.set()
                ok = self.read_right(self.pool[0], (errno.EIO,))
                status = self.stop()
                ok = ok and status == 0
            else:
                ok = self.mount.wait() == 1 and "emory" in self.said(since)
            if not ok:
                self.failed += 1
                print("begun with allocation %d refused: %s" % (
                    at, self.said(since)), file=sys.stderr, flush=True)

    def all(self):
        open(self.log, "wb").close()
        self.start()
        if not self.wait_mounted():
            raise Broken("not mounted: " + self.said(0))
        try:
            self.learn()
            self.serving()
        finally:
            self.control.set()
            status = self.stop()
        if status != 0:
            raise Broken("the mount ends with %d: %s" % (
                status, self.said(0)[-500:]))
        self.beginning()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--mount", required=True)
    parser.add_argument("--snapshot", required=True)
    # A directory with the pool's files, by their names.
    parser.add_argument("--want", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--suitefs", required=True)
    parser.add_argument("--lib", required=True)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1 << 31)
    harness = Harness(options)
    begun = time.monotonic()
    try:
        harness.all()
    except Broken as e:
        harness.failed += 1
        print(e, file=sys.stderr)
    print("mount: %d rounds of %d possible faults in %.0f s, %d failed "
          "(seed %d)" % (harness.rounds, harness.faults,
                         time.monotonic() - begun, harness.failed,
                         options.seed))
    return 1 if harness.failed else 0


if __name__ == "__main__":
    sys.exit(main())
