#include "cli/format.h"

#include <errno.h>
#include <stdlib.h>

#include "base/deb822.h"

struct part {
	char *text;
	bool is_field;
	size_t width;
	bool left;
};

struct format {
	struct part *parts;
	size_t n;
	struct buf stanza;
};

void
format_free(struct format *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->parts[i].text);
	free(f->parts);
	buf_release(&f->stanza);
	free(f);
}

static int
add_part(struct format *f, struct buf *text, const struct part *part)
{
	struct part *parts;

	if (text->len == 0 && !part->is_field)
		return 0;
	parts = reallocarray(f->parts, f->n + 1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	f->parts = parts;
	parts[f->n] = *part;
	parts[f->n].text = buf_take(text);
	return parts[f->n].text ? (f->n++, 0) : -ENOMEM;
}

/* ";WIDTH", of which only what is behind the semicolon is given. */
static bool
parse_width(struct span s, struct part *ret)
{
	uint64_t width;

	ret->left = span_starts(s, SPAN("-"));
	if (ret->left) {
		s.ptr++;
		s.len--;
	}
	if (span_u64(s, &width) < 0 || width > FORMAT_MAX_WIDTH)
		return false;
	ret->width = width;
	return true;
}

/* What stands between "${" and "}". */
static int
parse_field(struct format *f, struct span s, size_t column, struct error *err)
{
	CLEANUP(buf_release) struct buf name = {0};
	struct part part = {.is_field = true};
	struct span field = {0};
	bool has_width = s.len > 0 && memchr(s.ptr, ';', s.len);

	(void)span_cut(&s, ';', &field);
	if (field.len == 0)
		return error_set(
		    err, -EINVAL, "column %zu: a field without a name", column);
	if (has_width && !parse_width(s, &part))
		return error_set(err, -EINVAL,
		    "column %zu: '%.*s' is no width up to %d", column,
		    SPAN_ARG(s), FORMAT_MAX_WIDTH);
	if (buf_add_span(&name, field) < 0)
		return -ENOMEM;
	return add_part(f, &name, &part);
}

static char
escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

static int
parse(struct format *f, const char *text, struct error *err)
{
	CLEANUP(buf_release) struct buf literal = {0};
	const struct part plain = {0};
	const char *p = text, *end;
	int r = 0;

	while (*p && r == 0) {
		if (p[0] == '$' && p[1] == '{') {
			end = strchr(p, '}');
			if (!end)
				return error_set(err, -EINVAL,
				    "column %zu: '${' without '}'",
				    (size_t)(p - text) + 1);
			r = add_part(f, &literal, &plain);
			if (r == 0)
				r = parse_field(f,
				    (struct span){p + 2, (size_t)(end - p) - 2},
				    (size_t)(p - text) + 1, err);
			p = end + 1;
			continue;
		}
		if (p[0] == '\\' && p[1]) {
			r = buf_add_char(&literal, escaped(p[1]));
			p += 2;
		} else {
			r = buf_add_char(&literal, *p++);
		}
	}
	return r == 0 ? add_part(f, &literal, &plain) : r;
}

int
format_parse(const char *text, struct format **ret, struct error *err)
{
	CLEANUP(format_cleanup) struct format *f = calloc(1, sizeof(*f));
	int r = f ? parse(f, text, err) : -ENOMEM;

	if (r == -EINVAL)
		return error_prefix(err, r, "--format");
	if (r < 0)
		return r;
	*ret = TAKE(f);
	return 0;
}

/* Fields that no stanza has. */
static bool
own_field(const struct light *l, struct span name, struct span *ret)
{
	if (span_eq_nocase(name, SPAN("source:Package")))
		*ret = l->source.len > 0 ? l->source : l->name;
	else if (span_eq_nocase(name, SPAN("source:Version")))
		*ret =
		    l->source_version.len > 0 ? l->source_version : l->version;
	else
		return false;
	return true;
}

struct reading {
	struct heavy *heavy;
	struct txn *t;
	const struct package *package;
	bool read;
};

static int
value_of(
    struct format *f, struct reading *from, const char *field, struct span *ret)
{
	const struct light *l = &from->package->light;
	struct span name = span_of(field);
	int r;

	*ret = (struct span){0};
	if (own_field(l, name, ret) || light_field(l, name, ret))
		return 0;
	if (!from->read) {
		buf_clear(&f->stanza);
		r = heavy_stanza(
		    from->heavy, from->t, from->package->number, &f->stanza);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		from->read = true;
	}
	(void)deb822_get(buf_span(&f->stanza), name, ret);
	return 0;
}

static size_t
columns(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

/* Control bytes of archives do nothing to terminals; fields have lines.
 * Failing shows in out->failed, here and below. */
static void
add_foreign(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool bad = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;

		(void)buf_add_char(out, bad ? '?' : s.ptr[i]);
	}
}

static void
add_blanks(struct buf *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)buf_add_char(out, ' ');
}

/* A value that is longer is cut, as dpkg-query does. */
static void
add_value(struct buf *out, const struct part *part, struct span value)
{
	size_t n = columns(value);

	if (part->width == 0 || value.len == 0) {
		add_foreign(out, value);
		return;
	}
	while (n > part->width) {
		value.len--;
		n = columns(value);
	}
	if (!part->left)
		add_blanks(out, part->width - n);
	add_foreign(out, value);
	if (part->left)
		add_blanks(out, part->width - n);
}

int
format_add(struct format *f, struct heavy *h, struct txn *t,
    const struct package *p, struct buf *out)
{
	struct reading from = {.heavy = h, .t = t, .package = p};

	for (size_t i = 0; i < f->n; i++) {
		const struct part *part = &f->parts[i];
		struct span value = span_of(part->text);
		int r;

		if (!part->is_field) {
			(void)buf_add_span(out, value); /* failed tells */
			continue;
		}
		r = value_of(f, &from, part->text, &value);
		if (r < 0)
			return r;
		add_value(out, part, value);
	}
	return out->failed ? -ENOMEM : 0;
}
