#ifndef ALGEBRA_DEPENDS_H
#define ALGEBRA_DEPENDS_H

/*
 * Dependency fields, deb-control(5) and deb-src-control(5): groups separated
 * by commas, each of one or more alternatives separated by bars.  An
 * alternative is
 *
 *	name[:qualifier] [(operator version)] [[architectures]] [<profiles>]...
 *
 * Pure: nothing is allocated, what is lent points into the field.  A field is
 * read from one end to the other, one alternative at a time, so that its
 * length costs nothing but time.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/span.h"
#include "base/strs.h"

#define DEP_TOKEN_MAX 1024 /* bytes of a name, a qualifier or a version */

enum dep_op {
	DEP_NO_OP, /* without a version */
	DEP_LT,	   /* << */
	DEP_LE,	   /* <=, and the old < */
	DEP_EQ,	   /* =, and a version without operator */
	DEP_GE,	   /* >=, and the old > */
	DEP_GT,	   /* >> */
};

struct dep {
	struct span name;
	struct span qualifier; /* "any", "native", "i386"; empty: none */
	enum dep_op op;
	struct span version;	   /* empty with DEP_NO_OP alone */
	struct span architectures; /* what stands within [ ]; empty: none */
	struct span profiles;	   /* "<!nocheck> <cross>"; empty: none */
	bool more; /* the next one is another alternative of this group */
};

/*
 * Cuts the next alternative from *field.  1 with *ret filled, 0 at the end,
 * -EBADMSG where it can't be read: *reterr_why then says why in a few words,
 * and the rest of the field is lost.  A comma may stand at the end.
 */
int dep_next(
    struct span *field, struct dep *ret, const char **reterr_why) MUST_CHECK;

/*
 * Cuts the next group from *field, without blanks at its ends; false at the
 * end.  It is to be read with dep_next(); one that is empty lacks a name.
 */
bool dep_cut_group(struct span *field, struct span *ret);

/* Adds "name:qualifier (>= version)", as messages write it. */
int dep_add_text(const struct dep *d, struct buf *b);
/* Does a version stand so to the dependency's?  One that is not there (empty)
 * only where none is asked for. */
bool dep_version_ok(const struct dep *d, struct span version);
/* Does it concern this architecture?  Wildcards (linux-any, any-arm) count. */
bool dep_concerns(const struct dep *d, struct span architecture);
/* Does it count where these build profiles are active (NULL: none is)? */
bool dep_in_profiles(const struct dep *d, const struct strs *profiles);

/*
 * What may meet a dependency on a name: the package that has it, or one that
 * provides it.
 */
enum multi_arch {
	MULTI_ARCH_NO,
	MULTI_ARCH_SAME,
	MULTI_ARCH_FOREIGN,
	MULTI_ARCH_ALLOWED
};
struct dep_offer {
	struct span version;	  /* empty: a Provides without one */
	struct span architecture; /* the package's: "amd64", "all" */
	enum multi_arch multi_arch;
	bool provided;
	struct span qualifier; /* of a Provides (name:any); else empty */
};

/* "same", "foreign", "allowed"; everything else is MULTI_ARCH_NO. */
enum multi_arch multi_arch_of(struct span text);
/*
 * Does it meet the dependency of a package of this architecture, given that
 * the names are equal?  As apt has it on a machine of this architecture, which
 * is that of packages for "all" too: a name without qualifier needs a package
 * of the machine's architecture or one that is Multi-Arch: foreign; :native one
 * of the machine's, :i386 one of i386, foreign or not; :any one that is
 * allowed.
 */
bool dep_met_by(const struct dep *d, const struct dep_offer *offer,
    struct span architecture);

/*
 * Cuts the next name of a Provides field, with what it offers; offer comes with
 * the package's architecture and Multi-Arch, the rest is filled in.  Results
 * as dep_next(); one with another relation than = is passed over.
 */
int dep_next_provided(struct span *field, struct span *ret_name,
    struct dep_offer *offer, const char **reterr_why) MUST_CHECK;

/* Does a package meet it, by its name or by its Provides?  What can't be read
 * of these counts as not there. */
struct light;
bool dep_met_by_package(
    const struct dep *d, const struct light *l, struct span architecture);

#endif
