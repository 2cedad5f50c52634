/* Thousands of viewers in one process, each counted and timed.
 *
 *     watch PORT REQUESTS [POST]
 *
 * REQUESTS (common.h) has a request a viewer; POST has what `volley` sends. Commands come on standard input, one a line; each
 * is answered by one JSON object a line:
 *
 *     open WINDOW           connect everybody, at most WINDOW under way at a time; answered when all have got their heads
 *     mark                  count from here
 *     wait COUNT SECONDS    until every viewer has COUNT stamps since the mark, then as `read`
 *     run SECONDS           let it run, then as `read`
 *     volley TIMES [1]      post; when the last viewer has it, post the next; then as `read`. 1: sleep between, do not spin
 *     resume WINDOW         from now on, whoever is cut off comes back, with Last-Event-ID and at most WINDOW under way
 *     groups COUNT          viewers who stand COUNT apart watch the same video (1 at first: all do)
 *
 * `read` says how many stamps came and how late, the share of the time in which the program itself had work to do, and
 * whether all viewers of a group have had the same set of them, each once: count, sum and xor of the numbers must agree.
 */
#include "common.h"

enum { CARRY = STAMP - 1, LINE = 96, READ = 512 * 1024 };
enum state { OUT, CONNECTING, ASKED, IN };

struct viewer {
    int fd;
    uint8_t state, carried, line_length;
    uint64_t count, sum, xored;
    char carry[CARRY];
    char line[LINE], pending_id[LINE], last_id[LINE]; /* only kept once `resume` was said */
};

static int port, epoll;
static struct requests requests;
static struct request *post;
static struct viewer *viewers;
static size_t total, in, under_way, next_out, groups = 1;
static uint64_t window, returns, resets, marked_at, stamps, bytes, reads, volley_left, volley_sequence, target;
static bool resuming, opening;
static double worked; /* seconds since the mark with something to do */
static bool spinning;
static struct histogram delays;
static size_t reached; /* viewers with `target` stamps */
static int post_fd = -1;
static char buffer[CARRY + READ];

static void connect_viewer(struct viewer *v) {
    v->fd = connect_to(port, (unsigned)(v - viewers));
    if (v->fd < 0) return;
    v->state = CONNECTING;
    v->carried = v->line_length = 0;
    v->pending_id[0] = 0;
    under_way++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = v};
    epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &event);
}

static void connect_more(void) {
    if (!opening && !resuming) return;
    for (size_t looked = 0; looked < total && under_way < window && in + under_way < total; looked++) {
        struct viewer *v = &viewers[next_out];
        next_out = (next_out + 1) % total;
        if (v->state == OUT) connect_viewer(v);
    }
}

static void lost(struct viewer *v) {
    if (v->state == IN) in--; else under_way--;
    close(v->fd);
    v->state = OUT;
    if (!resuming && !opening) fprintf(stderr, "a viewer was cut off\n");
}

static void send_request(struct viewer *v) {
    struct request *r = &requests.list[(size_t)(v - viewers) % requests.count];
    char whole[2048];
    size_t size = r->size;
    memcpy(whole, r->bytes, size);
    if (v->last_id[0]) /* before the empty line */
        size = size - 2 + (size_t)sprintf(whole + size - 2, "Last-Event-ID: %s\r\n\r\n", v->last_id);
    if (send(v->fd, whole, size, MSG_NOSIGNAL) != (ssize_t)size) { lost(v); return; }
    v->state = ASKED;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
    epoll_ctl(epoll, EPOLL_CTL_MOD, v->fd, &event);
}

/* Follow the lines of the stream, as an EventSource would, for the place to come back to. */
static void follow_lines(struct viewer *v, const char *at, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = at[i];
        if (c != '\n') {
            if (v->line_length < LINE - 1) v->line[v->line_length++] = c;
            continue;
        }
        v->line[v->line_length] = 0;
        if (!v->line_length) memcpy(v->last_id, v->pending_id, LINE);
        else if (!strncmp(v->line, "id: ", 4)) memmove(v->pending_id, v->line + 4, LINE - 4);
        else if (!strcmp(v->line, "event: reset")) resets++;
        v->line_length = 0;
    }
}

