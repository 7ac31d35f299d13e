#include "fs/restarts.h"

void
restarts_init(struct restarts *r, unsigned limit, int64_t now_ms)
{
	*r = (struct restarts){limit, limit, now_ms};
}

bool
restarts_take(struct restarts *r, int64_t now_ms, int *ret_delay_ms)
{
	int64_t more = (now_ms - r->since) / RESTARTS_REGAIN_MS;

	if (more >= r->limit - r->left) {
		r->left = r->limit;
		r->since = now_ms;
	} else {
		r->left += (unsigned)more;
		r->since += more * RESTARTS_REGAIN_MS;
	}
	if (r->left == 0)
		return false;
	*ret_delay_ms = (int)(r->limit - r->left) * RESTARTS_DELAY_MS;
	r->left--;
	return true;
}
