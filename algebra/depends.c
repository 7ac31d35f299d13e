#include "algebra/depends.h"

#include <errno.h>

#include "base/version.h"
#include "store/package.h"

static const char *const op_text[] = {
    [DEP_NO_OP] = "",
    [DEP_LT] = "<<",
    [DEP_LE] = "<=",
    [DEP_EQ] = "=",
    [DEP_GE] = ">=",
    [DEP_GT] = ">>",
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_blanks(struct span *s)
{
	while (s->len > 0 && is_blank(*s->ptr)) {
		s->ptr++;
		s->len--;
	}
}

static bool
next_is(const struct span *s, char c)
{
	return s->len > 0 && *s->ptr == c;
}

static void
skip(struct span *s, size_t n)
{
	s->ptr += n;
	s->len -= n;
}

/* Printable ASCII but what the syntax has a use for, and '$', with which
 * variables begin that somebody forgot to fill in. */
static bool
in_version(char c)
{
	switch (c) {
	case '(':
	case ')':
	case '[':
	case ']':
	case '<':
	case '>':
	case '|':
	case ',':
	case '$':
		return false;
	default:
		return c > ' ' && c < 0x7f;
	}
}

static bool
in_name(char c)
{
	return c != ':' && in_version(c);
}

/* Cuts a run of bytes from *s, which may be empty. */
static struct span
cut_token(struct span *s, bool (*in)(char c))
{
	struct span token = {s->ptr, 0};

	while (token.len < s->len && in(s->ptr[token.len]))
		token.len++;
	skip(s, token.len);
	return token;
}

/* Cuts what stands up to `close`; the opening byte has been cut. */
static bool
cut_until(struct span *s, char close, struct span *ret)
{
	const char *end = s->len > 0 ? memchr(s->ptr, close, s->len) : NULL;

	if (!end)
		return false;
	*ret = span_trim((struct span){s->ptr, (size_t)(end - s->ptr)});
	skip(s, (size_t)(end - s->ptr) + 1);
	return true;
}

static enum dep_op
cut_op(struct span *s)
{
	char first = s->len > 0 ? s->ptr[0] : 0;
	char second = s->len > 1 ? s->ptr[1] : 0;

	if (first == '=') {
		skip(s, 1);
		return DEP_EQ;
	}
	if (first != '<' && first != '>')
		return DEP_EQ;
	skip(s, second == first || second == '=' ? 2 : 1);
	if (second == first)
		return first == '<' ? DEP_LT : DEP_GT;
	return first == '<' ? DEP_LE : DEP_GE;
}

/* What follows "(", up to ")"; NULL, or what is wrong. */
static const char *
cut_version(struct span *s, struct dep *d)
{
	skip_blanks(s);
	d->op = cut_op(s);
	skip_blanks(s);
	if (s->len > 0 && strchr("<>=", *s->ptr))
		return "unknown operator";
	d->version = cut_token(s, in_version);
	if (d->version.len > DEP_TOKEN_MAX)
		return "a version is too long";
	skip_blanks(s);
	if (!next_is(s, ')'))
		return s->len == 0 ? "( without )"
				   : "a version has a forbidden byte";
	skip(s, 1);
	return d->version.len == 0 ? "a version is missing" : NULL;
}

static const char *
cut_name(struct span *s, struct dep *d)
{
	d->name = cut_token(s, in_name);
	if (d->name.len == 0)
		return s->len == 0 || strchr("|,", *s->ptr)
			   ? "a name is missing"
			   : "a name has a forbidden byte";
	if (d->name.len > DEP_TOKEN_MAX)
		return "a name is too long";
	if (!next_is(s, ':'))
		return NULL;
	skip(s, 1);
	d->qualifier = cut_token(s, in_name);
	if (d->qualifier.len == 0)
		return "nothing follows the colon";
	return d->qualifier.len > DEP_TOKEN_MAX ? "a qualifier is too long"
						: NULL;
}

static const char *
cut_architectures(struct span *s, struct dep *d)
{
	skip(s, 1);
	if (!cut_until(s, ']', &d->architectures))
		return "[ without ]";
	return d->architectures.len == 0 ? "[ ] is empty" : NULL;
}

/* One or more lists of profiles, each in < >; they stay as they are. */
static const char *
cut_profiles(struct span *s, struct dep *d)
{
	const char *start = s->ptr;
	struct span list;

	while (next_is(s, '<')) {
		skip(s, 1);
		if (!cut_until(s, '>', &list))
			return "< without >";
		if (list.len == 0)
			return "< > is empty";
		d->profiles = (struct span){start, (size_t)(s->ptr - start)};
		skip_blanks(s);
	}
	return NULL;
}

static const char *
cut_alternative(struct span *s, struct dep *d)
{
	const char *why = cut_name(s, d);

	skip_blanks(s);
	if (!why && next_is(s, '(')) {
		skip(s, 1);
		why = cut_version(s, d);
		skip_blanks(s);
	}
	if (!why && next_is(s, '[')) {
		why = cut_architectures(s, d);
		skip_blanks(s);
	}
	if (!why && next_is(s, '<'))
		why = cut_profiles(s, d);
	if (why || s->len == 0)
		return why;
	if (!next_is(s, ',') && !next_is(s, '|'))
		return in_name(*s->ptr) ? "a comma is missing"
					: "a name has a forbidden byte";
	d->more = next_is(s, '|');
	skip(s, 1);
	skip_blanks(s);
	return d->more && s->len == 0 ? "a name is missing" : NULL;
}

int
dep_next(struct span *field, struct dep *ret, const char **reterr_why)
{
	struct dep d = {0};
	const char *why;

	skip_blanks(field);
	if (field->len == 0)
		return 0;
	why = cut_alternative(field, &d);
	if (why) {
		*reterr_why = why;
		return -EBADMSG;
	}
	*ret = d;
	return 1;
}

bool
dep_cut_group(struct span *field, struct span *ret)
{
	struct span group;

	skip_blanks(field);
	if (!span_cut(field, ',', &group))
		return false;
	*ret = span_trim(group);
	return true;
}

int
dep_add_text(const struct dep *d, struct buf *b)
{
	int r = buf_add_span(b, d->name);

	if (r == 0 && d->qualifier.len > 0) {
		r = buf_add_char(b, ':');
		if (r == 0)
			r = buf_add_span(b, d->qualifier);
	}
	if (r == 0 && d->op != DEP_NO_OP)
		r = buf_addf(
		    b, " (%s %.*s)", op_text[d->op], SPAN_ARG(d->version));
	return r;
}

bool
dep_version_ok(const struct dep *d, struct span version)
{
	int order;

	if (d->op == DEP_NO_OP)
		return true;
	if (version.len == 0)
		return false;
	order = version_cmp(version, d->version);
	switch (d->op) {
	case DEP_LT:
		return order < 0;
	case DEP_LE:
		return order <= 0;
	case DEP_GE:
		return order >= 0;
	case DEP_GT:
		return order > 0;
	default:
		return order == 0;
	}
}

enum multi_arch
multi_arch_of(struct span text)
{
	if (span_eq(text, SPAN("foreign")))
		return MULTI_ARCH_FOREIGN;
	if (span_eq(text, SPAN("allowed")))
		return MULTI_ARCH_ALLOWED;
	return span_eq(text, SPAN("same")) ? MULTI_ARCH_SAME : MULTI_ARCH_NO;
}

/* Is the offer's architecture this one, on a machine of `native`? */
static bool
offer_is_of(const struct dep_offer *o, struct span arch, struct span native)
{
	if (o->qualifier.len > 0)
		return span_eq(o->qualifier, arch);
	if (span_eq(o->architecture, SPAN("all")))
		return span_eq(arch, native);
	return span_eq(o->architecture, arch);
}

bool
dep_met_by(const struct dep *d, const struct dep_offer *offer,
    struct span architecture)
{
	bool met;

	if (span_eq(d->qualifier, SPAN("any")))
		met = offer->qualifier.len > 0
			  ? span_eq(offer->qualifier, SPAN("any"))
			  : offer->multi_arch == MULTI_ARCH_ALLOWED;
	else if (span_eq(d->qualifier, SPAN("native")))
		met = offer_is_of(offer, architecture, architecture);
	else if (d->qualifier.len > 0)
		met = offer_is_of(offer, d->qualifier, architecture);
	else
		met = offer_is_of(offer, architecture, architecture) ||
		      (offer->qualifier.len == 0 &&
			  offer->multi_arch == MULTI_ARCH_FOREIGN);
	return met && dep_version_ok(d, offer->version);
}

int
dep_next_provided(struct span *field, struct span *ret_name,
    struct dep_offer *offer, const char **reterr_why)
{
	struct dep d;
	int r;

	do {
		r = dep_next(field, &d, reterr_why);
		if (r <= 0)
			return r;
	} while (d.op != DEP_NO_OP && d.op != DEP_EQ);
	*ret_name = d.name;
	offer->provided = true;
	offer->version = d.version;
	offer->qualifier = d.qualifier;
	return 1;
}

bool
dep_met_by_package(
    const struct dep *d, const struct light *l, struct span architecture)
{
	struct dep_offer offer = {
	    .version = l->version,
	    .architecture = l->architecture,
	    .multi_arch = multi_arch_of(l->multi_arch),
	};
	struct span provides = l->relations[REL_PROVIDES], name;
	const char *why;

	if (span_eq(d->name, l->name) && dep_met_by(d, &offer, architecture))
		return true;
	while (dep_next_provided(&provides, &name, &offer, &why) > 0)
		if (span_eq(d->name, name) &&
		    dep_met_by(d, &offer, architecture))
			return true;
	return false;
}
