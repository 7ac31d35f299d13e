#!/usr/bin/python3
"""Dependencies the slow, obvious way, for tests to compare with.

    relations.py generate SEED CASES DIR    an archive of generated packages
    relations.py unmet DIR SUITE ARCH[,ARCH...] [build] [all-variants] [why]
    relations.py apt ARCH                   apt-cache unmet's output in our words

Every case of a generated archive has names of its own, so that one archive
holds many that have nothing to do with each other.  What meets a dependency is
told as apt does it: each package contributes facts (name, architecture,
version), and a dependency asks for one fact.
"""
import hashlib
import os
import random
import re
import sys

ARCHES = ['amd64', 'arm64']


# --- versions, deb-version(7) -------------------------------------------------

def order(c):
    if c == '~':
        return -1
    if c.isalpha():
        return ord(c)
    return ord(c) + 256


def compare_part(a, b):
    while a or b:
        x = re.match(r'[^0-9]*', a).group()
        y = re.match(r'[^0-9]*', b).group()
        a, b = a[len(x):], b[len(y):]
        for i in range(max(len(x), len(y))):
            p = order(x[i]) if i < len(x) else 0
            q = order(y[i]) if i < len(y) else 0
            if p != q:
                return p - q
        x = re.match(r'[0-9]*', a).group()
        y = re.match(r'[0-9]*', b).group()
        a, b = a[len(x):], b[len(y):]
        if int(x or 0) != int(y or 0):
            return int(x or 0) - int(y or 0)
    return 0


def split_version(v):
    epoch, rest = v.split(':', 1) if ':' in v else ('0', v)
    upstream, revision = rest.rsplit('-', 1) if '-' in rest else (rest, '0')
    return epoch, upstream, revision


def compare(a, b):
    for x, y in zip(split_version(a), split_version(b)):
        r = compare_part(x, y)
        if r:
            return r
    return 0


def holds(have, op, want):
    if not op:
        return True
    if have is None:
        return False
    r = compare(have, want)
    return {'<<': r < 0, '<=': r <= 0, '=': r == 0, '>=': r >= 0,
            '>>': r > 0}[op]


# --- fields -------------------------------------------------------------------

ALTERNATIVE = re.compile(
    r'^([^\s:([<]+)(?::(\S+))?\s*(?:\((<<|<=|=|>=|>>)\s*(\S+)\))?'
    r'\s*(?:\[([^]]*)\])?\s*((?:<[^>]*>\s*)*)$')


def alternatives(group):
    for text in group.split('|'):
        m = ALTERNATIVE.match(text.strip())
        if not m:
            raise ValueError(text)
        yield m.groups()


def groups(field):
    return [list(alternatives(g)) for g in field.split(',') if g.strip()]


def written(name, qualifier, op, version):
    text = name + (':' + qualifier if qualifier else '')
    return text + (f' ({op} {version})' if op else '')


def concerns(arches, arch):
    words = (arches or '').split()
    if not words:
        return True
    if any(w[0] == '!' for w in words):
        return '!' + arch not in words
    return arch in words or 'linux-any' in words


def in_profiles(lists):
    lists = re.findall(r'<([^>]*)>', lists or '')
    return not lists or any(
        all(w[0] == '!' for w in one.split()) for one in lists)


def stanzas(path):
    if not os.path.exists(path):
        return
    with open(path, encoding='utf-8') as f:
        for text in f.read().split('\n\n'):
            fields = {}
            for line in re.sub(r'\n[ \t]', ' ', text).splitlines():
                name, value = line.split(':', 1)
                fields[name] = value.strip()
            if fields:
                yield fields


# --- what is not met ----------------------------------------------------------

def facts_of(p, native, arches):
    """(name, architecture or 'any' or '=architecture', version) of a package"""
    own = native if p['Architecture'] == 'all' else p['Architecture']
    kind = p.get('Multi-Arch')

    def facts(name, version):
        yield name, own, version
        yield name, '=' + own, version
        if kind == 'foreign':
            for a in arches:
                yield name, a, version
        if kind == 'allowed':
            yield name, 'any', version

    yield from facts(p['Package'], p['Version'])
    for group in groups(p.get('Provides', '')):
        for name, qualifier, op, version, _, _ in group:
            if op not in (None, '='):
                continue
            if qualifier == 'any':
                yield name, 'any', version
            elif qualifier:
                yield name, qualifier, version
                yield name, '=' + qualifier, version
            else:
                yield from facts(name, version)


