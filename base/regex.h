#ifndef BASE_REGEX_H
#define BASE_REGEX_H

/*
 * Regular expressions through PCRE2, with limits: matching takes time and
 * memory that are bounded whatever the expression and the text, for a text and
 * for all texts of a run together.  Texts are UTF-8; what is not never
 * matches.  '$' is the very end.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

/* Steps are PCRE2's: how often it tries another way. */
#define REGEX_STEPS_FREE (1 << 11) /* for a text that do not count */
#define REGEX_STEPS_TEXT (1 << 20) /* for a text */
#define REGEX_STEPS_RUN	 (1 << 26)
#define REGEX_HEAP_KIB	 (16 * 1024)

struct regex; /* immutable: any thread may use it */

/* -EINVAL: not one, or too large; err says why and where. */
int regex_new(
    struct span pattern, struct regex **ret, struct error *err) MUST_CHECK;
void regex_free(struct regex *re);
static inline void
regex_cleanup(struct regex **re)
{
	regex_free(*re);
}

struct regex_run; /* of one thread */
/* steps: of all its texts, 0: REGEX_STEPS_RUN. */
int regex_run_new(uint64_t steps, struct regex_run **ret) MUST_CHECK;
void regex_run_free(struct regex_run *run);
static inline void
regex_run_cleanup(struct regex_run **run)
{
	regex_run_free(*run);
}

/* Is it found anywhere in the text?  1 or 0; -E2BIG: it takes more steps or
 * memory than the limits allow (err names the expression); -ENOMEM. */
int regex_match(const struct regex *re, struct regex_run *run, struct span text,
    struct error *err) MUST_CHECK;

#endif
