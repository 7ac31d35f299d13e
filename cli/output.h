#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

/* What commands print on standard output, as lines or as JSON. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/strs.h"
#include "cli/command.h"
#include "store/package.h"
#include "store/state.h"

/*
 * A listing: each() calls something for every item, which prints a line, or
 * adds to the array where there is one.  The whole command: yields the exit
 * status.
 */
struct out_list {
	struct txn *t;
	json_t *json; /* the array, or NULL for lines */
};
int out_list(struct cli *c, int (*each)(struct out_list *l));
/* Adds an item, which it takes (NULL: it could not be made). */
int out_list_add(struct out_list *l, json_t *item) MUST_CHECK;
/* Prints one JSON value with a newline and frees it; -ENOMEM where building
 * it failed (NULL). */
int out_json(json_t *value) MUST_CHECK;
json_t *out_strs(const struct strs *s);
/* "2026-11-23T18:00:00Z", or null for 0. */
json_t *out_time(int64_t t);
/* A string, or null. */
json_t *out_str(const char *s);
/* "Label:     value", nothing where value is NULL. */
void out_field(const char *label, const char *value);
void out_field_strs(const char *label, const struct strs *s);
void out_field_time(const char *label, int64_t t);
/* "1.2 MB (1234567 bytes)"; returns out. */
#define OUT_SIZE_MAX 64
char *out_size(uint64_t n, char out[OUT_SIZE_MAX]);
/* How many files, and their size. */
void out_field_files(const char *label, uint64_t files, uint64_t bytes);
/* Has its Valid-Until passed? */
bool out_expired(const struct state *state);
/* Valid-Until, and what clients of an expired one have to say. */
void out_valid_until(const struct state *state);
/* Text that came from an archive: control bytes become '?'. */
void out_foreign(struct span s);
/* The same as a JSON string; what is not UTF-8 becomes U+FFFD. */
json_t *out_json_foreign(struct span s);
/* "deb", "source", "udeb": what $PackageType is in queries. */
const char *out_package_type(enum package_kind kind);

/* The lists of a state: counts of packages by component and architecture. */
int out_state_lists(struct txn *t, const struct state *state) MUST_CHECK;
json_t *out_json_lists(struct txn *t, const struct state *state);
/* Each package once per list, as name_version_architecture. */
int out_packages(
    struct txn *t, const struct state *state, bool json) MUST_CHECK;

#endif
