#include <errno.h>

#include "base/deb822.h"
#include "base/path.h"
#include "store/light.h"
#include "store/package.h"

/* The fields that the light record is made of; the relations come first. */
enum light_field {
	F_PACKAGE = REL_COUNT,
	F_VERSION,
	F_ARCHITECTURE,
	F_SOURCE,
	F_MULTI_ARCH,
	F_ESSENTIAL,
	F_FILENAME,
	F_SIZE,
	F_SHA256,
	F_DIRECTORY,
	F_FILES,
	F_CHECKSUMS,
	F_COUNT
};

static const char *const other_field[F_COUNT - REL_COUNT] = {
    [F_PACKAGE - REL_COUNT] = "Package",
    [F_VERSION - REL_COUNT] = "Version",
    [F_ARCHITECTURE - REL_COUNT] = "Architecture",
    [F_SOURCE - REL_COUNT] = "Source",
    [F_MULTI_ARCH - REL_COUNT] = "Multi-Arch",
    [F_ESSENTIAL - REL_COUNT] = "Essential",
    [F_FILENAME - REL_COUNT] = "Filename",
    [F_SIZE - REL_COUNT] = "Size",
    [F_SHA256 - REL_COUNT] = "SHA256",
    [F_DIRECTORY - REL_COUNT] = "Directory",
    [F_FILES - REL_COUNT] = "Files",
    [F_CHECKSUMS - REL_COUNT] = "Checksums-Sha256",
};

#define SHOWN_MAX 200 /* bytes of a foreign value in a message */

/* A stanza taken apart. */
struct stanza {
	size_t first_line;
	struct span value[F_COUNT];
	size_t line[F_COUNT]; /* where the field begins */
	const char *start[F_COUNT];
	struct error *err;
};

static const char *
field_name(int f)
{
	return f < REL_COUNT ? relation_field[f] : other_field[f - REL_COUNT];
}

/* As much of a foreign value as a message has room for. */
static struct span
shown(struct span s)
{
	struct span line = {0};

	(void)span_cut(&s, '\n', &line);
	if (line.len > SHOWN_MAX)
		line.len = SHOWN_MAX;
	return line;
}

static int
missing(const struct stanza *s, enum light_field f)
{
	return error_set(s->err, -EBADMSG,
	    "line %zu: package \"%.*s\" has no %s", s->first_line,
	    SPAN_ARG(shown(s->value[F_PACKAGE])), field_name((int)f));
}

/* value is the field's value or a part of it: the line is where it stands. */
static int
refuse(const struct stanza *s, enum light_field f, struct span value,
    const char *why)
{
	size_t line = s->line[f];

	for (const char *p = s->start[f]; p && p < value.ptr; p++)
		line += *p == '\n';
	return error_set(s->err, -EBADMSG, "line %zu: %s %s: \"%.*s\"", line,
	    field_name((int)f), why, SPAN_ARG(shown(value)));
}

static int
field_index(struct span name)
{
	for (int i = 0; i < F_COUNT; i++) {
		const char *candidate = field_name(i);

		/* Most differ in the first letter: this runs for every line
		 * of an index. */
		if (((candidate[0] ^ name.ptr[0]) & 0x5f) == 0 &&
		    span_eq_nocase(name, span_of(candidate)))
			return i;
	}
	return -1;
}

static int
take_apart(struct span text, struct stanza *s)
{
	size_t line = s->first_line - 1, start;
	struct field field;
	const char *why;
	int r, i;

	for (;;) {
		start = line + 1;
		r = deb822_field(&text, &line, &field, &why);
		if (r < 0)
			return error_set(s->err, r, "line %zu: %s", line, why);
		if (r == 0)
			return 0;
		i = field_index(field.name);
		if (i < 0 || s->start[i])
			continue;
		s->value[i] = field.value;
		s->line[i] = start;
		s->start[i] = field.name.ptr;
	}
}

/* Name, version and architecture become parts of file names. */
static const char *
word_check(struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.ptr[i];

		if (c <= ' ' || c == 0x7f)
			return "has a blank or control character";
		if (c == '/')
			return "has a slash";
	}
	return NULL;
}

static int
take_word(const struct stanza *s, enum light_field f, struct span *ret)
{
	const char *why;

	*ret = s->value[f];
	if (ret->len == 0)
		return missing(s, f);
	why = word_check(*ret);
	return why ? refuse(s, f, *ret, why) : 0;
}

static int
take_identity(const struct stanza *s, struct light *l)
{
	int r;

	r = take_word(s, F_PACKAGE, &l->name);
	if (r == 0)
		r = take_word(s, F_VERSION, &l->version);
	l->architecture = SPAN("source");
	if (r == 0 && l->kind != PACKAGE_SOURCE)
		r = take_word(s, F_ARCHITECTURE, &l->architecture);
	if (r < 0)
		return r;
	if (l->name.len + l->version.len + l->architecture.len + 2 >
	    PATH_MAX_PART)
		return refuse(s, F_PACKAGE, l->name,
		    "is too long with Version and Architecture");
	return 0;
}

/* "Source: name (version)"; what is the package's own stays empty. */
static void
take_source(const struct stanza *s, struct light *l)
{
	struct span rest = s->value[F_SOURCE], name, version = {0};

	if (!span_word(&rest, &name))
		return;
	rest = span_trim(rest);
	if (span_starts(rest, SPAN("(")) && span_ends(rest, SPAN(")")) &&
	    rest.len > 2)
		version = span_trim((struct span){rest.ptr + 1, rest.len - 2});
	if (!span_eq(name, l->name))
		l->source = name;
	if (!span_eq(version, l->version))
		l->source_version = version;
}

