/* The socket that a server answers on: one of its own, or what a service manager hands over
 * (systemd's socket activation); and what the manager is told in return. */
#ifndef AK_LISTEN_H
#define AK_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* Listens on host (a name or address) and port (0: any). The descriptor, or -1 with words in
 * why. */
int ak_listen(const char *host, int port, char *why, size_t size);

/* The socket that this process was started with ($LISTEN_FDS). -1: none was, and why is empty;
 * -2 with words in why: what was given is no one listening TCP socket. Children do not get it. */
int ak_listen_given(char *why, size_t size);

/* Where it listens, as a number: "127.0.0.1", "::1". Returns the port. */
int ak_listen_address(int fd, char *host, size_t size);

/* Can nobody but programs of this machine reach the host? */
bool ak_is_loopback(const char *host);

/* Tells the manager ($NOTIFY_SOCKET), e.g. "READY=1"; nothing without one. */
void ak_notify(const char *state);

#endif