def is_met(facts, native, name, qualifier, op, version):
    if qualifier is None:
        key = name, native
    elif qualifier == 'native':
        key = name, '=' + native
    elif qualifier == 'any':
        key = name, 'any'
    else:
        key = name, '=' + qualifier
    return any(holds(v, op, version) for v in facts.get(key, ()))


def unmet_of(p, fields, native, facts, all_variants):
    for field in fields:
        for group in groups(p.get(field, '')):
            concerned = [a[:4] for a in group
                         if concerns(a[4], native) and in_profiles(a[5])]
            missing = [a for a in concerned if not is_met(facts, native, *a)]
            if missing and (all_variants or len(missing) == len(concerned)):
                for a in missing:
                    yield field, written(*a)


def unmet(top, suite, arches, options):
    base = f'{top}/dists/{suite}/main'
    lists = {a: list(stanzas(f'{base}/binary-{a}/Packages')) for a in arches}
    rows = {}
    for native in arches:
        facts = {}
        for packages in lists.values():
            for p in packages:
                for name, arch, version in facts_of(p, native, arches):
                    facts.setdefault((name, arch), []).append(version)
        askers = [(p, ['Pre-Depends', 'Depends']) for p in lists[native]]
        if 'build' in options:
            askers += [(dict(p, Architecture='source'),
                        ['Build-Depends', 'Build-Depends-Indep',
                         'Build-Depends-Arch'])
                       for p in stanzas(f'{base}/source/Sources')]
        for p, fields in askers:
            name = '_'.join(
                (p['Package'], p['Version'], p['Architecture']))
            for field, text in unmet_of(
                    p, fields, native, facts, 'all-variants' in options):
                rows.setdefault((text, native), set()).add((name, field))
    for (text, native), why in sorted(rows.items()):
        print(f'{text} [{native}]')
        if 'why' in options:
            rank = ['Pre-Depends', 'Depends', 'Build-Depends',
                    'Build-Depends-Indep', 'Build-Depends-Arch']
            for name, field in sorted(
                    why, key=lambda w: (w[0], rank.index(w[1]))):
                print(f'  {name} {field}')


def from_apt(arch):
    """NAME VERSION FIELD ALTERNATIVE, of the packages of this machine"""
    name = version = None
    rows = set()
    for line in sys.stdin:
        m = re.match(r'Package (\S+) version (\S+) has an unmet dep:', line)
        if m:
            name, version = m.groups()
            continue
        field, group = line.strip().split(': ', 1)
        # Others are of foreign architectures.
        if field != 'PreDepends' and field != 'Depends' or ':' in name:
            continue
        # apt writes << and >> as < and >.
        group = re.sub(r'\((<|>) ', r'(\1\1 ', group)
        for text in group.split(' | '):
            rows.add(f'{name} {version} '
                     f'{field.replace("Pre", "Pre-")} {text}')
    print('\n'.join(sorted(rows)))


# --- generating ---------------------------------------------------------------

VERSIONS = ['1', '1.0', '1.0-1', '1.0-1+b1', '1.0~rc1', '1.0.1', '2:0.5', '2',
            '1.10', '1.9', '1.0-0', '1.0-1~bpo1', '10']


