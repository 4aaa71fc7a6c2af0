/* An HTTP origin that costs next to nothing: answers whatever it reads with one small response. Shows what the gateway can do
   when no replica limits it. Usage: gateway-origin PORT SOCKET */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

static int listening(int family, struct sockaddr *address, socklen_t size) {
  int one = 1, fd = socket(family, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, address, size) || listen(fd, 1024)) {
    perror("listen");
    exit(1);
  }
  return fd;
}

static void watch(int loop, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  struct sockaddr_in tcp = {.sin_family = AF_INET,
                            .sin_port = htons(atoi(arguments[1])),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  strncpy(local.sun_path, arguments[2], sizeof local.sun_path - 1);
  int byPort = listening(AF_INET, (struct sockaddr *)&tcp, sizeof tcp);
  int byPath = listening(AF_UNIX, (struct sockaddr *)&local, sizeof local);
  int loop = epoll_create1(0), one = 1;
  watch(loop, byPort);
  watch(loop, byPath);
  struct epoll_event events[256];
  static char request[65536];
  for (;;) {
    int ready = epoll_wait(loop, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == byPort || fd == byPath) {
        int client = accept(fd, 0, 0);
        if (client < 0) continue;
        if (fd == byPort) setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(loop, client);
      } else if (read(fd, request, sizeof request) <= 0 || write(fd, answer, sizeof answer - 1) < 0) {
        close(fd);
      }
    }
  }
}
