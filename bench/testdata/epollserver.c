/*
 * What the generator and its yardstick are measured against: an echo server that is
 * as plain as they are, so that it is not the limit where that can be avoided.
 *
 *	epollserver tcp|udp
 *
 * prints its port on 127.0.0.1, and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buf[65536];

static void die(const char *what) { perror(what); exit(1); }

static void watch(int ep, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

static void greet(int ep, int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(ep, fd);
}

static void echo_stream(int fd)
{
	ssize_t n = recv(fd, buf, sizeof buf, 0);
	if (n <= 0 || send(fd, buf, n, MSG_NOSIGNAL) != n)
		close(fd);
}

static void echo_datagrams(int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	ssize_t n;
	while ((n = recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >= 0)
		sendto(fd, buf, n, 0, (struct sockaddr *)&from, len);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	if (argc != 2)
		return 2;
	int udp = !strcmp(argv[1], "udp");
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || (!udp && listen(fd, 4096) < 0))
		die("listen");
	getsockname(fd, (struct sockaddr *)&at, &len);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	watch(ep, fd);
	watch(ep, 0);
	for (;;) {
		struct epoll_event ready[128];
		int n = epoll_wait(ep, ready, 128, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == 0)
				return 0;
			if (ready[i].data.fd != fd)
				echo_stream(ready[i].data.fd);
			else if (udp)
				echo_datagrams(fd);
			else
				greet(ep, fd);
		}
	}
}
