#include "fs/wait_limit.h"

#include <fcntl.h>

#include "base/buf.h"
#include "base/file.h"

#define SYSCTLS	     "/proc/sys/fs/fuse/"
#define NUMBER_MAX   32
#define KERNEL_MIN_S 15 /* FUSE_TIMEOUT_TIMER_FREQ: less is as much */
#define FOREVER_S    UINT32_MAX

int64_t
wait_limit_of(uint64_t chosen_s, uint64_t default_s, uint64_t max_s)
{
	uint64_t kernel_s = default_s;
	int64_t kernel_ms, chosen_ms;

	if (max_s > 0 && (kernel_s == 0 || kernel_s > max_s))
		kernel_s = max_s;
	if (kernel_s > 0 && kernel_s < KERNEL_MIN_S)
		kernel_s = KERNEL_MIN_S;
	/* Not to overflow. */
	kernel_s = kernel_s > FOREVER_S ? FOREVER_S : kernel_s;
	chosen_s = chosen_s > FOREVER_S ? FOREVER_S : chosen_s;
	chosen_ms = (int64_t)chosen_s * 1000;
	if (kernel_s == 0)
		return chosen_ms;
	kernel_ms = (int64_t)kernel_s * 1000 - WAIT_LIMIT_BEFORE_MS;
	return chosen_ms == 0 || chosen_ms > kernel_ms ? kernel_ms : chosen_ms;
}

/* Older kernels have none. */
static uint64_t
sysctl_number(const char *name)
{
	CLEANUP(buf_release) struct buf text = {0};
	uint64_t n;

	if (file_read(AT_FDCWD, name, NUMBER_MAX, &text, NULL) < 0 ||
	    span_u64(span_trim(buf_span(&text)), &n) < 0)
		return 0;
	return n;
}

int64_t
wait_limit_ms(uint64_t chosen_s)
{
	return wait_limit_of(chosen_s,
	    sysctl_number(SYSCTLS "default_request_timeout"),
	    sysctl_number(SYSCTLS "max_request_timeout"));
}
