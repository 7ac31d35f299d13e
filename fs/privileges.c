#include "fs/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

static const uint64_t keepers =
    CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) |
    CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_DAC_READ_SEARCH);

/* Gives up all capabilities but these, and none of these where it has not got
 * them (a container's root). */
static int
keep_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(wanted >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* EINVAL is the first number that the kernel doesn't know; EPERM a root that
 * may not: it has less to lose. */
static void
empty_bounding_set(void)
{
	int r = 0;

	for (int cap = 0; r == 0 && cap < 64; cap++)
		r = prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static int
become(const struct stat *owner)
{
	char names[4096];
	struct passwd entry, *found = NULL;
	gid_t gid = owner->st_gid;
	int r;

	/* Files of the owner's groups (a client's key) stay readable. */
	r = getpwuid_r(owner->st_uid, &entry, names, sizeof(names), &found);
	if (r == 0 && found) {
		gid = entry.pw_gid;
		r = initgroups(entry.pw_name, gid);
		/* Where .netrc is; without it, downloads that want it fail and
		 * say so. */
		(void)setenv("HOME", entry.pw_dir, 1);
	} else {
		r = setgroups(0, NULL);
	}
	if (r < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(owner->st_uid, owner->st_uid, owner->st_uid) < 0)
		return -errno;
	return 0;
}

int
privileges_of_keeper(struct error *err)
{
	int r = geteuid() == 0 ? keep_capabilities(keepers) : 0;

	return r < 0 ? error_sys(err, r, "cannot give up capabilities") : 0;
}

int
privileges_of_worker(const char *store, struct error *err)
{
	struct stat st;
	int r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_sys(err, -errno, "cannot set no_new_privs");
	if (geteuid() != 0)
		return 0;
	if (stat(store, &st) < 0)
		return error_sys(err, -errno, "%s", store);
	empty_bounding_set();
	if (st.st_uid != 0)
		r = become(&st);
	if (r < 0)
		return error_sys(err, r, "%s: cannot become its owner (%u)",
		    store, (unsigned)st.st_uid);
	r = keep_capabilities(0);
	return r < 0 ? error_sys(err, r, "cannot give up capabilities") : 0;
}
