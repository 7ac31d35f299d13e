#ifndef ALGEBRA_QUERY_TREE_H
#define ALGEBRA_QUERY_TREE_H

/* Parsed queries: for algebra/query*.c alone. */

#include "algebra/query.h"
#include "base/buf.h"
#include "base/regex.h"

enum query_op {
	QUERY_PRESENT, /* no condition */
	QUERY_EQUAL,
	QUERY_LESS,
	QUERY_LESS_EQUAL,
	QUERY_GREATER,
	QUERY_GREATER_EQUAL,
	QUERY_GLOB,
	QUERY_REGEX,
};

enum query_kind {
	QUERY_AND, /* of the children */
	QUERY_OR,  /* of the children */
	QUERY_NOT, /* of the one child */
	QUERY_FIELD,
	QUERY_PACKAGE, /* name op value {architecture}: as a dependency */
	QUERY_REF,     /* value: name_version_architecture */
};

enum query_field {
	QUERY_F_STANZA, /* any field of the stanza: name */
	QUERY_F_NAME,
	QUERY_F_VERSION,      /* as text */
	QUERY_F_ARCHITECTURE, /* as the stanza says */
	QUERY_F_MULTI_ARCH,
	QUERY_F_ESSENTIAL,
	QUERY_F_RELATION, /* relation */
	QUERY_F_DPKG_VERSION,
	QUERY_F_MATCHED_ARCHITECTURE,
	QUERY_F_SOURCE,
	QUERY_F_SOURCE_VERSION,
	QUERY_F_TYPE,
};

struct query_node {
	enum query_kind kind;
	enum query_field field;
	enum query_op op;
	enum relation relation;
	struct query_node *children;	   /* the first */
	struct query_node *next;	   /* of the same parent */
	char *name, *value, *architecture; /* or NULL */
	struct regex *regex;
	struct query_node *all; /* the node that was made before */
};

struct query {
	struct query_node *root;
	struct query_node *all; /* the node that was made last */
};

/* --- words ------------------------------------------------------------ */

enum query_token {
	TOKEN_END,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OPEN_BRACE,
	TOKEN_CLOSE_BRACE,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_NOT,
	TOKEN_OPERATOR, /* op */
	TOKEN_TEXT,	/* text */
};

struct query_lexer {
	struct span all;
	struct span rest; /* behind the token in hand */
	/* The token in hand. */
	enum query_token token;
	enum query_op op;
	struct buf text;
	size_t at;	   /* its first byte */
	struct span shown; /* as it was written */
	struct error *err;
};

/* Reads the next token; -EINVAL, -ENOMEM. */
int query_lex(struct query_lexer *l) MUST_CHECK;
/* "column N: ...", of the byte at; returns -EINVAL. */
int query_fail_at(struct query_lexer *l, size_t at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
