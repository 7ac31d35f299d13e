#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"

#define LINE_SIZE 4096 /* longer lines are cut */

static const char prefix[] = "suitefs: ";
static _Atomic enum log_level level_now = LOG_INFO;
static atomic_bool syslog_too;

/* Last, and not used together with our names: it has macros LOG_INFO and
 * LOG_DEBUG of its own, which are its priorities from here on. */
#include <syslog.h>

static int
priority(enum log_level level)
{
	/* In the order of our levels. */
	static const int of[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

	return of[level];
}

void
log_set_level(enum log_level level)
{
	atomic_store(&level_now, level);
}

enum log_level
log_get_level(void)
{
	return atomic_load(&level_now);
}

void
log_to_syslog(const char *ident)
{
	static char kept[64]; /* openlog() keeps the pointer */

	(void)snprintf(kept, sizeof(kept), "%s", ident);
	openlog(kept, LOG_PID, LOG_DAEMON);
	atomic_store(&syslog_too, true);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	const size_t at = sizeof(prefix) - 1;
	char line[LINE_SIZE];
	size_t len;
	va_list ap;

	if (level > log_get_level())
		return;
	memcpy(line, prefix, sizeof(prefix));
	va_start(ap, fmt);
	/* One byte is left for the newline. */
	(void)vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	va_end(ap);
	error_clean(line + at);
	if (atomic_load(&syslog_too))
		syslog(priority(level), "%s", line + at);
	len = strlen(line);
	line[len++] = '\n';
	progress_hide();
	/* There is nowhere left to complain. */
	(void)file_write_all(STDERR_FILENO, line, len);
	progress_show();
}
