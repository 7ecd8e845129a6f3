/*
 * The yardstick of the generator: the plainest good client. One thread, one epoll,
 * level-triggered; on each session one message is under way, and its answer lets the
 * next one go. Answers are counted, and neither checked nor timed.
 *
 *	epollclient tcp|udp PORT SESSIONS SIZE MILLISECONDS
 *
 * prints how many messages were answered, and in how many nanoseconds, by the
 * clock and of processor time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct session { int fd; size_t got; };

static char out[65536], in[65536];
static size_t size;

static void die(const char *what) { perror(what); exit(1); }

static long long clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void begin(struct session *s)
{
	if (send(s->fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("send");
}

static int dial(int kind, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	if (kind == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	int kind = strcmp(argv[1], "udp") ? SOCK_STREAM : SOCK_DGRAM;
	int sessions = atoi(argv[3]);
	long long messages = 0, length = atoll(argv[5]) * 1000000;
	size = atoi(argv[4]);
	memset(out, 'x', size);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct session *all = calloc(sessions, sizeof *all);
	for (int i = 0; i < sessions; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &all[i] };
		all[i].fd = dial(kind, atoi(argv[2]));
		if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e) < 0)
			die("epoll_ctl");
	}
	long long began = clock_ns(CLOCK_MONOTONIC), used = clock_ns(CLOCK_PROCESS_CPUTIME_ID), now = began;
	for (int i = 0; i < sessions; i++)
		begin(&all[i]);
	while (now - began < length) {
		struct epoll_event ready[128];
		int n = epoll_wait(ep, ready, 128, 1000);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; n == 0 && i < sessions; i++) /* all were lost */
			begin(&all[i]);
		for (int i = 0; i < n; i++) {
			struct session *s = ready[i].data.ptr;
			ssize_t got = recv(s->fd, in, sizeof in, 0);
			if (got <= 0)
				die("recv");
			if ((s->got += got) >= size) {
				s->got = 0;
				messages++;
				begin(s);
			}
		}
		now = clock_ns(CLOCK_MONOTONIC);
	}
	printf("%lld %lld %lld\n", messages, now - began, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used);
	return 0;
}
