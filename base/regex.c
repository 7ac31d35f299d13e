#include "base/regex.h"

#include <errno.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MAX (64 * 1024) /* bytes */
#define SHOWN_MAX   200		/* bytes of an expression in a message */

struct regex {
	pcre2_code *code;
	char *pattern;
};

struct regex_run {
	pcre2_match_data *data;
	pcre2_match_context *context;
	uint64_t steps; /* that are left */
};

void
regex_free(struct regex *re)
{
	if (!re)
		return;
	pcre2_code_free(re->code);
	free(re->pattern);
	free(re);
}

static int
fail_compile(int code, size_t at, struct error *err)
{
	PCRE2_UCHAR why[256] = "not understood";

	if (code == PCRE2_ERROR_NOMEMORY)
		return error_sys(err, -ENOMEM, "regular expression");
	(void)pcre2_get_error_message(code, why, sizeof(why));
	return error_set(err, -EINVAL,
	    "regular expression: %s, at its byte %zu", (const char *)why,
	    at + 1);
}

int
regex_new(struct span pattern, struct regex **ret, struct error *err)
{
	CLEANUP(regex_cleanup) struct regex *re = calloc(1, sizeof(*re));
	size_t at = 0;
	int code = 0;

	if (pattern.len > PATTERN_MAX)
		return error_set(err, -EINVAL,
		    "regular expression of more than %d bytes", PATTERN_MAX);
	if (!re)
		return error_sys(err, -ENOMEM, "regular expression");
	re->pattern = span_dup(pattern);
	if (!re->pattern)
		return error_sys(err, -ENOMEM, "regular expression");
	re->code = pcre2_compile((PCRE2_SPTR)re->pattern, pattern.len,
	    PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY |
		PCRE2_NEVER_BACKSLASH_C,
	    &code, &at, NULL);
	if (!re->code)
		return fail_compile(code, at, err);
	*ret = TAKE(re);
	return 0;
}

void
regex_run_free(struct regex_run *run)
{
	if (!run)
		return;
	pcre2_match_data_free(run->data);
	pcre2_match_context_free(run->context);
	free(run);
}

int
regex_run_new(uint64_t steps, struct regex_run **ret)
{
	CLEANUP(regex_run_cleanup)
	struct regex_run *run = calloc(1, sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->steps = steps ? steps : REGEX_STEPS_RUN;
	/* Only whether it matches is asked for: one pair is enough. */
	run->data = pcre2_match_data_create(1, NULL);
	run->context = pcre2_match_context_create(NULL);
	if (!run->data || !run->context)
		return -ENOMEM;
	(void)pcre2_set_heap_limit(run->context, REGEX_HEAP_KIB);
	(void)pcre2_set_depth_limit(run->context, REGEX_STEPS_TEXT);
	*ret = TAKE(run);
	return 0;
}

static int
too_much(const struct regex *re, const char *what, struct error *err)
{
	return error_set(err, -E2BIG,
	    "regular expression \"%.*s\" takes too %s to match", SHOWN_MAX,
	    re->pattern, what);
}

/*
 * How many steps a match took is not told, so it is tried with few first: what
 * is known to have been taken in vain is counted, and is a known part of all.
 */
int
regex_match(const struct regex *re, struct regex_run *run, struct span text,
    struct error *err)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)(text.ptr ? text.ptr : "");
	uint32_t steps;
	int r = PCRE2_ERROR_MATCHLIMIT;

	for (steps = REGEX_STEPS_FREE; steps <= REGEX_STEPS_TEXT; steps *= 4) {
		(void)pcre2_set_match_limit(run->context, steps);
		r = pcre2_match(
		    re->code, subject, text.len, 0, 0, run->data, run->context);
		if (r != PCRE2_ERROR_MATCHLIMIT)
			break;
		if (run->steps < steps)
			return too_much(re, "many steps", err);
		run->steps -= steps;
	}
	switch (r) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
		return too_much(re, "many steps", err);
	case PCRE2_ERROR_HEAPLIMIT:
		return too_much(re, "much memory", err);
	case PCRE2_ERROR_NOMEMORY:
		return error_sys(err, -ENOMEM, "regular expression");
	default:
		break;
	}
	if (r >= 0)
		return 1;
	return error_set(err, -EIO,
	    "regular expression \"%.*s\" cannot be matched (PCRE2 error %d)",
	    SHOWN_MAX, re->pattern, r);
}
