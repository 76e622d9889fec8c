#define _GNU_SOURCE
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_GIVEN = 3, BACKLOG = 1024 };

static const char *advice(int error)
{
    if (error == EADDRINUSE)
        return "; another program listens there: name another port with --listen, or port 0";
    if (error == EACCES)
        return "; ports below 1024 belong to root: name another with --listen";
    if (error == EADDRNOTAVAIL)
        return "; this machine has no such address";
    return "";
}

int ak_listen(const char *host, int port, char *why, size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char service[16];
    int on = 1;

    snprintf(service, sizeof service, "%d", port);
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed) {
        snprintf(why, size, "%s: %s", host, gai_strerror(failed));
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        snprintf(why, size, "%s:%d: %s%s", host, port, strerror(errno), advice(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static bool is_given(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

    return pid && fds && strtol(pid, NULL, 10) == getpid() && strtol(fds, NULL, 10) > 0;
}

int ak_listen_given(char *why, size_t size)
{
    *why = '\0';
    if (!is_given())
        return -1;
    int domain = option(FIRST_GIVEN, SO_DOMAIN);
    if (strcmp(getenv("LISTEN_FDS"), "1") != 0 || option(FIRST_GIVEN, SO_ACCEPTCONN) != 1 ||
        (domain != AF_INET && domain != AF_INET6)) {
        snprintf(why, size,
                 "what was handed over (LISTEN_FDS=%.10s) has to be one listening TCP socket: "
                 "one ListenStream=HOST:PORT, and Accept=no",
                 getenv("LISTEN_FDS"));
        return -2;
    }
    /* Out of the way of the numbers that runners are started with. */
    int fd = fcntl(FIRST_GIVEN, F_DUPFD_CLOEXEC, 10);
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        snprintf(why, size, "the socket that was handed over: %s", strerror(errno));
        return -2;
    }
    close(FIRST_GIVEN);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return fd;
}

int ak_listen_address(int fd, char *host, size_t size)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char service[16];

    if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
        getnameinfo((struct sockaddr *)&at, len, host, (socklen_t)size, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(host, size, "?");
        return 0;
    }
    return (int)strtol(service, NULL, 10);
}

bool ak_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (!strcasecmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

void ak_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (*path == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* A manager that does not listen any more is not our trouble. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(fd);
}
