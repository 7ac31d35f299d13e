#include "mirror/limits.h"

#include <errno.h>

#define STALL_MAX_S 86400

int
limit_fetches(struct span s, unsigned *ret)
{
	uint64_t n;

	if (span_u64(s, &n) < 0 || n == 0 || n > LIMIT_FETCHES_MAX)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

int
limit_rate(struct span s, uint64_t *ret)
{
	static const struct {
		char letter;
		uint64_t factor;
	} units[] = {{'k', 1000}, {'M', 1000000}, {'G', 1000000000}};
	uint64_t n, factor = 1;

	for (size_t i = 0; i < ARRAY_LEN(units) && s.len > 0; i++) {
		if (s.ptr[s.len - 1] != units[i].letter)
			continue;
		factor = units[i].factor;
		s.len--;
		break;
	}
	if (span_u64(s, &n) < 0 || n == 0 || n > INT64_MAX / factor)
		return -EINVAL;
	*ret = n * factor;
	return 0;
}

static int
limit_stall(struct span s, long *ret)
{
	uint64_t n;

	if (span_u64(s, &n) < 0 || n == 0 || n > STALL_MAX_S)
		return -EINVAL;
	*ret = (long)n * 1000;
	return 0;
}

/* 1 where the option is none of ours. */
static int
take(struct span option, struct limits *l)
{
	struct span name, value = option;

	if (!span_cut(&value, '=', &name))
		return 1;
	if (span_eq(name, SPAN("fetches")))
		return limit_fetches(value, &l->fetches);
	if (span_eq(name, SPAN("fetch_rate")))
		return limit_rate(value, &l->bytes_per_s);
	if (span_eq(name, SPAN("fetch_stall")))
		return limit_stall(value, &l->stall_ms);
	return 1;
}

int
limits_take(struct span options, struct limits *ret, struct buf *rest,
    struct error *err)
{
	struct limits l = {0};
	struct span option;

	while (span_cut(&options, ',', &option)) {
		int r = take(option, &l);

		if (r < 0)
			return error_set(err, r,
			    "mount option '%.*s': bad value", SPAN_ARG(option));
		if (r == 0)
			continue;
		if (rest->len > 0)
			(void)buf_add_char(rest, ','); /* rest->failed tells */
		(void)buf_add_span(rest, option);
	}
	if (rest->failed)
		return error_sys(err, -ENOMEM, "cannot read mount options");
	*ret = l;
	return 0;
}