static int
take_size(const struct stanza *s, enum light_field f, struct span value,
    uint64_t *ret)
{
	if (span_u64(value, ret) < 0)
		return refuse(s, f, value, "is no size");
	if (*ret > PACKAGE_MAX_SIZE)
		return refuse(s, f, value, "is too large a size");
	return 0;
}

static int
take_filename(const struct stanza *s, struct light *l)
{
	struct package_file file;
	const char *why;
	int r;

	for (enum light_field f = F_FILENAME; f <= F_SHA256; f++)
		if (s->value[f].len == 0)
			return missing(s, f);
	file.path = path_strip_dot(s->value[F_FILENAME]);
	why = path_check(file.path);
	if (why)
		return refuse(s, F_FILENAME, s->value[F_FILENAME], why);
	r = take_size(s, F_SIZE, s->value[F_SIZE], &file.size);
	if (r < 0)
		return r;
	if (digest_parse(s->value[F_SHA256], &file.sha256) < 0)
		return refuse(s, F_SHA256, s->value[F_SHA256], "is no SHA-256");
	if (light_reserve_files(l, 1) < 0)
		return error_sys(s->err, -ENOMEM, "line %zu", s->first_line);
	return light_add_file(l, (struct span){0}, &file);
}

/* One line of Checksums-Sha256: hash, size, name. */
static int
take_checksum(
    const struct stanza *s, struct span line, struct light *l, struct span dir)
{
	struct span text = line, hash, size, more;
	struct package_file file;
	const char *why;
	int r;

	if (!span_word(&text, &hash) || !span_word(&text, &size) ||
	    !span_word(&text, &file.path) || span_word(&text, &more))
		return refuse(s, F_CHECKSUMS, span_trim(line),
		    "has a line other than hash, size and name");
	if (digest_parse(hash, &file.sha256) < 0)
		return refuse(s, F_CHECKSUMS, hash, "has what is no SHA-256");
	r = take_size(s, F_CHECKSUMS, size, &file.size);
	if (r < 0)
		return r;
	r = light_add_file(l, dir, &file);
	if (r < 0)
		return error_sys(s->err, r, "line %zu", s->first_line);
	/* With the name alone a slash could lead elsewhere. */
	why = word_check(file.path);
	if (!why)
		why = path_check(l->files[l->nfiles - 1].path);
	return why ? refuse(s, F_CHECKSUMS, file.path, why) : 0;
}

static int
take_directory(const struct stanza *s, struct span *ret)
{
	struct span dir = path_strip_dot(s->value[F_DIRECTORY]);
	const char *why;

	if (span_eq(dir, SPAN(".")))
		dir.len = 0;
	if (span_ends(dir, SPAN("/")) && dir.len > 1)
		dir.len--;
	why = dir.len > 0 ? path_check(dir) : NULL;
	*ret = dir;
	return why ? refuse(s, F_DIRECTORY, s->value[F_DIRECTORY], why) : 0;
}

static int
take_checksums(const struct stanza *s, struct light *l)
{
	struct span text = s->value[F_CHECKSUMS], dir, line;
	size_t n = span_lines(text);
	int r;

	if (n == 0)
		return missing(s, F_CHECKSUMS);
	if (n > PACKAGE_MAX_FILES)
		return refuse(s, F_CHECKSUMS, text, "names too many files");
	if (span_lines(s->value[F_FILES]) > n)
		return refuse(s, F_FILES, s->value[F_FILES],
		    "names more files than Checksums-Sha256");
	r = take_directory(s, &dir);
	if (r < 0)
		return r;
	/* All at once: paths that were put together must not move. */
	if (light_reserve_files(l, n) < 0 ||
	    buf_reserve(&l->paths, text.len + n * (dir.len + 1)) < 0)
		return error_sys(s->err, -ENOMEM, "line %zu", s->first_line);
	while (r == 0 && span_cut(&text, '\n', &line))
		r = take_checksum(s, line, l, dir);
	return r;
}

int
light_from_stanza(struct span text, enum package_kind kind, size_t first_line,
    struct light *ret, struct error *err)
{
	struct stanza s = {.first_line = first_line, .err = err};
	int r;

	light_clear(ret);
	ret->kind = kind;
	ret->stanza_len = text.len;
	r = take_apart(text, &s);
	if (r == 0)
		r = take_identity(&s, ret);
	if (r < 0)
		return r;
	take_source(&s, ret);
	ret->multi_arch = s.value[F_MULTI_ARCH];
	ret->essential = span_eq_nocase(s.value[F_ESSENTIAL], SPAN("yes"));
	for (size_t i = 0; i < REL_COUNT; i++)
		ret->relations[i] = s.value[i];
	return kind == PACKAGE_SOURCE ? take_checksums(&s, ret)
				      : take_filename(&s, ret);
}

static bool
same_files(const struct light *a, const struct light *b)
{
	if (a->nfiles != b->nfiles)
		return false;
	for (size_t i = 0; i < a->nfiles; i++) {
		const struct package_file *x = &a->files[i], *y = &b->files[i];

		if (x->size != y->size || !span_eq(x->path, y->path) ||
		    !digest_eq(&x->sha256, &y->sha256))
			return false;
	}
	return true;
}

bool
light_agrees(const struct light *l, struct span stanza, struct light *scratch)
{
	if (l->stanza_len != stanza.len)
		return false;
	if (light_from_stanza(stanza, l->kind, 1, scratch, NULL) < 0)
		return true;
	return span_eq(l->name, scratch->name) &&
	       span_eq(l->version, scratch->version) &&
	       span_eq(l->architecture, scratch->architecture) &&
	       same_files(l, scratch);
}
