#ifndef STORE_BUS_H
#define STORE_BUS_H

/*
 * Reading a file's map where the file has ended meanwhile, or where the disk
 * gives nothing, kills a process (SIGBUS).  Guarded, it reads zeros there, and
 * the store is lost to it: LMDB takes no such page for one of its own, a value
 * of zeros has no check value, and no transaction begins or commits any more.
 *
 * Signals are the process's, and so is this.  Any thread may call; those that
 * block signals leave SIGBUS out.
 */

#include <stdbool.h>

/* From now on. */
void bus_guard(void);
/* Has it happened? */
bool bus_failed(void);

#endif
