#!/usr/bin/python3
"""Queries and what they mean, a second time: slow, and plain.

    query_oracle.py archive DIR SEED       writes a small unsigned archive
    query_oracle.py random DIR SEED N SEARCH...
    query_oracle.py fixed FILE... -- SEARCH...

random makes N queries and fixed has some; both run SEARCH with each of them as
its last argument and compare what it prints, and its exit status, with what
every package of the indexes says of itself.  FILEs are Packages and Sources.
"""
import functools
import hashlib
import os
import random
import re
import subprocess
import sys

try:
    import apt_pkg
    apt_pkg.init_system()
except ImportError:
    apt_pkg = None

ORDER = {'<<': 'lt', '<=': 'le', '=': 'eq', '>=': 'ge', '>>': 'gt'}


@functools.lru_cache(maxsize=None)
def version_is(a, how, b):
    if apt_pkg:
        r = apt_pkg.version_compare(a, b)
        return {'lt': r < 0, 'le': r <= 0, 'eq': r == 0, 'ge': r >= 0,
                'gt': r > 0}[how]
    return subprocess.run(['dpkg', '--compare-versions', a, how, b],
                          stderr=subprocess.DEVNULL).returncode == 0


def version_cmp(a, b):
    if version_is(a, 'lt', b):
        return -1
    return 1 if version_is(a, 'gt', b) else 0


# --- packages -----------------------------------------------------------------

class Package:
    def __init__(self, text, kind):
        self.kind = kind
        self.fields = {}
        name = None
        for line in text.split('\n'):
            if line[:1] in (' ', '\t'):
                self.fields[name] += '\n' + line
            elif ':' in line:
                name, rest = line.split(':', 1)
                name = name.lower()
                self.fields.setdefault(name, rest)
        self.fields = {k: v.strip(' \t\r\n') for k, v in self.fields.items()}
        self.name = self.fields['package']
        self.version = self.fields['version']
        self.arch = 'source' if kind == 'source' else \
            self.fields['architecture']
        self.provides = list(self.read_provides())

    def __str__(self):
        return '%s_%s_%s' % (self.name, self.version, self.arch)

    def source(self):
        """Name and version of the source package."""
        if self.kind == 'source':
            return '', ''
        m = re.match(r'(\S+)(?:\s+\((.*)\))?$', self.fields.get('source', ''))
        if not m:
            return self.name, self.version
        return m.group(1), m.group(2) or self.version

    def read_provides(self):
        for one in self.fields.get('provides', '').split(','):
            m = re.match(r'\s*([^\s:(]+)(?::\S+)?\s*(?:\(\s*=\s*(\S+?)\s*\))?'
                         r'\s*$', one)
            if m:
                yield m.group(1), m.group(2)


def read_index(name):
    kind = 'source' if os.path.basename(name).startswith('Sources') else 'deb'
    if 'debian-installer' in name:
        kind = 'udeb'
    with open(name, encoding='utf-8', errors='surrogateescape') as f:
        for text in re.split(r'\n\n+', f.read()):
            if text.strip():
                yield Package(text, kind)


# --- what queries mean ------------------------------------------------------------

def glob_matches(pattern, value):
    out, i = '', 0
    while i < len(pattern):
        c = pattern[i]
        if c == '*':
            out += '[^/]*'
        elif c == '?':
            out += '[^/]'
        elif c == '[':
            end = pattern.index(']', i)
            out += '(?!/)[' + pattern[i + 1:end] + ']'
            i = end
        else:
            if c == '\\':
                i += 1
                c = pattern[i]
            out += re.escape(c)
        i += 1
    return re.fullmatch(out, value, re.DOTALL) is not None


def meets(value, op, wanted, versions):
    if op is None:
        return value != ''
    if op == '%':
        return glob_matches(wanted, value)
    if op == '~':
        return re.search(wanted, value) is not None
    if versions:
        return version_is(value, ORDER[op], wanted)
    if op == '=':
        return value == wanted
    a, b = (s.encode('utf-8', 'surrogateescape') for s in (value, wanted))
    return {'<<': a < b, '<=': a <= b, '>=': a >= b, '>>': a > b}[op]


def of_arch(p, arch):
    return p.arch == arch or (p.arch == 'all' and arch != 'source')


OWN = {'$Version': lambda p: p.version, '$Architecture': lambda p: p.arch,
       '$Source': lambda p: p.source()[0],
       '$SourceVersion': lambda p: p.source()[1],
       '$PackageType': lambda p: p.kind, 'Name': lambda p: p.name}


def field_meets(p, name, op, wanted):
    versions = name in ('$Version', '$SourceVersion')
    if name == '$Architecture' and op == '=':
        return of_arch(p, wanted)
    value = OWN[name](p) if name in OWN else p.fields.get(name.lower(), '')
    return meets(value, op, wanted, versions)


