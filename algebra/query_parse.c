#include <errno.h>
#include <stdlib.h>

#include "algebra/query_tree.h"
#include "base/glob.h"

/*
 *	or      = and { "|" and }
 *	and     = not { "," not }
 *	not     = { "!" } ( "(" or ")" | leaf )
 *	leaf    = text [ "(" [ operator ] text ")" ] [ "{" text "}" ]
 *
 * A leaf whose text begins with '$' or a capital, and has no '_', is about a
 * field; one that is a reference has two '_' and nothing behind it; all others
 * are dependencies.
 */

struct parser {
	struct query_lexer lexer;
	struct query *query;
	unsigned depth;
};

static const struct {
	const char *name;
	enum query_field field;
} fields[] = {
    {"$Version", QUERY_F_DPKG_VERSION},
    {"$Architecture", QUERY_F_MATCHED_ARCHITECTURE},
    {"$Source", QUERY_F_SOURCE},
    {"$SourceVersion", QUERY_F_SOURCE_VERSION},
    {"$PackageType", QUERY_F_TYPE},
    {"Name", QUERY_F_NAME},
    {"Package", QUERY_F_NAME},
    {"Version", QUERY_F_VERSION},
    {"Architecture", QUERY_F_ARCHITECTURE},
    {"Multi-Arch", QUERY_F_MULTI_ARCH},
    {"Essential", QUERY_F_ESSENTIAL},
};

void
query_free(struct query *q)
{
	if (!q)
		return;
	while (q->all) {
		struct query_node *n = q->all;

		q->all = n->all;
		free(n->name);
		free(n->value);
		free(n->architecture);
		regex_free(n->regex);
		free(n);
	}
	free(q);
}

static int
no_memory(struct parser *p)
{
	return error_sys(p->lexer.err, -ENOMEM, "cannot parse a query");
}

static struct query_node *
new_node(struct query *q, enum query_kind kind)
{
	struct query_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind;
	n->all = q->all;
	q->all = n;
	return n;
}

static int
next(struct parser *p)
{
	return query_lex(&p->lexer);
}

/* Takes over the text in hand and goes on. */
static int
take_text(struct parser *p, char **ret)
{
	*ret = buf_take(&p->lexer.text);
	return *ret ? next(p) : no_memory(p);
}

/* The token in hand is not what it should be. */
static int
unexpected(struct parser *p, const char *expected)
{
	struct query_lexer *l = &p->lexer;

	if (l->token == TOKEN_END)
		return query_fail_at(l, l->at, "expected %s", expected);
	return query_fail_at(
	    l, l->at, "expected %s, not '%.*s'", expected, SPAN_ARG(l->shown));
}

/* Takes a token that must be there. */
static int
take_token(struct parser *p, enum query_token token, const char *expected)
{
	return p->lexer.token == token ? next(p) : unexpected(p, expected);
}

static int
compile(struct parser *p, struct query_node *n, size_t at)
{
	struct query_lexer *l = &p->lexer;
	struct error why = {""};
	const char *bad;
	int r;

	if (n->op == QUERY_GLOB) {
		bad = glob_check(span_of(n->value));
		return bad ? query_fail_at(
				 l, at, "pattern '%.200s': %s", n->value, bad)
			   : 0;
	}
	if (n->op != QUERY_REGEX)
		return 0;
	r = regex_new(span_of(n->value), &n->regex, &why);
	if (r == -EINVAL)
		return query_fail_at(l, at, "%s", why.text);
	return r < 0 ? no_memory(p) : 0;
}

/* [operator] value ')', behind the '('. */
static int
parse_condition(struct parser *p, struct query_node *n)
{
	struct query_lexer *l = &p->lexer;
	char expected[32];
	size_t at;
	int r;

	n->op = QUERY_EQUAL;
	(void)snprintf(expected, sizeof(expected), "an operator or a value");
	if (l->token == TOKEN_OPERATOR) {
		n->op = l->op;
		(void)snprintf(expected, sizeof(expected), "a value after %.*s",
		    SPAN_ARG(l->shown));
		r = next(p);
		if (r < 0)
			return r;
	}
	if (l->token != TOKEN_TEXT)
		return unexpected(p, expected);
	at = l->at;
	r = take_text(p, &n->value);
	if (r == 0)
		r = compile(p, n, at);
	return r < 0 ? r : take_token(p, TOKEN_CLOSE, "')' after the value");
}

