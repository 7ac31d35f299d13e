#ifndef TESTS_UNIT_HTTP_SERVER_H
#define TESTS_UNIT_HTTP_SERVER_H

/*
 * A scripted HTTP server on the loopback, in a thread of the test: the n-th
 * request gets the n-th answer, whatever it asks for.  Header-only, for test
 * programs alone.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define SERVER_WAIT_S  5 /* for a request on a connection that is kept */
#define SERVER_REQUEST 8192

enum server_then {
	THEN_CLOSE,
	THEN_KEEP,  /* the next request comes over the same connection */
	THEN_HOLD,  /* says no more, but does not close */
	THEN_RESET, /* closes with RST */
};

struct server_step {
	const char *answer;
	enum server_then then;
};

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	const struct server_step *steps;
	size_t nsteps;
	atomic_bool *done; /* set when the last step has been served */
	/* To be looked at when server_stop() has returned. */
	size_t requests, connections;
	struct buf log; /* all requests' bytes */
	int held;	/* the connection of THEN_HOLD, or 0 */
};

static bool
server_read_request(struct server *s, int fd)
{
	char text[SERVER_REQUEST];
	size_t len = 0;

	while (len < sizeof(text) - 1) {
		ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, "\r\n\r\n"))
			return buf_add(&s->log, text, len) == 0;
	}
	return false;
}

/* Serves one connection; false where it must stay open. */
static bool
server_serve(struct server *s, int fd)
{
	const struct linger reset = {1, 0};

	while (server_read_request(s, fd)) {
		struct server_step step = {
		    "HTTP/1.1 500 Not In The Script\r\n\r\n", THEN_CLOSE};

		if (s->requests < s->nsteps)
			step = s->steps[s->requests];
		s->requests++;
		/* A blocking socket takes all of it, or nobody listens. */
		(void)!send(fd, step.answer, strlen(step.answer), MSG_NOSIGNAL);
		if (s->done && s->requests >= s->nsteps)
			atomic_store(s->done, true);
		if (step.then == THEN_HOLD)
			return false;
		if (step.then == THEN_RESET)
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (step.then != THEN_KEEP)
			return true;
	}
	return true;
}

static void *
server_run(void *arg)
{
	struct server *s = arg;
	const struct timeval wait = {SERVER_WAIT_S, 0};

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		s->connections++;
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		if (server_serve(s, fd) || s->held)
			(void)close(fd);
		else
			s->held = fd;
	}
}

/* A listening socket on a port of its own; -1 where there is none. */
static int
server_listen(int backlog, uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, backlog) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		(void)close(fd);
		return -1;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

static int
server_start(struct server *s, const struct server_step *steps, size_t n,
    atomic_bool *done)
{
	*s = (struct server){.steps = steps, .nsteps = n, .done = done};
	s->fd = server_listen(16, &s->port);
	if (s->fd < 0)
		return -1;
	return pthread_create(&s->thread, NULL, server_run, s) == 0 ? 0 : -1;
}

static void
server_stop(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
	if (s->held)
		(void)close(s->held);
}

#endif
