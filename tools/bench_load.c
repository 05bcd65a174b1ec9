/* The load of bench.py. One process, one thread, cheap next to every server that it drives.

     bench_load echo    ADDRESS CONNECTIONS BYTES WINDOW WARM SECONDS   WINDOW messages under way on each connection
     bench_load churn   ADDRESS CONNECTIONS BYTES WARM SECONDS          connect, one message, close, again
     bench_load idle    ADDRESS CONNECTIONS BYTES     says BYTES once on each, then holds all until its input ends
     bench_load drink   ADDRESS                       reads until its input ends
     bench_load send    ADDRESS BYTES                 sends BYTES, then waits for the other end's FIN
     bench_load receive ADDRESS                       reads until the FIN

   ADDRESS is a port of 127.0.0.1 or the path of a Unix socket. When counting begins it prints "begin", at the end one
   line of JSON; `idle` prints "begin" when all stand. bench_load.py does the same where there is no compiler. */
#ifdef __linux__
#define _GNU_SOURCE
#include <sys/epoll.h>
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (1 << 20)         /* the most that one system call moves */
#define STUCK 20.0              /* seconds without any progress that end the run */
#define SECONDS_MAX 600

struct connection {
    int fd;
    long to_send, received;     /* bytes */
    double *sent_at;            /* a ring of WINDOW: when each message under way was begun */
    int oldest, writing;
};

static struct connection *connections;
static int count, size, window;
static char block[BLOCK], input[BLOCK];
static struct sockaddr_storage address;
static socklen_t address_length;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* ---- waiting ---- */

#ifdef __linux__
static int poller;

static void watch(int index, int writing, int is_new) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.u32 = index};
    if (epoll_ctl(poller, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connections[index].fd, &event)) fail("epoll_ctl");
}

static int wait_ready(int *ready, int limit) {
    struct epoll_event events[256];
    int n = epoll_wait(poller, events, limit < 256 ? limit : 256, 100);
    for (int i = 0; i < n; i++) ready[i] = events[i].data.u32;
    return n;
}
#else
static struct pollfd *polled;

static void watch(int index, int writing, int is_new) {
    (void)is_new;
    polled[index].fd = connections[index].fd;
    polled[index].events = POLLIN | (writing ? POLLOUT : 0);
}

static int wait_ready(int *ready, int limit) {
    int n = 0;
    if (poll(polled, count, 100) < 0) return -1;
    for (int i = 0; i < count && n < limit; i++) if (polled[i].revents) ready[n++] = i;
    return n;
}
#endif

/* ---- connecting ---- */

static void parse_address(const char *text) {
    struct sockaddr_in *tcp = (void *)&address;
    struct sockaddr_un *local = (void *)&address;
    if (strchr(text, '/')) {
        local->sun_family = AF_UNIX;
        strncpy(local->sun_path, text, sizeof local->sun_path - 1);
        address_length = sizeof *local;
    } else {
        tcp->sin_family = AF_INET;
        tcp->sin_port = htons(atoi(text));
        tcp->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address_length = sizeof *tcp;
    }
}

static int connected(void) {
    int fd = socket(address.ss_family, SOCK_STREAM, 0), on = 1;
    if (fd < 0) fail("socket");
#ifdef __linux__
    static unsigned turn;       /* ports of closed connections are in use for a minute: there are many loopback addresses */
    if (address.ss_family == AF_INET) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % 200);
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (void *)&from, sizeof from)) fail("bind");
    }
#endif
    while (connect(fd, (void *)&address, address_length)) if (errno != EAGAIN) fail("connect");
    if (address.ss_family == AF_INET) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void open_connection(int index) {
    connections[index].fd = connected();
    fcntl(connections[index].fd, F_SETFL, O_NONBLOCK);
    watch(index, 0, 1);
}

static void make_room(void) {
    connections = calloc(count, sizeof *connections);
#ifdef __linux__
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
#else
    polled = calloc(count, sizeof *polled);
#endif
    for (int i = 0; i < count; i++) connections[i].sent_at = calloc(window, sizeof(double));
}

/* ---- what was measured ---- */

/* Latencies in buckets of 1/32 of an octave, in nanoseconds: 3 percent wide. */
static long buckets[64 * 32], in_second[SECONDS_MAX];

static void note_latency(double seconds) {
    unsigned long long ns = seconds * 1e9;
    int octave = ns < 32 ? 0 : 59 - __builtin_clzll(ns);
    buckets[octave * 32 + (octave ? ns >> (octave - 1) : ns) % 32]++;
}

static double percentile(double share) {
    long total = 0, seen = 0;
    for (int i = 0; i < 64 * 32; i++) total += buckets[i];
    for (int i = 0; i < 64 * 32; i++) {
        if ((seen += buckets[i]) > total * share)
            return (i < 32 ? i : (i % 32 + 32.5) * (1ull << (i / 32 - 1))) / 1000;
    }
    return 0;
}

