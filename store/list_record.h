#ifndef STORE_LIST_RECORD_H
#define STORE_LIST_RECORD_H

/*
 * The records of lists and runs: for list*.c, run_join.c, check*.c and mend*.c
 * alone.
 *
 * A list, version 1: kind, SHA-256, mtime, packages, rendered bytes, number
 * of runs, and for each run its number less that of the run before (signed),
 * its rendered bytes, its packages; see store/ints.h.
 *
 * A run, version 1: rendered bytes, number of packages, and each package's
 * number less that of the package before (signed).  One that joins others has
 * their numbers behind that, likewise.
 */

#include "store/list.h"
#include "store/record.h"

#define LIST_VERSION 1
#define LIST_ITEMS   7
#define RUN_VERSION  1
#define RUN_ITEMS    3

/* The record of a run of n packages and so many rendered bytes; lent by the
 * writer. */
int run_encode(const uint64_t *packages, size_t n, uint64_t rendered,
    struct record_writer *writer, struct span *ret) MUST_CHECK;
/* Reads all numbers of a sequence of steps. */
int run_steps(struct span text, struct run_packages *ret) MUST_CHECK;

#endif