def package_meets(p, name, op, wanted, arch):
    if arch and not of_arch(p, arch):
        return False
    if p.name == name and meets(p.version, op, wanted, True):
        return True
    return any(n == name and (op is None or (v and meets(v, op, wanted, True)))
               for n, v in p.provides)


def matches(q, p):
    kind = q[0]
    if kind == 'and':
        return all([matches(x, p) for x in q[1]])
    if kind == 'or':
        return any([matches(x, p) for x in q[1]])
    if kind == 'not':
        return not matches(q[1], p)
    if kind == 'ref':
        return str(p) == q[1]
    if kind == 'field':
        return field_meets(p, *q[1:])
    return package_meets(p, *q[1:])


# --- how they are written ---------------------------------------------------------

def quoted(text, rng):
    plain = text and not re.search(r'[\s()|,!{}"\'\\]', text) and \
        text[0] not in '<=>%~'
    how = rng.choice(['', '"', "'"]) if plain else rng.choice('"\'')
    if not how:
        return text
    return how + text.replace('\\', '\\\\').replace(how, '\\' + how) + how


def blank(rng):
    return rng.choice(['', '', ' ', '  ', '\t'])


def condition(op, value, rng):
    if op is None:
        return ''
    if op == '=' and rng.random() < 0.2:
        op = ''
    return '%s(%s%s%s%s%s)' % (blank(rng), blank(rng), op, blank(rng),
                               quoted(value, rng), blank(rng))


def written(q, rng, level=0):
    """level: 0 anything may stand there, 1 no bar, 2 no comma either."""
    kind = q[0]
    if kind in ('and', 'or'):
        sep, above = (',', 1) if kind == 'and' else ('|', 0)
        text = (blank(rng) + sep + blank(rng)).join(
            written(x, rng, above + 1) for x in q[1])
        if level > above or rng.random() < 0.1:
            text = '(' + blank(rng) + text + blank(rng) + ')'
        return text
    if kind == 'not':
        return '!' + blank(rng) + written(q[1], rng, 2)
    if kind == 'ref':
        return quoted(q[1], rng)
    text = quoted(q[1], rng) + condition(q[2], q[3], rng)
    if kind == 'package' and q[4]:
        text += blank(rng) + '{' + blank(rng) + q[4] + blank(rng) + '}'
    return text


# --- made up -----------------------------------------------------------------------

NAMES = ['aa', 'aab', 'ab', 'lib-a', 'lib-a-dev', 'b+', 'c.d', 'zz9']
VIRTUAL = ['virt', 'abi', 'aa']
VERSIONS = ['1', '1.0', '1.0-1', '0:1.0', '1.0~rc1', '1.0+b1', '1.10', '1.9',
            '2:0.1', '1.0-1~bpo12+1', '1.0.0', '10']
ARCHES = ['amd64', 'i386', 'all']
SECTIONS = ['libs', 'contrib/libs', 'web', 'non-free/web', 'odd, (one)']
PATTERNS = ['*', 'a*', '*a', '?a', 'lib-?', '*-*', '[ab]*', '[^a]*', '*libs',
            '*/*', 'c\\.d', '1.*', '*[0-9]', '*~*', 'a*b']
REGEXES = ['a', '^a', 'a$', '^(aa|ab)$', 'b[+]', 'l.b', '[0-9]+$', '~', 'x*',
           '^$', 'a|z', 'nothing', '^[a-z-]+$', 'lib', '\\.']
FIELDS = {'Name': NAMES, 'Version': VERSIONS, '$Version': VERSIONS,
          '$Architecture': ARCHES + ['source'], 'Architecture': ARCHES,
          '$Source': NAMES, '$SourceVersion': VERSIONS,
          '$PackageType': ['deb', 'udeb', 'source'], 'Section': SECTIONS,
          'Multi-Arch': ['same', 'foreign', 'no'], 'Essential': ['yes', 'no'],
          'Source': NAMES + ['aa (1.0)'], 'Provides': VIRTUAL,
          'Depends': NAMES, 'Description': ['text'], 'Priority': ['extra'],
          'X-Odd': ['1', '\u00e9']}


def random_leaf(rng):
    op = rng.choice([None, '=', '=', '<<', '<=', '>=', '>>', '%', '~'])

    def value(choice):
        if op == '%':
            return rng.choice(PATTERNS)
        return rng.choice(REGEXES if op == '~' else choice)

    what = rng.random()
    if what < 0.1:
        return ('ref', '%s_%s_%s' % (rng.choice(NAMES), rng.choice(VERSIONS),
                                     rng.choice(ARCHES + ['source'])))
    if what < 0.5:
        return ('package', rng.choice(NAMES + VIRTUAL), op, value(VERSIONS),
                rng.choice([None, None, None] + ARCHES + ['source']))
    name = rng.choice(list(FIELDS))
    if name in ('$Version', '$SourceVersion') and op == '=':
        return ('field', name, op, rng.choice(VERSIONS))
    return ('field', name, op, value(FIELDS[name]))


