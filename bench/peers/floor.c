/* The floor: what a bare loop of send(2) costs, with nothing that a service needs.
 *
 *     floor FRAME
 *
 * Listens on a free loopback port (the first line it prints). A GET is a viewer; a POST writes FRAME, with the stamp of the
 * POST's body in it, to every viewer, one send after another, and is answered when the loop is through. At the end of its
 * standard input it prints how long the loops took, as JSON, and ends.
 */
#include "../load/common.h"

enum { REQUEST = 8192 };

static const char HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
static const char DONE[] = "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";

int main(int argc, char **argv) {
    if (argc != 2) { fprintf(stderr, "floor FRAME\n"); return 2; }
    struct request frame = read_requests(argv[1]).list[0];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    static int viewers[100000];
    size_t count = 0;
    uint64_t refused = 0;
    static struct histogram sweeps;
    while (true) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            char request[REQUEST];
            if (fd == listener) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    int one = 1;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    event.data.fd = fd;
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t got = fd ? recv(fd, request, sizeof request, 0) : read(0, request, sizeof request);
            if (got <= 0 && !fd) {
                printf("{\"sweeps\":%llu,\"refused\":%llu,\"sweep_ms\":", (unsigned long long)sweeps.count,
                       (unsigned long long)refused);
                print_histogram(&sweeps);
                printf("}\n");
                return 0;
            }
            if (got <= 0) { close(fd); continue; }
            if (!memcmp(request, "GET", 3)) {
                send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL);
                if (count < sizeof viewers / sizeof *viewers) viewers[count++] = fd;
                continue;
            }
            for (const char *at = request; (at = memchr(at, '~', (size_t)(request + got - at))); at++)
                if (request + got - at >= STAMP && is_stamp(at)) { memcpy(frame.stamp, at, STAMP); break; }
            uint64_t began = now_us();
            for (size_t v = 0; v < count; v++)
                refused += send(viewers[v], frame.bytes, frame.size, MSG_NOSIGNAL) != (ssize_t)frame.size;
            observe(&sweeps, now_us() - began);
            send(fd, DONE, sizeof DONE - 1, MSG_NOSIGNAL);
        }
    }
}
