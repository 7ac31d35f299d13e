#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/date.h"
#include "store/list.h"

#define LABEL_WIDTH 16

int
out_json(json_t *value)
{
	int r;

	if (!value)
		return -ENOMEM;
	r = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_decref(value);
	if (r < 0)
		return -EIO;
	(void)putchar('\n');
	return 0;
}

int
out_list(struct cli *c, int (*each)(struct out_list *l))
{
	CLEANUP(txn_cleanup) struct txn *t = NULL;
	struct error err = {0};
	struct out_list l = {.json = c->json ? json_array() : NULL};
	int r = c->json && !l.json ? -ENOMEM : txn_read(c->store, &t, &err);

	l.t = t;
	if (r == 0)
		r = each(&l);
	if (r == 0 && c->json)
		r = out_json(json_incref(l.json));
	json_decref(l.json);
	return r < 0 ? cli_fail(r, &err) : EXIT_DONE;
}

int
out_list_add(struct out_list *l, json_t *item)
{
	return json_array_append_new(l->json, item) < 0 ? -ENOMEM : 0;
}

json_t *
out_strs(const struct strs *s)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < s->n; i++)
		(void)json_array_append_new(a, json_string(s->v[i]));
	return a;
}

json_t *
out_time(int64_t t)
{
	char text[DATE_SIZE];

	return t ? json_string(date_format_iso(t, text)) : json_null();
}

json_t *
out_str(const char *s)
{
	return s ? json_string(s) : json_null();
}

void
out_foreign(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		unsigned char then =
		    i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0;

		if (c == 0xc2 && then >= 0x80 && then <= 0x9f) {
			/* U+0080 to U+009F: terminals obey these too. */
			(void)putchar('?');
			i++;
			c = '?';
		}
		(void)putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
}

json_t *
out_json_foreign(struct span s)
{
	json_t *j = json_stringn(s.ptr ? s.ptr : "", s.len);
	CLEANUP(buf_release) struct buf b = {0};

	if (j)
		return j;
	/* A byte after the other: those of a character are taken together
	 * where they make one. */
	while (s.len > 0 && !b.failed) {
		size_t len = s.len < 4 ? s.len : 4;
		json_t *one = NULL;

		while (len > 0 && !(one = json_stringn(s.ptr, len)))
			len--;
		json_decref(one);
		if (len > 0)
			(void)buf_add(&b, s.ptr, len);
		else
			(void)buf_add_str(&b, "\xef\xbf\xbd");
		s.ptr += len > 0 ? len : 1;
		s.len -= len > 0 ? len : 1;
	}
	return b.failed ? NULL : json_stringn(b.ptr, b.len);
}

const char *
out_package_type(enum package_kind kind)
{
	switch (kind) {
	case PACKAGE_SOURCE:
		return "source";
	case PACKAGE_UDEB:
		return "udeb";
	default:
		return "deb";
	}
}

void
out_field(const char *label, const char *value)
{
	if (!value)
		return;
	printf("%s%c%*s", label, *label ? ':' : ' ',
	    (int)(LABEL_WIDTH - 1 - strlen(label)), "");
	out_foreign(span_of(value));
	(void)putchar('\n');
}

void
out_field_strs(const char *label, const struct strs *s)
{
	CLEANUP_FREE char *text = strs_join(s, " ");

	if (s->n > 0)
		out_field(label, text);
}

void
out_field_time(const char *label, int64_t t)
{
	char text[DATE_SIZE];

	if (t)
		out_field(label, date_format(t, text));
}

bool
out_expired(const struct state *state)
{
	return state->valid_until && state->valid_until < time(NULL);
}

void
out_valid_until(const struct state *state)
{
	out_field_time("Valid-Until", state->valid_until);
	if (!out_expired(state))
		return;
	out_field("", "has passed: apt takes it with [check-valid-until=no] in "
		      "sources.list");
	out_field("", "or Acquire::Check-Valid-Until \"false\"; in apt.conf");
}

char *
out_size(uint64_t n, char out[OUT_SIZE_MAX])
{
	static const char *const unit[] = {"kB", "MB", "GB", "TB"};
	double v = (double)n / 1000;
	size_t u = 0;

	for (; v >= 1000 && u + 1 < ARRAY_LEN(unit); u++)
		v /= 1000;
	if (n < 1000)
		(void)snprintf(out, OUT_SIZE_MAX, "%" PRIu64 " bytes", n);
	else
		(void)snprintf(out, OUT_SIZE_MAX, "%.1f %s (%" PRIu64 " bytes)",
		    v, unit[u], n);
	return out;
}

void
out_field_files(const char *label, uint64_t files, uint64_t bytes)
{
	char size[OUT_SIZE_MAX], text[OUT_SIZE_MAX + 32];

	(void)snprintf(text, sizeof(text), "%" PRIu64 ", %s", files,
	    out_size(bytes, size));
	out_field(label, text);
}

static const char *
kind_name(enum package_kind kind)
{
	switch (kind) {
	case PACKAGE_SOURCE:
		return "sources";
	case PACKAGE_UDEB:
		return "udebs";
	default:
		return "packages";
	}
}

int
out_state_lists(struct txn *t, const struct state *state)
{
	for (size_t i = 0; i < state->nlists; i++) {
		const struct state_list *sl = &state->lists[i];
		CLEANUP(list_release) struct list l = {0};
		char text[256];
		int r = list_load(t, sl->list, &l);

		if (r < 0)
			return r;
		(void)snprintf(text, sizeof(text), "%s %" PRIu64 " %s",
		    sl->path, l.packages, kind_name(sl->kind));
		out_field(i == 0 ? "Lists" : "", text);
	}
	return 0;
}

json_t *
out_json_lists(struct txn *t, const struct state *state)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < state->nlists; i++) {
		const struct state_list *sl = &state->lists[i];
		CLEANUP(list_release) struct list l = {0};

		if (list_load(t, sl->list, &l) < 0) {
			json_decref(a);
			return NULL;
		}
		(void)json_array_append_new(a,
		    json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "component",
			sl->component, "architecture", sl->architecture, "kind",
			kind_name(sl->kind), "path", sl->path, "packages",
			(json_int_t)l.packages, "bytes", (json_int_t)l.bytes));
	}
	return a;
}

struct packages {
	bool json;
	bool first;
	struct buf name;
};

static int
print_package(const struct package *p, void *arg)
{
	struct packages *ps = arg;
	int r;

	buf_clear(&ps->name);
	r = package_add_name(&p->light, &ps->name);
	if (r < 0)
		return r;
	if (ps->json) {
		json_t *s = out_json_foreign(buf_span(&ps->name));

		printf("%s\n  ", ps->first ? "" : ",");
		if (!s || json_dumpf(s, stdout, JSON_ENCODE_ANY) < 0)
			r = -ENOMEM;
		json_decref(s);
		ps->first = false;
	} else {
		out_foreign(buf_span(&ps->name));
		(void)putchar('\n');
	}
	return r;
}

int
out_packages(struct txn *t, const struct state *state, bool json)
{
	struct packages ps = {.json = json, .first = true};
	int r = 0;

	if (json)
		(void)putchar('[');
	for (size_t i = 0; r == 0 && i < state->nlists; i++) {
		CLEANUP(list_release) struct list l = {0};

		r = list_load(t, state->lists[i].list, &l);
		if (r == 0)
			r = list_each(t, &l, print_package, &ps);
	}
	if (json)
		printf("%s]\n", ps.first ? "" : "\n");
	buf_release(&ps.name);
	return r;
}
