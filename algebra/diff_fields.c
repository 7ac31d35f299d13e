#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "algebra/diff.h"
#include "base/deb822.h"

/* Names and values of a stanza, by name. */
struct fields {
	struct field *v;
	size_t n, cap;
};

static void
fields_release(struct fields *f)
{
	free(f->v);
}

static int
field_cmp(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
	int c = n > 0 ? strncasecmp(x->name.ptr, y->name.ptr, n) : 0;

	return c != 0
		   ? c
		   : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static int
cut_fields(struct span stanza, struct fields *ret)
{
	size_t line = 0;
	const char *why;
	struct field f;
	int r;

	while ((r = deb822_field(&stanza, &line, &f, &why)) > 0) {
		if (ret->n == ret->cap) {
			size_t cap = ret->cap ? 2 * ret->cap : 64;
			struct field *v = reallocarray(ret->v, cap, sizeof(*v));

			if (!v)
				return -ENOMEM;
			ret->v = v;
			ret->cap = cap;
		}
		ret->v[ret->n++] = f;
	}
	if (r == 0 && ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), field_cmp);
	/* It was no stanza of the store if it can't be read. */
	return r == -EBADMSG ? -EIO : r;
}

static int
load_fields(struct heavy *h, struct txn *t, uint64_t package, struct buf *text,
    struct fields *ret)
{
	int r = heavy_stanza(h, t, package, text);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	return cut_fields(buf_span(text), ret);
}

int
diff_fields(struct heavy *h, struct txn *t, const struct diff_row *row,
    struct strs *ret)
{
	CLEANUP(buf_release) struct buf old_text = {0}, new_text = {0};
	CLEANUP(fields_release) struct fields old = {0}, new = {0};
	size_t i = 0, k = 0;
	int r = load_fields(h, t, row->old_package, &old_text, &old);

	if (r == 0)
		r = load_fields(h, t, row->new_package, &new_text, &new);
	while (r == 0 && (i < old.n || k < new.n)) {
		int c = k == new.n   ? -1
			: i == old.n ? 1
				     : field_cmp(&old.v[i], &new.v[k]);

		if (c < 0)
			r = strs_add(ret, old.v[i].name);
		else if (c > 0 || !span_eq(old.v[i].value, new.v[k].value))
			r = strs_add(ret, new.v[k].name);
		i += c <= 0;
		k += c >= 0;
	}
	return r;
}
