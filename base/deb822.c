#include "base/deb822.h"

#include <errno.h>

/* The bytes of the first line, with its newline if it has one. */
static size_t
line_length(struct span text)
{
	const char *end = memchr(text.ptr, '\n', text.len);

	return end ? (size_t)(end - text.ptr) + 1 : text.len;
}

static void
drop(struct span *text, size_t len)
{
	text->ptr += len;
	text->len -= len;
}

static bool
is_continuation(struct span text)
{
	return text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t');
}

/* Whether the first len bytes are a line of blanks, tabs and CR only. */
static bool
is_blank_line(struct span text, size_t len)
{
	return span_trim((struct span){text.ptr, len}).len == 0;
}

/* deb822(5): printable ASCII without blank and colon, no '#' or '-' first. */
static const char *
name_fault(struct span name)
{
	if (name.len == 0)
		return "no field name";
	if (name.len > FIELD_NAME_MAX)
		return "field name too long";
	if (name.ptr[0] == '#' || name.ptr[0] == '-')
		return "bad first character of a field name";
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f)
			return "bad character in a field name";
	return NULL;
}

/* The line that a field begins with: NULL with the name, or the fault. */
static const char *
first_line_fault(struct span line, struct span *ret_name)
{
	const char *colon;

	if (memchr(line.ptr, '\0', line.len))
		return "NUL byte";
	if (is_blank_line(line, line.len))
		return "blank line";
	if (is_continuation(line))
		return "continuation line with nothing before it";
	colon = memchr(line.ptr, ':', line.len);
	if (!colon)
		return "no colon";
	*ret_name = (struct span){line.ptr, (size_t)(colon - line.ptr)};
	return name_fault(*ret_name);
}

static int
fail(const char *why, const char **reterr_why)
{
	*reterr_why = why;
	return -EBADMSG;
}

int
deb822_field(
    struct span *text, size_t *line, struct field *ret, const char **reterr_why)
{
	struct span rest = *text, name, value;
	const char *why;
	size_t len;

	if (rest.len == 0)
		return 0;
	len = line_length(rest);
	(*line)++;
	why = first_line_fault((struct span){rest.ptr, len}, &name);
	if (why)
		return fail(why, reterr_why);
	drop(&rest, len);
	while (is_continuation(rest)) {
		len = line_length(rest);
		(*line)++;
		if (memchr(rest.ptr, '\0', len))
			return fail("NUL byte", reterr_why);
		drop(&rest, len);
	}
	value.ptr = name.ptr + name.len + 1;
	value.len = (size_t)(rest.ptr - value.ptr);
	*ret = (struct field){name, span_trim(value)};
	*text = rest;
	return 1;
}

bool
deb822_get(struct span stanza, struct span name, struct span *ret)
{
	struct field f;
	const char *why;
	size_t line = 0;

	while (deb822_field(&stanza, &line, &f, &why) > 0)
		if (span_eq_nocase(f.name, name)) {
			*ret = f.value;
			return true;
		}
	return false;
}

bool
deb822_stanza(struct span *text, struct span *ret)
{
	struct span rest = *text, stanza;
	size_t len = 0;

	while (rest.len > 0) {
		len = line_length(rest);
		if (!is_blank_line(rest, len))
			break;
		drop(&rest, len);
	}
	stanza = (struct span){rest.ptr, 0};
	while (rest.len > 0 && !is_blank_line(rest, len)) {
		drop(&rest, len);
		if (rest.len > 0)
			len = line_length(rest);
	}
	*text = rest;
	stanza.len = (size_t)(rest.ptr - stanza.ptr);
	if (stanza.len == 0)
		return false;
	*ret = stanza;
	return true;
}
