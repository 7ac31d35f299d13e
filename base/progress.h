#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

/*
 * Progress of long work: on a terminal one line that is redrawn (stage, files,
 * bytes, rate, time left), otherwise log lines for a stage that takes longer
 * than 3 seconds: then, every 10 seconds, and at its end.  Nothing with
 * --quiet.  Any thread may call; there is one progress at a time in the
 * process.
 */

#include <stdint.h>

struct progress;

/* NULL is a progress that shows nothing: every call accepts it. */
struct progress *progress_new(void);
void progress_free(struct progress *p);
static inline void
progress_cleanup(struct progress **p)
{
	progress_free(*p);
}

/* Starts a stage; totals in bytes and files, 0 where unknown. */
void progress_stage(
    struct progress *p, const char *name, uint64_t bytes, uint64_t files);
/* More has become known to do. */
void progress_expect(struct progress *p, uint64_t bytes, uint64_t files);
void progress_add(struct progress *p, uint64_t bytes, uint64_t files);
/* Ends the stage; NULL and a stage that has ended are fine. */
void progress_end(struct progress *p);

/* For base/log.c: wipes and redraws the line around other output. */
void progress_hide(void);
void progress_show(void);

#endif
