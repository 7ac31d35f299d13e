#include "base/release.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/deb822.h"
#include "base/path.h"

#define WORDS_MAX 1000 /* architectures or components */

/* A parse under way. */
struct parse {
	struct span text;
	struct span name; /* of the field in hand */
	struct release r;
	struct error *err;
};

/* The number of the line that ptr, a place in the text, stands in. */
static size_t
line_at(const struct parse *p, const char *ptr)
{
	const char *at = p->text.ptr;
	size_t line = 1;

	while ((at = memchr(at, '\n', (size_t)(ptr - at))) != NULL) {
		at++;
		line++;
	}
	return line;
}

/* The value is bad; what is the word or line of it that is to be shown. */
static int
bad(const struct parse *p, struct span what, const char *why)
{
	return error_set(p->err, -EBADMSG, "line %zu: field %.*s: '%.*s' %s",
	    line_at(p, what.ptr), SPAN_ARG(p->name), SPAN_ARG(what), why);
}

static int
no_memory(const struct parse *p)
{
	return error_sys(p->err, -ENOMEM, "cannot take in the Release file");
}

static int
parse_text(struct parse *p, struct span value, void *ret)
{
	(void)p;
	*(struct span *)ret = value;
	return 0;
}

static int
parse_date(struct parse *p, struct span value, void *ret)
{
	if (date_parse(value, ret) < 0)
		return bad(p, value, "is not a date");
	return 0;
}

static int
parse_bool(struct parse *p, struct span value, void *ret)
{
	(void)p;
	*(bool *)ret = span_eq_nocase(value, SPAN("yes")) ||
		       span_eq_nocase(value, SPAN("true")) ||
		       span_eq(value, SPAN("1"));
	return 0;
}

/* Whether Packages is among the words. */
static int
parse_no_arch_all(struct parse *p, struct span value, void *ret)
{
	struct span word;

	(void)p;
	while (span_word(&value, &word))
		if (span_eq_nocase(word, SPAN("Packages")))
			*(bool *)ret = true;
	return 0;
}

/* Words that become parts of paths. */
static int
parse_words(struct parse *p, struct span value, void *ret)
{
	struct strs *words = ret;
	struct span word;

	while (span_word(&value, &word)) {
		const char *why = path_check(word);

		if (why)
			return bad(p, word, why);
		if (words->n == WORDS_MAX)
			return bad(p, word, "is one word too many");
		if (strs_add(words, word) < 0)
			return no_memory(p);
	}
	return 0;
}

/* "<sha256> <size> <path>" */
static int
parse_file(struct parse *p, struct span line, struct release_file *ret)
{
	struct span rest = line, hash, size, path, more;
	const char *why;

	if (!span_word(&rest, &hash) || !span_word(&rest, &size) ||
	    !span_word(&rest, &path) || span_word(&rest, &more))
		return bad(p, line, "is not a hash, a size and a path");
	if (digest_parse(hash, &ret->sha256) < 0)
		return bad(p, hash, "is not a SHA-256");
	if (span_u64(size, &ret->size) < 0)
		return bad(p, size, "is not a size");
	if (ret->size > RELEASE_MAX_SIZE)
		return bad(p, size, "is beyond the largest size");
	ret->path = path_strip_dot(path);
	why = path_check(ret->path);
	return why ? bad(p, path, why) : 0;
}

static int
compare_files(const void *a, const void *b)
{
	return span_cmp(((const struct release_file *)a)->path,
	    ((const struct release_file *)b)->path);
}

/* Leaves one of each path; the files are sorted. */
static int
drop_doubles(struct parse *p)
{
	struct release_file *files = p->r.files;
	size_t n = 0;

	for (size_t i = 0; i < p->r.nfiles; i++) {
		struct release_file *last = n > 0 ? &files[n - 1] : NULL;

		if (!last || !span_eq(files[i].path, last->path))
			files[n++] = files[i];
		else if (files[i].size != last->size ||
			 !digest_eq(&files[i].sha256, &last->sha256))
			return bad(p, files[i].path,
			    "is listed twice with different content");
	}
	p->r.nfiles = n;
	return 0;
}

static int
parse_files(struct parse *p, struct span value, void *ret)
{
	size_t lines = span_lines(value);
	struct release *r = ret;
	struct span line;
	int res;

	if (lines > RELEASE_MAX_FILES)
		return error_set(p->err, -EBADMSG,
		    "line %zu: field %.*s: more than %d files",
		    line_at(p, p->name.ptr), SPAN_ARG(p->name),
		    RELEASE_MAX_FILES);
	r->files = calloc(lines + 1, sizeof(*r->files));
	if (!r->files)
		return no_memory(p);
	while (span_cut(&value, '\n', &line)) {
		res = parse_file(p, span_trim(line), &r->files[r->nfiles]);
		if (res < 0)
			return res;
		r->nfiles++;
	}
	qsort(r->files, r->nfiles, sizeof(*r->files), compare_files);
	return drop_doubles(p);
}

