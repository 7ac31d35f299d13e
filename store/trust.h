#ifndef STORE_TRUST_H
#define STORE_TRUST_H

/*
 * Who could have written what is in the store?  What is read from it is taken
 * for what was verified when it came in, so nobody may have been able to
 * change it but the user who runs this program, and root.
 */

#include "base/error.h"

/*
 * -EPERM: the directory, or what a store has in it, belongs to another user
 * who is not root, or its group or everybody may write to it; the text names
 * it and says what to do.  What is not there is no matter, nor are the
 * directories above.
 */
int trust_check(const char *dir, struct error *err) MUST_CHECK;

#endif
