#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Lines for people on stderr: "suitefs: <text>".  Only cli/ and the mount's
 * callbacks log; library code returns errors.  Any thread may call; a line is
 * written whole, and a progress bar on the terminal is wiped first (see
 * base/progress.h).  Control characters become '?'.
 */

#include "base/cleanup.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* LOG_INFO unless told otherwise. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* From now on lines go to syslog(3) as well (a mount in the background). */
void log_to_syslog(const char *ident);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