static void find_stamps(struct viewer *v, const char *at, size_t size, uint64_t now) {
    const char *end = at + size;
    while ((at = memchr(at, '~', (size_t)(end - at)))) {
        if (end - at < STAMP) break;
        if (!is_stamp(at)) { at++; continue; }
        uint64_t sequence = read_digits(at + 1, 8), us = read_digits(at + 10, 16);
        v->sum += sequence;
        v->xored ^= sequence * 0x9e3779b97f4a7c15ull;
        if (++v->count == target) reached++;
        stamps++;
        if (us && us <= now) observe(&delays, now - us);
        at += STAMP;
    }
    v->carried = at ? (uint8_t)(end - at) : 0;
    if (v->carried) memcpy(v->carry, at, v->carried);
}

static void receive(struct viewer *v) {
    char *into = buffer + CARRY;
    ssize_t n = recv(v->fd, into, READ, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { lost(v); return; }
    reads++;
    bytes += (uint64_t)n;
    if (v->state == ASKED) {
        if (n < 12 || memcmp(into, "HTTP/1.1 200", 12)) { fprintf(stderr, "%.200s\n", into); exit(1); }
        v->state = IN;
        in++;
        under_way--;
    }
    if (resuming) follow_lines(v, into, (size_t)n);
    char *from = into - v->carried;
    memcpy(from, v->carry, v->carried);
    find_stamps(v, from, (size_t)n + v->carried, now_us());
}

static void print_read(void) {
    uint64_t now = now_us(), fewest = UINT64_MAX, most = 0;
    size_t odd = 0;
    for (size_t i = 0; i < total; i++) {
        if (viewers[i].count < fewest) fewest = viewers[i].count;
        if (viewers[i].count > most) most = viewers[i].count;
        const struct viewer *like = &viewers[i % groups];
        odd += viewers[i].sum != like->sum || viewers[i].xored != like->xored;
    }
    double seconds = (double)(now - marked_at) / 1e6;
    printf("{\"viewers\":%zu,\"seconds\":%.6f,\"stamps\":%llu,\"reads\":%llu,\"bytes\":%llu,\"fewest\":%llu,\"most\":%llu,"
           "\"odd\":%zu,\"returns\":%llu,\"resets\":%llu,\"cpu_share\":%.3f,\"delay_ms\":",
           in, seconds, (unsigned long long)stamps, (unsigned long long)reads, (unsigned long long)bytes,
           (unsigned long long)fewest, (unsigned long long)most, odd,
           (unsigned long long)returns, (unsigned long long)resets, worked / seconds);
    print_histogram(&delays);
    printf(",\"sums\":[");
    for (size_t i = 0; i < groups && i < total; i++) printf("%s%llu", i ? "," : "", (unsigned long long)viewers[i].sum);
    printf("]}\n");
    fflush(stdout);
}

static void mark(void) {
    for (size_t i = 0; i < total; i++) viewers[i].count = viewers[i].sum = viewers[i].xored = 0;
    memset(&delays, 0, sizeof delays);
    stamps = bytes = reads = resets = returns = 0;
    target = reached = 0;
    marked_at = now_us();
    worked = 0;
}

static void serve_post(void) {
    char answer[16384];
    ssize_t n = recv(post_fd, answer, sizeof answer, 0);
    if (n == 0) { close(post_fd); post_fd = -1; }
    if (n > 12 && !memcmp(answer, "HTTP/1.1 ", 9) && answer[9] != '2') { fprintf(stderr, "%.*s\n", (int)n, answer); exit(1); }
}

static void volley_next(void) {
    if (post_fd < 0) {
        post_fd = connect_to(port, 0);
        usleep(20000);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &post_fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, post_fd, &event);
    }
    volley_left--;
    target++;
    reached = 0;
    write_stamp(post->stamp, ++volley_sequence, now_us());
    if (send(post_fd, post->bytes, post->size, MSG_NOSIGNAL) != (ssize_t)post->size) die("post");
}

