/* What the load programs and the floor share: clocks, stamps, histograms, connecting.
 *
 * A stamp is 27 bytes inside a comment's text: ~SSSSSSSS.TTTTTTTTTTTTTTTT~ where S is a sequence number and T the
 * microsecond (CLOCK_MONOTONIC) at which the comment was due to be posted. Whoever reads it on the same machine knows which
 * comment it is and how long it took, without parsing the JSON around it.
 */
#ifndef HUBBUB_BENCH_COMMON_H
#define HUBBUB_BENCH_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STAMP = 27, PORTS_PER_SOURCE = 20000 };

#define BLANK_STAMP "~00000000.0000000000000000~"

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* --- stamps ---------------------------------------------------------------------------------------------------------- */

static inline void write_digits(char *at, int width, uint64_t value) {
    for (int i = width - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

static inline uint64_t read_digits(const char *at, int width) {
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

static inline void write_stamp(char *at, uint64_t sequence, uint64_t us) {
    write_digits(at + 1, 8, sequence);
    write_digits(at + 10, 16, us);
}

static inline bool is_stamp(const char *at) { return at[0] == '~' && at[9] == '.' && at[26] == '~'; }

/* --- histograms ------------------------------------------------------------------------------------------------------ */

/* Microseconds in buckets of at most 1/64 of their value. */
enum { SUB = 64, BUCKETS = SUB * 40 };

struct histogram {
    uint64_t count, max, buckets[BUCKETS];
};

static inline int bucket_of(uint64_t us) {
    if (us < SUB) return (int)us;
    int shift = 63 - __builtin_clzll(us) - 6;
    int index = (shift + 1) * SUB + (int)((us >> shift) - SUB);
    return index < BUCKETS ? index : BUCKETS - 1;
}

static inline uint64_t value_of(int bucket) {
    if (bucket < SUB) return (uint64_t)bucket;
    int shift = bucket / SUB - 1;
    return ((uint64_t)(bucket % SUB + SUB) << shift) + ((1ull << shift) >> 1);
}

static inline void observe(struct histogram *h, uint64_t us) {
    h->buckets[bucket_of(us)]++;
    h->count++;
    if (us > h->max) h->max = us;
}

static inline uint64_t percentile(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)((double)h->count * share), seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += h->buckets[i]) > wanted) return value_of(i);
    return h->max;
}

/* As JSON: milliseconds by percentile; the list is the curve that the report draws. */
static inline void print_histogram(const struct histogram *h) {
    static const double shares[] = {0,    0.1,  0.2,   0.3,  0.4,   0.5,   0.6,    0.7,   0.8,
                                    0.9,  0.95, 0.98,  0.99, 0.995, 0.998, 0.999, 0.9999};
    printf("{\"count\":%llu,\"max\":%.3f,\"percentiles\":[", (unsigned long long)h->count, (double)h->max / 1e3);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        printf("%s[%g,%.3f]", i ? "," : "", shares[i] * 100, (double)percentile(h, shares[i]) / 1e3);
    printf("]}");
}

/* --- sockets and files ----------------------------------------------------------------------------------------------- */

/* A connection under way to a loopback port, the n-th from this program: a source address has ports for so many. */
static inline int connect_to(int port, unsigned n) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000002u + n / PORTS_PER_SOURCE);
    if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

struct request {
    char *bytes;
    size_t size;
    char *stamp; /* where a stamp goes, NULL without one */
};

struct requests {
    struct request *list;
    size_t count;
};

/* Requests from a file: each a line with its size, then its bytes. */
static inline struct requests read_requests(const char *path) {
    struct requests found = {0};
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    size_t size, room = 0;
    while (fscanf(file, "%zu", &size) == 1) {
        fgetc(file);
        if (found.count == room) found.list = realloc(found.list, (room = room ? room * 2 : 64) * sizeof *found.list);
        struct request *r = &found.list[found.count++];
        r->size = size;
        r->bytes = malloc(size + 1);
        if (fread(r->bytes, 1, size, file) != size) die(path);
        r->bytes[size] = 0;
        r->stamp = memmem(r->bytes, size, BLANK_STAMP, STAMP);
    }
    fclose(file);
    if (!found.count) { errno = EINVAL; die(path); }
    return found;
}

#endif