/* clang-format off */
static const struct known {
	struct span name;
	int (*parse)(struct parse *p, struct span value, void *ret);
	size_t offset; /* of ret in struct release */
} known[] = {
#define FIELD(name, parse, member) \
	{SPAN_INIT(name), parse, offsetof(struct release, member)}
	FIELD("Acquire-By-Hash", parse_bool, acquire_by_hash),
	FIELD("Architectures", parse_words, architectures),
	FIELD("ButAutomaticUpgrades", parse_bool, but_automatic_upgrades),
	FIELD("Codename", parse_text, codename),
	FIELD("Components", parse_words, components),
	FIELD("Date", parse_date, date),
	FIELD("Description", parse_text, description),
	FIELD("Label", parse_text, label),
	FIELD("No-Support-for-Architecture-all", parse_no_arch_all,
	    no_arch_all),
	FIELD("NotAutomatic", parse_bool, not_automatic),
	FIELD("Origin", parse_text, origin),
	FIELD("Signed-By", parse_text, signed_by),
	FIELD("Suite", parse_text, suite),
	FIELD("Valid-Until", parse_date, valid_until),
	FIELD("Version", parse_text, version),
#undef FIELD
	/* Into several members. */
	{SPAN_INIT("SHA256"), parse_files, 0},
};
/* clang-format on */

/* Which fields have been seen: bits in the order of known[]. */
static bool
has(unsigned seen, struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_eq(known[i].name, name))
			return seen & (1U << i);
	return false;
}

static int
take_field(struct parse *p, const struct field *f, unsigned *seen)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!span_eq_nocase(known[i].name, f->name))
			continue;
		p->name = f->name;
		if (*seen & (1U << i))
			return error_set(p->err, -EBADMSG,
			    "line %zu: field %.*s is given twice",
			    line_at(p, f->name.ptr), SPAN_ARG(f->name));
		*seen |= 1U << i;
		return known[i].parse(
		    p, f->value, (char *)&p->r + known[i].offset);
	}
	return 0;
}

/* What identifies files elsewhere. */
static bool
is_other_hash(struct span name)
{
	return span_eq_nocase(name, SPAN("SHA512")) ||
	       span_eq_nocase(name, SPAN("SHA1")) ||
	       span_eq_nocase(name, SPAN("MD5Sum"));
}

static int
no_sha256(const struct parse *p, struct span other)
{
	if (other.len == 0)
		return error_set(p->err, -EBADMSG, "no field SHA256");
	return error_set(p->err, -EBADMSG,
	    "line %zu: field %.*s: files are known by SHA-256, and there is no "
	    "field SHA256",
	    line_at(p, other.ptr), SPAN_ARG(other));
}

static int
parse_stanza(struct parse *p, struct span stanza)
{
	size_t line = line_at(p, stanza.ptr) - 1;
	struct span other = {0};
	unsigned seen = 0;
	const char *why;
	struct field f;
	int res;

	while ((res = deb822_field(&stanza, &line, &f, &why)) > 0) {
		res = take_field(p, &f, &seen);
		if (res < 0)
			return res;
		if (other.len == 0 && is_other_hash(f.name))
			other = f.name;
	}
	if (res < 0)
		return error_set(p->err, res, "line %zu: %s", line, why);
	if (!has(seen, SPAN("SHA256")))
		return no_sha256(p, other);
	/* Flat archives have no components, and may do without a date. */
	if (!has(seen, SPAN("Date")) && has(seen, SPAN("Components")))
		return error_set(p->err, -EBADMSG, "no field Date");
	return 0;
}

int
release_parse(struct span text, struct release *ret, struct error *err)
{
	struct parse p = {.text = text, .err = err};
	struct span stanza;
	int res;

	if (text.len > RELEASE_MAX)
		return error_set(err, -E2BIG, "Release is larger than %d bytes",
		    RELEASE_MAX);
	/* What follows the first stanza is not read; apt does the same. */
	if (!deb822_stanza(&text, &stanza))
		return error_set(err, -EBADMSG, "Release is empty");
	res = parse_stanza(&p, stanza);
	if (res < 0) {
		release_free(&p.r);
		return res;
	}
	*ret = p.r;
	return 0;
}

void
release_free(struct release *r)
{
	strs_release(&r->architectures);
	strs_release(&r->components);
	free(r->files);
	*r = (struct release){0};
}

const struct release_file *
release_find(const struct release *r, struct span path)
{
	struct release_file key = {.path = path};

	if (r->nfiles == 0)
		return NULL;
	return bsearch(&key, r->files, r->nfiles, sizeof(key), compare_files);
}
