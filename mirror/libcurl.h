#ifndef MIRROR_LIBCURL_H
#define MIRROR_LIBCURL_H

/*
 * libcurl, loaded by those who fetch: it needs thirty libraries more,
 * which take longer to load than most commands to do their work, and those
 * have no use for it.  A packager finds it in the program's .note.dlopen.
 *
 * Its functions are members here without their "curl_".
 */

#include <curl/curl.h>

#define LIBCURL_SONAME "libcurl.so.4"

#define LIBCURL_CALLS(X)                                                       \
	X(easy_cleanup)                                                        \
	X(easy_getinfo)                                                        \
	X(easy_header)                                                         \
	X(easy_init)                                                           \
	X(easy_reset)                                                          \
	X(easy_setopt)                                                         \
	X(easy_strerror)                                                       \
	X(free)                                                                \
	X(getdate)                                                             \
	X(global_init)                                                         \
	X(multi_add_handle)                                                    \
	X(multi_cleanup)                                                       \
	X(multi_info_read)                                                     \
	X(multi_init)                                                          \
	X(multi_perform)                                                       \
	X(multi_poll)                                                          \
	X(multi_remove_handle)                                                 \
	X(slist_append)                                                        \
	X(slist_free_all)                                                      \
	X(url)                                                                 \
	X(url_cleanup)                                                         \
	X(url_get)                                                             \
	X(url_set)

#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
struct libcurl {
	LIBCURL_CALLS(LIBCURL_MEMBER)
};
#undef LIBCURL_MEMBER

/* Loads it, once: NULL, or why it can't be had, which stays as it is.  Any
 * thread may call it. */
const char *libcurl_load(void);
/* Only once libcurl_load() has returned NULL. */
const struct libcurl *libcurl(void);

#endif
