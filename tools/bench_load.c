/* The load of bench.py: bench_load PORT CONNECTIONS BYTES SECONDS prints echoed messages per second.
   Each connection has one message under way; the first fifth of the time is not counted. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* A big message may be taken in parts: the socket is a blocking one, so write() takes all of it. */
static void send_message(int fd, const char *message, int size) {
    for (int sent = 0; sent < size;) {
        ssize_t n = write(fd, message + sent, size - sent);
        if (n <= 0) { perror("write"); exit(1); }
        sent += n;
    }
}

int main(int argc, char **argv) {
    if (argc != 5) { fprintf(stderr, "usage: %s PORT CONNECTIONS BYTES SECONDS\n", argv[0]); return 2; }
    int count = atoi(argv[2]), size = atoi(argv[3]), on = 1;
    double seconds = atof(argv[4]);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct pollfd *fds = calloc(count, sizeof *fds);
    int *received = calloc(count, sizeof *received);
    char *buffer = malloc(1 << 20), *message = malloc(size);
    memset(message, 'x', size);
    for (int i = 0; i < count; i++) {
        fds[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        fds[i].events = POLLIN;
        if (fds[i].fd < 0 || connect(fds[i].fd, (void *)&address, sizeof address)) { perror("connect"); return 1; }
        setsockopt(fds[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    for (int i = 0; i < count; i++) send_message(fds[i].fd, message, size);
    double began = now(), counted = 0, t;
    long messages = 0;
    while ((t = now()) < began + seconds) {
        if (!counted && t > began + seconds / 5) { counted = t; messages = 0; }
        if (poll(fds, count, 100) < 0) { perror("poll"); return 1; }
        for (int i = 0; i < count; i++) {
            if (!fds[i].revents) continue;
            ssize_t n = read(fds[i].fd, buffer, 1 << 20);
            if (n <= 0) { fprintf(stderr, "connection %d was lost\n", i); return 1; }
            received[i] += n;
            if (received[i] >= size) {
                received[i] -= size;
                messages++;
                send_message(fds[i].fd, message, size);
            }
        }
    }
    printf("%.0f\n", messages / (t - counted));
    return 0;
}
