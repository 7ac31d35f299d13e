#ifndef STORE_LIST_RECORD_H
#define STORE_LIST_RECORD_H

/*
 * The records of lists and runs: for list.c and list_writer.c alone.
 *
 * A list, version 1: kind, SHA-256, mtime, packages, rendered bytes, number
 * of runs, and for each run its number less that of the run before (signed),
 * its rendered bytes, its packages; see store/ints.h.
 *
 * A run, version 1: rendered bytes, number of packages, and each package's
 * number less that of the package before (signed).
 */

#define LIST_VERSION 1
#define LIST_ITEMS   7
#define RUN_VERSION  1
#define RUN_ITEMS    3

#endif
