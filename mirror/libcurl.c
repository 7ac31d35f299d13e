#include "mirror/libcurl.h"

#include <assert.h>
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* What packaging tools look for, as there is no NEEDED entry
 * (https://systemd.io/ELF_DLOPEN_METADATA). */
#define NOTE_OWNER "FDO"
#define NOTE_TYPE  0x407c0c0a
#define NOTE_TEXT                                                              \
	"[{\"feature\":\"http\","                                              \
	"\"description\":\"Fetching over http and https\","                    \
	"\"priority\":\"required\","                                           \
	"\"soname\":[\"" LIBCURL_SONAME "\"]}]"

static const struct {
	Elf64_Nhdr head; /* as in 32-bit files */
	char owner[sizeof(NOTE_OWNER)];
	char text[(sizeof(NOTE_TEXT) + 3) / 4 * 4];
} note __attribute__((used, section(".note.dlopen"), aligned(4))) = {
    {sizeof(NOTE_OWNER), sizeof(NOTE_TEXT), NOTE_TYPE}, NOTE_OWNER, NOTE_TEXT};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct libcurl lib;
static char why[256]; /* "" once it is loaded */

#define CALL(name) {"curl_" #name, offsetof(struct libcurl, name)},
static const struct {
	const char *name;
	size_t at; /* bytes into struct libcurl */
} calls[] = {LIBCURL_CALLS(CALL)};
#undef CALL

static void
note_error(void)
{
	const char *text = dlerror();

	(void)snprintf(
	    why, sizeof(why), "%s", text ? text : "can't load " LIBCURL_SONAME);
}

/* Never unloaded: libraries that it needs leave things behind in threads. */
static void
load(void)
{
	void *handle = dlopen(LIBCURL_SONAME, RTLD_NOW | RTLD_NODELETE);

	if (!handle) {
		note_error();
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		void *call = dlsym(handle, calls[i].name);

		if (!call) {
			note_error();
			return;
		}
		memcpy((char *)&lib + calls[i].at, &call, sizeof(call));
	}
}

const char *
libcurl_load(void)
{
	(void)pthread_once(&once, load);
	return why[0] ? why : NULL;
}

const struct libcurl *
libcurl(void)
{
	assert(lib.easy_init);
	return &lib;
}
