/* Sends requests over keep-alive connections and times the answers.
 *
 *     ask PORT CONNECTIONS SECONDS RATE FIRST REQUESTS
 *
 * RATE 0: every connection asks again as soon as it is answered. Else so many requests a second start, evenly, and each
 * one's time counts from when it was due, also when no connection was free then: a slow server can't hide its queue.
 * REQUESTS is a file (common.h) that is gone through in a circle; stamps get the numbers FIRST, FIRST + 1 ... Prints one
 * JSON object at the end.
 */
#include "common.h"

enum { ANSWER = 1024 * 1024 };

struct asker {
    int fd;
    bool busy;
    uint64_t due;
    size_t have, want; /* bytes of the answer read, and its whole size once the head has told */
    int status;
    char *answer;
};

static struct asker *askers;
static int port, connections, epoll;
static struct requests requests;
static struct histogram latency;
static uint64_t asked, answered, by_status[600], broken, first;

static void open_asker(struct asker *a, unsigned n) {
    a->fd = connect_to(port, n);
    if (a->fd < 0) die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = a};
    epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event);
}

static void ask(struct asker *a, uint64_t due) {
    struct request *r = &requests.list[asked % requests.count];
    if (r->stamp) write_stamp(r->stamp, first + asked, due);
    asked++;
    a->busy = true;
    a->due = due;
    a->have = a->want = 0;
    for (size_t sent = 0; sent < r->size;) { /* requests are small: what the socket does not take at once is rare */
        ssize_t n = send(a->fd, r->bytes + sent, r->size - sent, MSG_NOSIGNAL);
        if (n > 0) sent += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != ENOTCONN && errno != EINTR) break;
    }
}

static bool whole(struct asker *a) {
    if (!a->want) {
        char *end = memmem(a->answer, a->have, "\r\n\r\n", 4);
        if (!end) return false;
        a->status = atoi(a->answer + 9);
        a->want = (size_t)(end + 4 - a->answer);
        a->answer[a->have] = 0;
        char *length = strcasestr(a->answer, "\r\ncontent-length:");
        if (length && length < end) a->want += strtoul(length + 17, NULL, 10);
    }
    return a->have >= a->want;
}

/* True when an answer is complete and the connection is free again. */
static bool take(struct asker *a) {
    ssize_t n = recv(a->fd, a->answer + a->have, ANSWER - 1 - a->have, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        broken += a->busy;
        a->busy = false;
        close(a->fd);
        open_asker(a, (unsigned)(a - askers));
        return true;
    }
    a->have += (size_t)n;
    if (!whole(a)) return false;
    observe(&latency, now_us() - a->due);
    by_status[a->status > 0 && a->status < 600 ? a->status : 0]++;
    answered++;
    a->busy = false;
    return true;
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "ask PORT CONNECTIONS SECONDS RATE FIRST REQUESTS\n"); return 2; }
    port = atoi(argv[1]);
    connections = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    first = strtoull(argv[5], NULL, 10);
    requests = read_requests(argv[6]);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    askers = calloc((size_t)connections, sizeof *askers);
    for (int i = 0; i < connections; i++) {
        askers[i].answer = malloc(ANSWER);
        open_asker(&askers[i], (unsigned)i);
    }
    usleep(20000); /* loopback connections are there by now */
    uint64_t begin = now_us(), end = begin + (uint64_t)(seconds * 1e6), last = begin;
    uint64_t total = rate > 0 ? (uint64_t)(seconds * rate) : UINT64_MAX, busy = 0;
    struct epoll_event events[256];
    if (rate <= 0)
        for (int i = 0; i < connections; i++) { ask(&askers[i], now_us()); busy++; }
    int next = 0;
    while (true) {
        uint64_t now = now_us();
        int wait = 50;
        if (rate > 0) {
            while (asked < total && busy < (uint64_t)connections) {
                uint64_t due = begin + (uint64_t)((double)asked * 1e6 / rate);
                if (due > now) { wait = (int)((due - now) / 1000); break; }
                while (askers[next].busy) next = (next + 1) % connections;
                ask(&askers[next], due);
                busy++;
            }
            if (asked == total && !busy) break;
            if (now > end + 20000000) break; /* whatever has not come 20 s after the end does not come */
        } else if (!busy || now > end + 20000000) break;
        int n = epoll_wait(epoll, events, 256, wait);
        for (int i = 0; i < n; i++) {
            struct asker *a = events[i].data.ptr;
            bool was_busy = a->busy;
            if (!take(a) || !was_busy) continue;
            busy--;
            last = now_us();
            if (rate <= 0 && last < end) { ask(a, last); busy++; }
        }
    }
    double took = (double)(last - begin) / 1e6;
    printf("{\"asked\":%llu,\"answered\":%llu,\"broken\":%llu,\"seconds\":%.4f,\"cpu_share\":%.3f,\"statuses\":{",
           (unsigned long long)asked, (unsigned long long)answered, (unsigned long long)broken, took,
           cpu_seconds() / took);
    for (int i = 0, any = 0; i < 600; i++)
        if (by_status[i]) printf("%s\"%d\":%llu", any++ ? "," : "", i, (unsigned long long)by_status[i]);
    printf("},\"latency_ms\":");
    print_histogram(&latency);
    printf("}\n");
    return 0;
}