static void say_result(long messages, double seconds, double used) {
    printf("{\"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"load_cpu\": %.3f, \"in_second\": [",
           messages / seconds, percentile(.5), percentile(.99), used / seconds);
    for (int i = 0; i < (int)(seconds + .5) && i < SECONDS_MAX; i++) printf(i ? ", %ld" : "%ld", in_second[i]);
    printf("]}\n");
}

static void begin(void) {
    printf("begin\n");
    fflush(stdout);
}

/* ---- the modes ---- */

static void send_some(int index) {
    struct connection *c = &connections[index];
    while (c->to_send) {
        ssize_t n = write(c->fd, block, c->to_send < BLOCK ? c->to_send : BLOCK);
        if (n < 0 && errno != EAGAIN) fail("write");
        if (n < 0) break;
        c->to_send -= n;
    }
    int writing = c->to_send > 0;
    if (writing != c->writing) watch(index, c->writing = writing, 0);
}

static ssize_t read_some(int index) {
    ssize_t n = read(connections[index].fd, input, BLOCK);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) { fprintf(stderr, "connection %d was lost\n", index); exit(1); }
    return n;
}

static void message_again(int index, double t) {
    struct connection *c = &connections[index];
    close(c->fd);
    open_connection(index);
    c->writing = 0;
    c->sent_at[0] = t;
    c->to_send = size;
}

static void echo(double warm, double seconds, int churn) {
    int ready[256], n;
    double began, counting = 0, moved, used = 0, t;
    long messages = 0;
    make_room();
    for (int i = 0; i < count; i++) open_connection(i);
    t = began = moved = now();
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < window; j++) connections[i].sent_at[j] = t;
        connections[i].to_send = (long)size * window;
        send_some(i);
    }
    while (!counting || (t = now()) < counting + seconds) {
        if (!counting && (t = now()) >= began + warm) {
            counting = t;
            messages = 0;
            memset(buckets, 0, sizeof buckets);
            used = cpu();
            begin();
        }
        if ((n = wait_ready(ready, 256)) < 0) fail("wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = &connections[ready[i]];
            c->received += read_some(ready[i]);
            t = now();
            for (; c->received >= size; c->received -= size) {
                note_latency(t - c->sent_at[c->oldest]);
                c->sent_at[c->oldest] = t;
                c->oldest = (c->oldest + 1) % window;
                messages++;
                moved = t;
                if (counting && t - counting < SECONDS_MAX) in_second[(int)(t - counting)]++;
                if (churn) message_again(ready[i], t); else c->to_send += size;
            }
            send_some(ready[i]);
        }
        if (t > moved + STUCK) { fprintf(stderr, "no message in %g seconds\n", STUCK); exit(1); }
    }
    say_result(messages, t - counting, cpu() - used);
}

static void idle(void) {
    int *fds = calloc(count, sizeof(int));
    for (int i = 0; i < count; i++) {
        fds[i] = connected();
        if (size && write(fds[i], block, size) != size) fail("write");
        for (int got = 0; got < size;) {
            ssize_t n = read(fds[i], input, size - got);
            if (n <= 0) fail("read");
            got += n;
        }
    }
    begin();
    while (read(0, input, 1) > 0);
    printf("{}\n");
}

static void drink(void) {
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = connected(), .events = POLLIN}};
    begin();
    while (poll(fds, 2, -1) >= 0 && !fds[0].revents) if (read(fds[1].fd, input, BLOCK) <= 0) fail("read");
    printf("{}\n");
}

static void one_way(long long bytes, int sending) {
    int fd = connected();
    double began = now();
    long long moved = 0;
    ssize_t n;
    begin();
    while (sending && moved < bytes) {
        if ((n = write(fd, block, bytes - moved < BLOCK ? bytes - moved : BLOCK)) <= 0) fail("write");
        moved += n;
    }
    if (sending) shutdown(fd, SHUT_WR);
    while ((n = read(fd, input, BLOCK)) > 0) moved += n;
    if (n < 0) fail("read");
    double seconds = now() - began;
    printf("{\"bytes\": %lld, \"rate\": %.0f, \"load_cpu\": %.3f}\n", moved, moved / seconds, cpu() / seconds);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    memset(block, 'x', sizeof block);
    if (argc > 2) parse_address(argv[2]);
    if (argc > 3) count = atoi(argv[3]);
    if (argc > 4) size = atoi(argv[4]);
    window = 1;
    if (!strcmp(mode, "echo") && argc == 8) {
        window = atoi(argv[5]);
        echo(atof(argv[6]), atof(argv[7]), 0);
    } else if (!strcmp(mode, "churn") && argc == 7) {
        echo(atof(argv[5]), atof(argv[6]), 1);
    } else if (!strcmp(mode, "idle") && argc == 5) {
        idle();
    } else if (!strcmp(mode, "drink") && argc == 3) {
        drink();
    } else if (!strcmp(mode, "send") && argc == 4) {
        one_way(atoll(argv[3]), 1);
    } else if (!strcmp(mode, "receive") && argc == 3) {
        one_way(0, 0);
    } else {
        fprintf(stderr, "usage: see the beginning of bench_load.c\n");
        return 2;
    }
    return 0;
}
