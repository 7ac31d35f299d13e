#include "store/bus.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* A handler has nowhere else to leave it. */
static atomic_bool failed;

static void
on_bus_error(int sig, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)info->si_addr / page * page;
	int saved = errno;

	(void)context;
	atomic_store(&failed, true);
	if (info->si_code != BUS_ADRERR ||
	    mmap((void *)at, page, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		(void)signal(sig, SIG_DFL); /* it comes again, and kills */
	errno = saved;
}

void
bus_guard(void)
{
	struct sigaction sa = {
	    .sa_sigaction = on_bus_error,
	    .sa_flags = SA_SIGINFO | SA_RESTART,
	};

	(void)sigaction(SIGBUS, &sa, NULL);
}

bool
bus_failed(void)
{
	return atomic_load(&failed);
}
