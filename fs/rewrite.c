#include "fs/rewrite.h"

#include <errno.h>

#include "base/deb822.h"
#include "base/path.h"

bool
rewrite_needed(const struct light *l)
{
	for (size_t i = 0; i < l->nfiles; i++)
		if (!span_starts(l->files[i].path, SPAN("pool/")))
			return true;
	return false;
}

/* Adds pool/main/h/hello, or pool/main/libh/libhello. */
static int
add_dir(const struct light *l, const char *component, struct buf *out)
{
	struct span source = l->source.len > 0 ? l->source : l->name;
	size_t letters =
	    span_starts(source, SPAN("lib")) && source.len > 3 ? 4 : 1;

	if (source.len == 0 || memchr(source.ptr, '/', source.len))
		return -EBADMSG;
	(void)buf_addf(
	    out, "pool/%s/%.*s/", component, (int)letters, source.ptr);
	return buf_add_span(out, source);
}

static int
add_place(const struct light *l, const char *component, struct buf *out)
{
	int r = add_dir(l, component, out);

	if (r < 0)
		return r;
	if (l->kind != PACKAGE_SOURCE) {
		if (l->nfiles == 0)
			return -EBADMSG;
		(void)buf_add_char(out, '/');
		(void)buf_add_span(out, path_base(l->files[0].path));
	}
	if (out->failed)
		return -ENOMEM;
	return path_check(buf_span(out)) ? -EBADMSG : 0;
}

/* Adds the stanza with another value for a field, which may be new. */
static int
replace_field(
    struct span stanza, struct span name, struct span value, struct buf *out)
{
	struct span rest = stanza;
	struct field f;
	const char *why;
	size_t line = 1;
	int r;

	while ((r = deb822_field(&rest, &line, &f, &why)) > 0) {
		const char *end = f.value.ptr + f.value.len;

		if (!span_eq_nocase(f.name, name))
			continue;
		if (f.value.len == 0)
			end = f.value.ptr = f.name.ptr + f.name.len + 1;
		(void)buf_add(
		    out, stanza.ptr, (size_t)(f.value.ptr - stanza.ptr));
		if (f.value.len == 0)
			(void)buf_add_char(out, ' ');
		(void)buf_add_span(out, value);
		return buf_add(
		    out, end, (size_t)(stanza.ptr + stanza.len - end));
	}
	if (r < 0)
		return r;
	(void)buf_add_span(out, stanza);
	if (!span_ends(stanza, SPAN("\n")))
		(void)buf_add_char(out, '\n');
	(void)buf_add_span(out, name);
	(void)buf_add_str(out, ": ");
	(void)buf_add_span(out, value);
	return buf_add_char(out, '\n');
}

int
rewrite_stanza(struct span stanza, const struct light *l, const char *component,
    struct buf *out)
{
	CLEANUP(buf_release) struct buf place = {0};
	struct span name =
	    l->kind == PACKAGE_SOURCE ? SPAN("Directory") : SPAN("Filename");
	int r = add_place(l, component, &place);

	if (r < 0)
		return r;
	r = replace_field(stanza, name, buf_span(&place), out);
	return r < 0 ? r : out->failed ? -ENOMEM : 0;
}