def random_query(rng, depth=3):
    what = rng.random()
    if depth == 0 or what < 0.35:
        return random_leaf(rng)
    if what < 0.5:
        q = random_query(rng, depth - 1)
        # Two of them are written as one.
        return q[1] if q[0] == 'not' else ('not', q)
    kind = 'and' if what < 0.75 else 'or'
    return (kind, [random_query(rng, depth - 1)
                   for _ in range(rng.randint(2, 4))])


def random_fields(rng):
    def maybe(chance, text):
        return text if rng.random() < chance else None

    yield maybe(0.4, 'Source: ' + rng.choice(
        NAMES + ['%s (%s)' % (n, v) for n in NAMES for v in VERSIONS]))
    yield maybe(0.5, 'Provides: ' + ', '.join(rng.sample(
        ['virt', 'virt (= 1.0)', 'abi (= 2:0.1)', 'aa', 'aa (= 1.10)', 'any'],
        rng.randint(1, 3))))
    yield maybe(0.5, 'Depends: ' + ', '.join(rng.sample(NAMES, 2)))
    yield maybe(0.8, 'Section: ' + rng.choice(SECTIONS))
    yield maybe(0.4, 'Multi-Arch: ' + rng.choice(['same', 'foreign', 'no']))
    yield maybe(0.3, 'Essential: ' + rng.choice(['yes', 'no', 'Yes']))
    yield maybe(0.3, 'X-Odd: ' + rng.choice(['', '1', '\u00e9', 'a\tb']))
    yield maybe(0.6, 'Description: text\n of lines\n .\n and aa')


def random_stanza(rng, identity, kind):
    name, version, arch = identity
    lines = ['Package: ' + name, 'Version: ' + version]
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()
    if kind == 'source':
        lines += ['Architecture: ' + rng.choice(['any', 'all', 'any all']),
                  'Binary: ' + ', '.join(rng.sample(NAMES, 2)),
                  'Directory: pool/%s' % name,
                  'Checksums-Sha256:\n %s 1 %s.tar' % (digest, name)]
    else:
        lines += ['Architecture: ' + arch,
                  'Filename: pool/%s_%s_%s.%s' % (name, version.replace(
                      ':', '%3a'), arch, kind),
                  'Size: 1', 'SHA256: ' + digest]
        lines += [f for f in random_fields(rng) if f]
    return '\n'.join(lines) + '\n'


def random_archive(directory, seed):
    rng = random.Random(seed)
    listed = []
    places = [('main/binary-amd64/Packages', ['amd64', 'all'], 'deb'),
              ('main/binary-i386/Packages', ['i386', 'all'], 'deb'),
              ('main/debian-installer/binary-amd64/Packages', ['amd64'],
               'udeb'),
              ('main/source/Sources', ['source'], 'source')]
    known = {}
    for path, arches, kind in places:
        stanzas = []
        for name in NAMES:
            for arch in arches:
                for version in sorted(rng.sample(VERSIONS, 4)):
                    one = (name, version, arch)
                    # One of "all" is the same in every index; no other
                    # is there twice.
                    if arch != 'all' and one in known:
                        continue
                    if one not in known:
                        known[one] = random_stanza(rng, one, kind)
                    stanzas.append(known[one])
        data = ''.join(s + '\n' for s in stanzas).encode()
        name = os.path.join(directory, 'dists/stable', path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, 'wb') as f:
            f.write(data)
        listed.append(' %s %d %s\n' % (hashlib.sha256(data).hexdigest(),
                                       len(data), path))
    with open(os.path.join(directory, 'dists/stable/Release'), 'w') as f:
        f.write('Suite: stable\nArchitectures: amd64 i386\n'
                'Components: main\nDate: Sat, 17 May 2025 09:51:27 UTC\n'
                'SHA256:\n' + ''.join(listed))


# --- comparing ---------------------------------------------------------------------

def in_order(packages):
    def compare(a, b):
        r = version_cmp(b.version, a.version)
        if r != 0:
            return r
        a, b = (a.version, a.arch), (b.version, b.arch)
        return (a > b) - (a < b)

    by_name = {}
    for p in packages:
        by_name.setdefault(p.name, {})[str(p)] = p
    return [str(p) for name in sorted(by_name)
            for p in sorted(by_name[name].values(),
                            key=functools.cmp_to_key(compare))]


