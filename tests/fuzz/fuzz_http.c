/*
 * A server's answers of any bytes, over a real connection: the first byte says
 * what is asked for.  What a sink gets is at most what was allowed and begins
 * where it was told; what is not a file is refused, with a reason; nothing
 * waits for ever.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "mirror/fetch.h"

#define LIMIT 4096 /* bytes */
#define FROM  100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* The answer that the server gives to every request. */
static struct {
	pthread_mutex_t lock;
	struct span bytes;
	int fd;
	uint16_t port;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
serve(int fd)
{
	char request[8192];
	struct span left;

	(void)!recv(fd, request, sizeof(request), 0);
	(void)pthread_mutex_lock(&server.lock);
	left = server.bytes;
	while (left.len > 0) {
		ssize_t n = send(fd, left.ptr, left.len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		left.ptr += n;
		left.len -= (size_t)n;
	}
	(void)pthread_mutex_unlock(&server.lock);
	(void)shutdown(fd, SHUT_WR);
	/* Closing with bytes unread would take the answer back. */
	while (recv(fd, request, sizeof(request), 0) > 0)
		;
	(void)close(fd);
}

static void *
run(void *arg)
{
	(void)arg;
	for (;;)
		serve(accept(server.fd, NULL, NULL));
	return NULL;
}

static void
start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	pthread_t thread;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(server.fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	must(listen(server.fd, 16) == 0);
	must(getsockname(server.fd, (struct sockaddr *)&a, &len) == 0);
	server.port = ntohs(a.sin_port);
	must(fetch_global_init(NULL) == 0);
	must(pthread_create(&thread, NULL, run, NULL) == 0);
}

struct sink {
	uint64_t offered, from, bytes;
	bool begun;
};

static int
begin(void *arg, uint64_t from)
{
	struct sink *s = arg;

	must(from == 0 || from == s->offered);
	s->from = from;
	s->bytes = 0;
	s->begun = true;
	return 0;
}

static int
take(void *arg, const void *ptr, size_t len)
{
	struct sink *s = arg;

	must(s->begun && ptr && len > 0);
	s->bytes += len;
	must(s->from + s->bytes <= LIMIT);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(fetcher_cleanup) struct fetcher *f = NULL;
	char url[64];
	struct sink got = {0};
	struct fetch_sink sink = {begin, take, &got};
	struct fetch_answer answer = {0};
	struct fetch_request rq = {.url = url,
	    .max_bytes = LIMIT,
	    .tries = 1,
	    .connect_ms = 1000,
	    .stall_ms = 1000};
	struct error err = {""};
	int r;

	if (size < 1)
		return 0;
	if (server.port == 0)
		start();
	(void)snprintf(
	    url, sizeof(url), "http://127.0.0.1:%u/f", (unsigned)server.port);
	if (data[0] & 1)
		rq.if_none_match = "\"tag\"";
	if (data[0] & 2)
		rq.if_modified_since = 1000000000;
	if (data[0] & 4) {
		rq.from = got.offered = FROM;
		rq.from_anyway = true;
	}
	(void)pthread_mutex_lock(&server.lock);
	server.bytes = (struct span){(const char *)data + 1, size - 1};
	(void)pthread_mutex_unlock(&server.lock);
	must(fetcher_new(&f) == 0);
	r = fetch(f, &rq, &sink, &answer, &err);
	must(r <= 0 && (r == 0) == (err.text[0] == '\0'));
	must(!strpbrk(err.text, "\n\r\033"));
	must(!answer.not_modified || data[0] & 3);
	must(r < 0 || answer.not_modified || got.begun);
	fetch_answer_release(&answer);
	/* The server reads these bytes no more. */
	(void)pthread_mutex_lock(&server.lock);
	server.bytes = (struct span){0};
	(void)pthread_mutex_unlock(&server.lock);
	return 0;
}
