#include "base/clock.h"

#define NS_PER_S  1000000000L
#define NS_PER_MS 1000000L

static struct timespec
now(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts;
}

int64_t
clock_ns(void)
{
	struct timespec ts = now();

	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
clock_ms(void)
{
	return clock_ns() / NS_PER_MS;
}

int64_t
clock_s(void)
{
	return now().tv_sec;
}

struct timespec
clock_later(struct timespec then, unsigned ms)
{
	then.tv_sec += ms / 1000;
	then.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
	if (then.tv_nsec >= NS_PER_S) {
		then.tv_nsec -= NS_PER_S;
		then.tv_sec++;
	}
	return then;
}

struct timespec
clock_in(unsigned ms)
{
	return clock_later(now(), ms);
}
