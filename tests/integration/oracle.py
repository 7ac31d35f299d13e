"""What merge and diff of snapshots are to be, in the plainest way: whole lists
in memory, every pair of packages compared.  Snapshots are read from the mount.
"""

import functools
import os
import re
import subprocess

try:
    import apt_pkg
    apt_pkg.init_system()
    compare = apt_pkg.version_compare
except ImportError:
    @functools.lru_cache(None)
    def compare(a, b):
        for op, result in (("lt", -1), ("gt", 1)):
            if subprocess.call(["dpkg", "--compare-versions", a, op, b]) == 0:
                return result
        return 0


class Package:
    def __init__(self, text, kind):
        self.text = text
        fields = dict(re.findall(r"^([^\s:]+):[ \t]*(.*)$", text, re.M))
        self.name = fields["Package"]
        self.version = fields["Version"]
        self.arch = "source" if kind == "source" else fields["Architecture"]
        self.key = self.name, self.arch
        self.identity = self.name, self.version, self.arch


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Snapshot:
    """lists: (component, kind, architecture) -> packages in order."""

    def __init__(self, top):
        self.lists = {}
        flat = not os.path.isdir(top + "/dists")
        if not flat:
            (suite,) = os.listdir(top + "/dists")
            top += "/dists/" + suite
        release = read(top + "/Release")
        self.no_arch_all = "\nNo-Support-for-Architecture-all:" in release
        for path in re.findall(r"^ [0-9a-f]{64} +\d+ (\S+)$", release, re.M):
            if re.search(r"(^|/)(Packages|Sources)$", path):
                self.add(top, path, flat)

    def add(self, top, path, flat):
        kind = "source" if path.endswith("Sources") else "binary"
        if "/debian-installer/" in path:
            kind = "udeb"
        packages = [Package(text, kind)
                    for text in read(top + "/" + path).split("\n\n") if text]
        if not flat:
            arch = re.search(r"/binary-([^/]+)/|$", path).group(1) or "source"
            self.lists[path.split("/")[0], kind, arch] = packages
            return
        archs = {p.arch for p in packages}
        for arch in archs - {"all"} or archs:
            self.lists["main", kind, arch] = [
                p for p in packages if p.arch in (arch, "all")]

    def groups(self):
        return {(c, k) for c, k, _ in self.lists}

    def archs(self, component, kind):
        return {a for c, k, a in self.lists if (c, k) == (component, kind)}

    def visible(self, component, kind, arch):
        """What apt sees of a component on an architecture; where the archive
        is not for it, what is for any architecture."""
        archs = self.archs(component, kind)
        everything = self.lists.get((component, kind, "all"), [])
        if arch in archs:
            own = self.lists[component, kind, arch]
            if self.no_arch_all or arch in ("all", "source"):
                return own
            return own + everything
        if kind == "source" or not archs:
            return []
        if "all" not in archs:
            everything = self.lists[component, kind, min(archs)]
        return [p for p in everything if p.arch == "all"]


def merge(sources, component, kind, arch, mode):
    """The stanzas of a merge, as a set."""
    result, best = [], {}
    for source in sources:
        new = source.visible(component, kind, arch)
        if mode == "latest":
            for p in new:
                q = best.get(p.key)
                if not q or compare(q.version, p.version) <= 0:
                    best[p.key] = p
            result = list(best.values())
        elif mode == "no-remove":
            gone = {p.identity for p in new}
            result = [q for q in result if q.identity not in gone] + new
        else:
            gone = {p.key for p in new}
            result = [q for q in result if q.key not in gone] + new
    return {p.text for p in result}


def check_merge(result, sources, mode):
    """The components, kinds and architectures that differ from the oracle."""
    bad = []
    groups = set().union(*(s.groups() for s in sources))
    if result.groups() != groups:
        bad.append("groups %s, not %s" % (result.groups(), groups))
    for component, kind in groups:
        archs = set().union(*(s.archs(component, kind) for s in sources))
        for arch in archs:
            want = merge(sources, component, kind, arch, mode)
            got = {p.text for p in result.visible(component, kind, arch)}
            if want != got:
                bad.append("%s %s %s: lacks %s, has %s" % (
                    component, kind, arch, sorted(want - got),
                    sorted(got - want)))
    return bad


def fields(text):
    """Names and values; names compare without case."""
    found = {}
    for name, value in re.findall(r"^([^\s:]+):((?:.*\n[ \t])*.*)$", text,
                                  re.M):
        found[name.lower()] = name, value.strip()
    return found


def changed_fields(old, new):
    a, b = fields(old), fields(new)
    names = [(k, (a.get(k) or b.get(k))[0]) for k in set(a) | set(b)
             if (a.get(k) or " ")[1:] != (b.get(k) or " ")[1:]]
    return [name for _, name in sorted(names)]


def by_version(items):
    def cmp(x, y):
        return (compare(x[1].version, y[1].version) or
                (x[1].version > y[1].version) - (x[1].version < y[1].version))
    return sorted(sorted(items, key=lambda x: x[0]),
                  key=functools.cmp_to_key(cmp))


def pair(old, new):
    """Pairs of (component, package), either of which may be None."""
    old, new, pairs = by_version(old), by_version(new), []
    for like in (lambda x, y: x[0] == y[0] and x[1].version == y[1].version,
                 lambda x, y: x[1].version == y[1].version,
                 lambda x, y: x[0] == y[0],
                 lambda x, y: True):
        for x in list(old):
            for y in new:
                if like(x, y):
                    pairs.append((x, y))
                    old.remove(x)
                    new.remove(y)
                    break
    return pairs + [(x, None) for x in old] + [(None, y) for y in new]


def diff(a, b, only_matching=False):
    """Rows as "snapshot diff --json --fields" has them, in any order."""
    only = {}
    for component, kind in a.groups() | b.groups():
        sets = [{p.text: p for arch in s.archs(component, kind)
                 for p in s.lists[component, kind, arch]} for s in (a, b)]
        for side in (0, 1):
            for text in set(sets[side]) - set(sets[1 - side]):
                p = sets[side][text]
                only.setdefault((kind,) + p.key, ([], []))[side].append(
                    (component, p))
    rows = []
    for (kind, name, arch), (old, new) in only.items():
        for x, y in pair(old, new):
            if only_matching and not (x and y):
                continue
            content = bool(x and y and x[1].text != y[1].text)
            rows.append({
                "change": "!" if x and y else "-" if x else "+",
                "kind": kind, "architecture": arch, "name": name,
                "old": x and x[1].version, "new": y and y[1].version,
                "old_component": x and x[0], "new_component": y and y[0],
                "content": content,
                "fields": changed_fields(x[1].text, y[1].text)
                          if content else []})
    return rows


def row_order(x, y):
    vx, vy = x["old"] or x["new"], y["old"] or y["new"]
    return ((x["name"] > y["name"]) - (x["name"] < y["name"]) or
            compare(vx, vy) or (vx > vy) - (vx < vy) or
            (x["architecture"] > y["architecture"]) -
            (x["architecture"] < y["architecture"]))


def check_diff(rows, a, b, only_matching=False):
    """What is wrong with the rows; an empty list: nothing."""
    def key(row):
        return sorted((k, str(v)) for k, v in row.items())
    want = diff(a, b, only_matching)
    bad = ["lacks %s" % r for r in want if r not in rows]
    bad += ["has %s" % r for r in rows if r not in want]
    if sorted(map(key, want)) != sorted(map(key, rows)) and not bad:
        bad.append("has rows twice")
    if rows != sorted(rows, key=functools.cmp_to_key(row_order)):
        bad.append("is not sorted")
    return bad