def check(packages, q, text, search):
    want = in_order([p for p in packages if matches(q, p)])
    done = subprocess.run(search + [text], capture_output=True)
    got = done.stdout.decode('utf-8', 'surrogateescape').splitlines()
    status = 0 if want else 3
    if done.returncode == status and got == want:
        return len(want)
    print('query:', text, '\nmeaning:', q, file=sys.stderr)
    print('exit status %d, %d packages instead of %d' %
          (done.returncode, len(got), len(want)), file=sys.stderr)
    for line in sorted(set(got) ^ set(want))[:10]:
        print('+' if line in got else '-', line, file=sys.stderr)
    sys.stderr.write(done.stderr.decode('utf-8', 'replace'))
    sys.exit(1)


def unique(packages):
    return list({(str(p), p.kind): p for p in packages}.values())


def run_random(directory, seed, count, search):
    rng = random.Random(int(seed) + 1)
    top = os.path.join(directory, 'dists/stable')
    packages = unique(p for root, _, names in os.walk(top) for n in names
                      if n in ('Packages', 'Sources')
                      for p in read_index(os.path.join(root, n)))
    empty = whole = 0
    for _ in range(int(count)):
        q = random_query(rng)
        n = check(packages, q, written(q, rng), search)
        empty += n == 0
        whole += n == len(packages)
    print('%s queries of %d packages: %d match nothing, %d all' %
          (count, len(packages), empty, whole))


FIXED = [
    ('package', 'nginx', None, None, None),
    ('package', 'mail-transport-agent', None, None, None),
    ('package', 'mail-transport-agent', None, None, 'amd64'),
    ('package', 'perlapi-5.36.0', None, None, None),
    ('package', 'debhelper-compat', '=', '13', None),
    ('package', 'debhelper-compat', '>>', '13', None),
    ('package', 'libc6', '>=', '2.36', 'amd64'),
    ('package', 'python3', '~', '^3', None),
    ('package', 'gcc-12', '%', '12.*', 'source'),
    ('ref', 'hello_2.10-3_amd64'),
    ('ref', 'hello_2.10-3_source'),
    ('ref', 'hello_2.10-3_all'),
    ('field', 'Name', '%', 'lib*-dev'),
    ('field', 'Name', '~', '^(nginx|apache2)(-|$)'),
    ('field', 'Name', '>=', 'zsh'),
    ('field', '$Version', '>=', '1:9'),
    ('field', '$Version', '<<', '0~'),
    ('field', '$Version', '~', 'deb12u[0-9]+$'),
    ('field', '$Architecture', '=', 'all'),
    ('field', '$Architecture', '=', 'source'),
    ('field', '$Source', '=', 'glibc'),
    ('field', '$SourceVersion', '>>', '2:1'),
    ('field', '$PackageType', '=', 'source'),
    ('field', 'Multi-Arch', '=', 'foreign'),
    ('field', 'Essential', '=', 'yes'),
    ('field', 'Essential', None, None),
    ('field', 'Section', '%', '*libs'),
    ('field', 'Section', '=', 'web'),
    ('field', 'Priority', '=', 'required'),
    ('field', 'Maintainer', '~', '[Ww]eb'),
    ('field', 'Depends', '~', '(^|, )python3:any'),
    ('field', 'Build-Depends', '%', '*dh-python*'),
    ('field', 'Package-List', '~', 'arch=all'),
    ('field', 'Installed-Size', '=', '20'),
    ('field', 'Source', None, None),
    ('field', 'Source', '~', r'\('),
    ('field', 'Format', '=', '1.0'),
    ('field', 'Homepage', '%', 'https://*'),
    ('and', [('field', 'Name', '%', 'linux-image-*'),
             ('not', ('field', 'Name', '%', '*-dbg'))]),
    ('and', [('field', 'Priority', '=', 'important'),
             ('or', [('field', 'Section', '=', 'admin'),
                     ('field', 'Section', '=', 'net')])]),
    ('or', [('package', 'httpd', None, None, None),
            ('and', [('field', '$Source', '=', 'apache2'),
                     ('not', ('field', 'Depends', None, None))])]),
    ('not', ('or', [('field', 'Depends', None, None),
                    ('field', '$PackageType', '=', 'source')])),
]


def run_fixed(files, search):
    rng = random.Random(1)
    packages = unique(p for f in files for p in read_index(f))
    found = 0
    for q in FIXED:
        found += check(packages, q, written(q, rng), search) > 0
    print('%d queries of %d packages: %d match something' %
          (len(FIXED), len(packages), found))


def main(args):
    if args[:1] == ['archive'] and len(args) == 3:
        random_archive(args[1], int(args[2]))
    elif args[:1] == ['random'] and len(args) > 4:
        run_random(args[1], args[2], args[3], args[4:])
    elif args[:1] == ['fixed'] and '--' in args:
        at = args.index('--')
        run_fixed(args[1:at], args[at + 1:])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