static bool
is_field(const char *text)
{
	return text[0] == '$' ||
	       (text[0] >= 'A' && text[0] <= 'Z' && !strchr(text, '_'));
}

static int
choose_field(struct parser *p, struct query_node *n, size_t at)
{
	struct span name = span_of(n->name);

	n->kind = QUERY_FIELD;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (span_eq_nocase(name, span_of(fields[i].name))) {
			n->field = fields[i].field;
			return 0;
		}
	}
	if (n->name[0] == '$')
		return query_fail_at(&p->lexer, at,
		    "there is no %.100s; there are $Version, $Architecture, "
		    "$Source, $SourceVersion and $PackageType",
		    n->name);
	for (size_t i = 0; i < REL_COUNT; i++) {
		if (span_eq_nocase(name, span_of(relation_field[i]))) {
			n->field = QUERY_F_RELATION;
			n->relation = (enum relation)i;
		}
	}
	return 0;
}

static int
parse_architecture(struct parser *p, struct query_node *n)
{
	int r = next(p);

	if (r < 0)
		return r;
	if (p->lexer.token != TOKEN_TEXT)
		return unexpected(p, "an architecture after '{'");
	r = take_text(p, &n->architecture);
	return r < 0 ? r
		     : take_token(
			   p, TOKEN_CLOSE_BRACE, "'}' after the architecture");
}

static bool
is_ref(const struct query_node *n)
{
	const char *first = strchr(n->name, '_');

	return n->op == QUERY_PRESENT && !n->architecture && first &&
	       strchr(first + 1, '_');
}

static int
parse_leaf(struct parser *p, struct query_node **ret)
{
	struct query_lexer *l = &p->lexer;
	struct query_node *n = new_node(p->query, QUERY_PACKAGE);
	size_t at = l->at;
	int r;

	if (!n)
		return no_memory(p);
	r = take_text(p, &n->name);
	if (r < 0)
		return r;
	if (n->name[0] == '\0')
		return query_fail_at(l, at, "an empty name");
	if (n->name[strcspn(n->name, "<>=")] != '\0')
		return query_fail_at(l, at,
		    "'%.200s' is no name; a condition is in parentheses: "
		    "NAME (>= VALUE)",
		    n->name);
	if (is_field(n->name))
		r = choose_field(p, n, at);
	if (r == 0 && l->token == TOKEN_OPEN) {
		r = next(p);
		if (r == 0)
			r = parse_condition(p, n);
	}
	if (r == 0 && n->kind == QUERY_PACKAGE && l->token == TOKEN_OPEN_BRACE)
		r = parse_architecture(p, n);
	if (r < 0)
		return r;
	if (n->kind == QUERY_PACKAGE && is_ref(n))
		n->kind = QUERY_REF;
	*ret = n;
	return 0;
}

static int parse_list(struct parser *p, enum query_kind kind,
    const char *behind, struct query_node **ret);

/* What stands in parentheses, or a leaf. */
static int
parse_primary(struct parser *p, const char *behind, struct query_node **ret)
{
	struct query_lexer *l = &p->lexer;
	char expected[64];
	int r;

	if (l->token == TOKEN_TEXT)
		return parse_leaf(p, ret);
	if (l->token != TOKEN_OPEN) {
		(void)snprintf(expected, sizeof(expected),
		    "a package name, a field or '('%s%s",
		    *behind ? " after " : "", behind);
		return unexpected(p, expected);
	}
	if (++p->depth > QUERY_MAX_DEPTH)
		return query_fail_at(l, l->at,
		    "'(' within one another more than %d times",
		    QUERY_MAX_DEPTH);
	r = next(p);
	if (r == 0)
		r = parse_list(p, QUERY_OR, "'('", ret);
	if (r == 0)
		r = take_token(p, TOKEN_CLOSE, "',', '|' or ')'");
	p->depth--;
	return r;
}