/* Everything the sockets have, for at most `wait` ms of silence.
 *
 * In a volley it spins instead of sleeping. On loopback a sender pays for waking a receiver that sleeps, which over a network it
 * never does; and it would pay the more often the slower it is, so that servers could not be compared.
 */
static void turn(int wait) {
    static struct epoll_event events[1024];
    int n = epoll_wait(epoll, events, 1024, spinning ? 0 : wait);
    uint64_t began = now_us();
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &post_fd) { serve_post(); continue; }
        struct viewer *v = events[i].data.ptr;
        if (v->state == CONNECTING && events[i].events & EPOLLOUT && !(events[i].events & (EPOLLERR | EPOLLHUP))) {
            if (resuming && !opening) returns++;
            send_request(v);
        } else if (v->state != OUT) receive(v);
    }
    connect_more();
    if (n) worked += (double)(now_us() - began) / 1e6;
}

static void pause_if_refused(void) { /* nobody listens: try again in a moment rather than spin */
    if (resuming && !in && under_way < 64) usleep(5000);
}

static void settle(double seconds, bool until_reached) {
    uint64_t end = now_us() + (uint64_t)(seconds * 1e6);
    while (now_us() < end && !(until_reached && reached == total)) { turn(20); pause_if_refused(); }
}

static void command(char *line) {
    double a = 0, b = 0;
    if (sscanf(line, "open %lf", &a) == 1) {
        window = (uint64_t)a;
        opening = true;
        uint64_t began = now_us();
        connect_more();
        while (in < total) turn(20);
        opening = false;
        printf("{\"seconds\":%.6f}\n", (double)(now_us() - began) / 1e6);
        fflush(stdout);
    } else if (!strncmp(line, "mark", 4)) {
        mark();
        printf("{}\n");
        fflush(stdout);
    } else if (sscanf(line, "wait %lf %lf", &a, &b) == 2) {
        target = (uint64_t)a;
        reached = 0;
        for (size_t i = 0; i < total; i++) reached += viewers[i].count >= target;
        settle(b, true);
        print_read();
    } else if (sscanf(line, "run %lf", &a) == 1) {
        settle(a, false);
        print_read();
    } else if (sscanf(line, "volley %lf %lf", &a, &b) >= 1 && post) {
        volley_left = (uint64_t)a;
        target = viewers[0].count;
        uint64_t idle = now_us();
        spinning = b == 0;
        volley_next();
        while (true) {
            uint64_t before = stamps;
            turn(20);
            if (stamps != before) idle = now_us();
            else if (now_us() - idle > 30000000) { fprintf(stderr, "a volley did not arrive: %zu of %zu\n", reached, total); break; }
            if (reached < total) continue;
            if (!volley_left) break;
            volley_next();
        }
        spinning = false;
        print_read();
    } else if (sscanf(line, "resume %lf", &a) == 1) {
        window = (uint64_t)a;
        resuming = true;
        printf("{}\n");
        fflush(stdout);
    } else if (sscanf(line, "groups %lf", &a) == 1 && a >= 1) {
        groups = (size_t)a;
        printf("{}\n");
        fflush(stdout);
    } else { fprintf(stderr, "unknown command: %s", line); exit(2); }
}

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "watch PORT REQUESTS [POST]\n"); return 2; }
    port = atoi(argv[1]);
    requests = read_requests(argv[2]);
    if (argc > 3) post = read_requests(argv[3]).list;
    total = requests.count;
    viewers = calloc(total, sizeof *viewers);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    marked_at = now_us();
    char line[256];
    size_t length = 0;
    while (true) { /* between commands the sockets are read on */
        char c;
        ssize_t n;
        while ((n = read(0, &c, 1)) == 1) {
            if (length < sizeof line - 1) line[length++] = c;
            if (c == '\n') { line[length] = 0; length = 0; command(line); }
        }
        if (n == 0) return 0;
        turn(5);
        pause_if_refused();
    }
}
