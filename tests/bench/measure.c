/*
 * Runs a command and adds a line about it to a table:
 *
 *	measure TABLE ROW WHO COMMAND...
 *
 * ROW, WHO, seconds from start to end, seconds of processor time (user, system;
 * of all processes it has waited for), largest resident and largest anonymous
 * memory of the process in KiB, exit status; with tabs between.  Anonymous
 * memory is looked at every 2 ms and may miss shorter peaks.
 *
 * The exit status is the command's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS 2000000

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
of_timeval(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* RssAnon of proc_pid_status(5), in KiB; 0 where it has ended. */
static long
anonymous(pid_t pid)
{
	char name[64], line[256];
	long kib = 0;
	FILE *f;

	(void)snprintf(name, sizeof(name), "/proc/%ld/status", (long)pid);
	f = fopen(name, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	(void)fclose(f);
	return kib;
}

int
main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
	sigset_t child, old;
	struct rusage use;
	double began, took;
	long most = 0;
	int status = 0;
	pid_t pid;
	FILE *f;

	if (argc < 5) {
		fputs("usage: measure TABLE ROW WHO COMMAND...\n", stderr);
		return 2;
	}
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &old);
	began = seconds();
	pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		(void)execvp(argv[4], argv + 4);
		perror(argv[4]);
		_exit(127);
	}
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	while (wait4(pid, &status, WNOHANG, &use) == 0) {
		long now = anonymous(pid);

		if (now > most)
			most = now;
		(void)sigtimedwait(&child, NULL, &pause);
	}
	took = seconds() - began;
	status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	f = fopen(argv[1], "ae");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	fprintf(f, "%s\t%s\t%.6f\t%.6f\t%.6f\t%ld\t%ld\t%d\n", argv[2], argv[3],
	    took, of_timeval(use.ru_utime), of_timeval(use.ru_stime),
	    use.ru_maxrss, most, status);
	return fclose(f) == 0 ? status : 1;
}