static int
parse_not(struct parser *p, const char *behind, struct query_node **ret)
{
	struct query_node *child = NULL, *n;
	bool negated = false;
	int r;

	while (p->lexer.token == TOKEN_NOT) {
		negated = !negated;
		behind = "'!'";
		r = next(p);
		if (r < 0)
			return r;
	}
	r = parse_primary(p, behind, &child);
	if (r < 0)
		return r;
	n = negated ? new_node(p->query, QUERY_NOT) : child;
	if (!n)
		return no_memory(p);
	if (negated)
		n->children = child;
	*ret = n;
	return 0;
}

/* QUERY_OR: what is between bars; QUERY_AND: what is between commas.  One node
 * for all of them, or that one alone. */
static int
parse_list(struct parser *p, enum query_kind kind, const char *behind,
    struct query_node **ret)
{
	bool any = kind == QUERY_OR;
	struct query_node *list = NULL, *last = NULL;

	for (;;) {
		struct query_node *n = NULL;
		int r = any ? parse_list(p, QUERY_AND, behind, &n)
			    : parse_not(p, behind, &n);

		if (r < 0)
			return r;
		if (last)
			last->next = n;
		else
			*ret = n;
		last = n;
		if (p->lexer.token != (any ? TOKEN_OR : TOKEN_AND) || !n)
			return 0;
		if (!list) {
			list = new_node(p->query, kind);
			if (!list)
				return no_memory(p);
			list->children = n;
			*ret = list;
		}
		behind = any ? "'|'" : "','";
		r = next(p);
		if (r < 0)
			return r;
	}
}

static int
parse_end(struct parser *p)
{
	struct query_lexer *l = &p->lexer;

	switch (l->token) {
	case TOKEN_END:
		return 0;
	case TOKEN_CLOSE:
		return query_fail_at(l, l->at, "')' without '(' before it");
	case TOKEN_OPEN_BRACE:
		return query_fail_at(l, l->at,
		    "{architecture} goes with a package's name only; use "
		    "$Architecture");
	default:
		return unexpected(p, "',' or '|'");
	}
}

static int
parse_into(struct query *q, struct span text, struct error *err,
    struct query_node **ret)
{
	struct parser p = {
	    .lexer = {.all = text, .rest = text, .err = err}, .query = q};
	int r;

	if (text.len > QUERY_MAX_LEN)
		return error_set(
		    err, -EINVAL, "more than %d bytes", QUERY_MAX_LEN);
	if (text.len > 0 && memchr(text.ptr, '\0', text.len))
		return error_set(err, -EINVAL, "a NUL byte");
	r = next(&p);
	if (r == 0)
		r = parse_list(&p, QUERY_OR, "", ret);
	if (r == 0)
		r = parse_end(&p);
	buf_release(&p.lexer.text);
	return r;
}

int
query_parse(struct span text, struct query **ret, struct error *err)
{
	CLEANUP(query_cleanup) struct query *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return error_sys(err, -ENOMEM, "cannot parse a query");
	r = parse_into(q, text, err, &q->root);
	if (r < 0)
		return r;
	*ret = TAKE(q);
	return 0;
}

int
query_parse_any(const struct strs *texts, struct query **ret, struct error *err)
{
	CLEANUP(query_cleanup) struct query *q = calloc(1, sizeof(*q));
	struct query_node *any = q ? new_node(q, QUERY_OR) : NULL;
	struct query_node *last = NULL;

	if (!any)
		return error_sys(err, -ENOMEM, "cannot parse a query");
	for (size_t i = 0; i < texts->n; i++) {
		struct query_node *n = NULL;
		int r = parse_into(q, span_of(texts->v[i]), err, &n);

		if (r < 0 || !n)
			return error_prefix(
			    err, r, "query \"%.200s\"", texts->v[i]);
		if (last)
			last->next = n;
		else
			any->children = n;
		last = n;
	}
	q->root = any;
	*ret = texts->n > 0 ? TAKE(q) : NULL;
	return 0;
}
