#include <errno.h>
#include <stdarg.h>

#include "algebra/query_tree.h"

static size_t
column(struct span all, size_t at)
{
	size_t n = 1;

	/* All bytes of a character but the first are 10xxxxxx. */
	for (size_t i = 0; i < at; i++)
		n += ((unsigned char)all.ptr[i] & 0xc0) != 0x80;
	return n;
}

int
query_fail_at(struct query_lexer *l, size_t at, const char *fmt, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return error_set(l->err, -EINVAL, "column %zu: %s", column(l->all, at),
	    text ? text : "not understood");
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What ends a text without quotes. */
static bool
is_special(char c)
{
	return is_blank(c) || (c != '\0' && strchr("()|,!{}", c));
}

static void
take(struct query_lexer *l, enum query_token token, size_t len)
{
	l->token = token;
	l->shown = (struct span){l->rest.ptr, len};
	l->rest.ptr += len;
	l->rest.len -= len;
}

static int
take_operator(struct query_lexer *l, enum query_op op, size_t len)
{
	l->op = op;
	take(l, TOKEN_OPERATOR, len);
	return 0;
}

/* "<" and ">" are old for "<=" and ">=", as in dependencies. */
static int
lex_order(struct query_lexer *l, char c)
{
	char next = l->rest.len > 1 ? l->rest.ptr[1] : '\0';
	bool less = c == '<';

	if (next == c)
		return take_operator(l, less ? QUERY_LESS : QUERY_GREATER, 2);
	return take_operator(l, less ? QUERY_LESS_EQUAL : QUERY_GREATER_EQUAL,
	    next == '=' ? 2 : 1);
}

static int
no_memory(struct query_lexer *l)
{
	return error_sys(l->err, -ENOMEM, "cannot parse a query");
}

/* In quotes, a backslash takes what follows as it stands. */
static int
lex_quoted(struct query_lexer *l, char quote)
{
	struct span s = l->rest;
	size_t i;

	for (i = 1; i < s.len && s.ptr[i] != quote; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		if (buf_add_char(&l->text, s.ptr[i]) < 0)
			return no_memory(l);
	}
	if (i >= s.len)
		return query_fail_at(
		    l, l->at, "the quote that begins here does not end");
	take(l, TOKEN_TEXT, i + 1);
	return 0;
}

static int
lex_text(struct query_lexer *l)
{
	size_t len = 1;

	while (len < l->rest.len && !is_special(l->rest.ptr[len]))
		len++;
	if (buf_add(&l->text, l->rest.ptr, len) < 0)
		return no_memory(l);
	take(l, TOKEN_TEXT, len);
	return 0;
}

static int
lex_one(struct query_lexer *l, char c)
{
	static const struct {
		char c;
		enum query_token token;
	} single[] = {
	    {'(', TOKEN_OPEN},
	    {')', TOKEN_CLOSE},
	    {'{', TOKEN_OPEN_BRACE},
	    {'}', TOKEN_CLOSE_BRACE},
	    {'|', TOKEN_OR},
	    {',', TOKEN_AND},
	    {'!', TOKEN_NOT},
	};

	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		if (single[i].c == c) {
			take(l, single[i].token, 1);
			return 0;
		}
	}
	switch (c) {
	case '<':
	case '>':
		return lex_order(l, c);
	case '=':
		return take_operator(l, QUERY_EQUAL, 1);
	case '%':
		return take_operator(l, QUERY_GLOB, 1);
	case '~':
		return take_operator(l, QUERY_REGEX, 1);
	case '"':
	case '\'':
		return lex_quoted(l, c);
	default:
		return lex_text(l);
	}
}

int
query_lex(struct query_lexer *l)
{
	buf_clear(&l->text);
	while (l->rest.len > 0 && is_blank(l->rest.ptr[0])) {
		l->rest.ptr++;
		l->rest.len--;
	}
	l->at = l->all.len - l->rest.len;
	if (l->rest.len == 0) {
		take(l, TOKEN_END, 0);
		return 0;
	}
	return lex_one(l, l->rest.ptr[0]);
}