class Case:
    def __init__(self, random, number):
        self.random = random
        self.names = [f'c{number}-{c}' for c in 'abcdefgh']
        self.virtual = [f'c{number}-v{c}' for c in 'xyz']
        self.provided = self.virtual + self.names[:2]

    def alternative(self, build):
        r = self.random
        name = r.choice(self.names + self.virtual)
        qualifier = r.choice([''] * 9 + [':any'] * 3 + [':native'] + [
            ':' + a for a in ARCHES])
        text = name + qualifier
        # Where one architecture is asked for and the name is provided, apt
        # 2.6 at times compares the version of who provides it.  It depends on
        # what it has read first.
        if r.random() < 0.5 and (
                qualifier in ('', ':any') or name not in self.provided):
            text += ' (%s %s)' % (
                r.choice(['<<', '<=', '=', '>=', '>=', '>>']),
                r.choice(VERSIONS))
        if build and r.random() < 0.3:
            text += ' [%s]' % r.choice(
                ['amd64', '!amd64', 'arm64 amd64', 'linux-any', '!arm64'])
        if build and r.random() < 0.3:
            text += ' ' + r.choice(
                ['<!nocheck>', '<cross>', '<cross> <!stage1>', '<!x y>'])
        return text

    def field(self, build=False):
        r = self.random
        return ', '.join(
            ' | '.join(self.alternative(build)
                       for _ in range(r.choice([1, 1, 1, 2, 3])))
            for _ in range(r.randint(1, 3)))

    def provides(self):
        r = self.random
        texts = []
        for _ in range(r.randint(1, 3)):
            text = r.choice(self.provided)
            text += r.choice([''] * 8 + [':any', ':arm64'])
            if r.random() < 0.5:
                text += f' (= {r.choice(VERSIONS)})'
            texts.append(text)
        return ', '.join(texts)

    def binary(self, name, arch):
        r = self.random
        fields = {'Package': name, 'Version': r.choice(VERSIONS),
                  'Architecture': arch}
        if r.random() < 0.5:
            fields['Multi-Arch'] = r.choice(['foreign', 'allowed', 'same'])
        if arch == 'all' and fields.get('Multi-Arch') == 'same':
            del fields['Multi-Arch']
        for field in 'Pre-Depends', 'Depends', 'Recommends':
            if r.random() < (0.2, 0.8, 0.2)[
                    ('Pre-Depends', 'Depends', 'Recommends').index(field)]:
                fields[field] = self.field()
        if r.random() < 0.4:
            fields['Provides'] = self.provides()
        return fields

    def source(self, name):
        fields = {'Package': name, 'Version': self.random.choice(VERSIONS)}
        for field in 'Build-Depends', 'Build-Depends-Indep', \
                'Build-Depends-Arch':
            if self.random.random() < 0.5:
                fields[field] = self.field(True)
        return fields

    def packages(self):
        r = self.random
        for name in self.names:
            kind = r.choice(['none', 'all', 'all', 'amd64', 'arm64', 'both',
                             'both', 'both', 'twice'])
            if kind == 'all':
                yield self.binary(name, 'all')
            if kind in ('amd64', 'both', 'twice'):
                yield self.binary(name, 'amd64')
            if kind in ('arm64', 'both', 'twice'):
                yield self.binary(name, 'arm64')
            if kind == 'twice':
                yield self.binary(name, 'amd64')


def write_index(path, stanza_list):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    seen = set()
    with open(path, 'w', encoding='utf-8') as f:
        for s in stanza_list:
            key = s['Package'], s['Version'], s.get('Architecture')
            if key in seen:
                continue
            seen.add(key)
            for field, value in s.items():
                f.write(f'{field}: {value}\n')
            sha256 = hashlib.sha256(repr(key).encode()).hexdigest()
            name = '_'.join(k for k in key if k).replace(':', '%3a')
            if 'Architecture' in s:
                f.write(f'Filename: pool/main/{name}.deb\nSize: 1\n'
                        f'SHA256: {sha256}\n\n')
            else:
                f.write('Architecture: any\nDirectory: pool/main\n'
                        f'Checksums-Sha256:\n {sha256} 1 {name}.dsc\n\n')


def write_release(top, suite, arches):
    base = f'{top}/dists/{suite}'
    with open(f'{base}/Release', 'w', encoding='utf-8') as f:
        f.write(f'Suite: {suite}\nCodename: {suite}\n'
                'Date: Tue, 14 Nov 2023 22:13:20 UTC\n'
                f'Architectures: {" ".join(arches)}\nComponents: main\n'
                'SHA256:\n')
        for where, _, files in sorted(os.walk(base)):
            for name in files:
                if name in ('Packages', 'Sources'):
                    path = f'{where}/{name}'
                    with open(path, 'rb') as index:
                        data = index.read()
                    f.write(f' {hashlib.sha256(data).hexdigest()} {len(data)}'
                            f' {path[len(base) + 1:]}\n')


def generate(seed, cases, top):
    r = random.Random(seed)
    binaries, sources = [], []
    for number in range(cases):
        case = Case(r, number)
        binaries += case.packages()
        sources.append(case.source(f'c{number}-src'))
    base = f'{top}/dists/stable/main'
    for arch in ARCHES:
        write_index(f'{base}/binary-{arch}/Packages', [
            p for p in binaries if p['Architecture'] in (arch, 'all')])
    write_index(f'{base}/source/Sources', sources)
    write_release(top, 'stable', ARCHES)


def main(argv):
    if argv[1:2] == ['generate']:
        generate(int(argv[2]), int(argv[3]), argv[4])
    elif argv[1:2] == ['unmet']:
        unmet(argv[2], argv[3], argv[4].split(','), argv[5:])
    elif argv[1:2] == ['apt']:
        from_apt(argv[2])
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main(sys.argv)
