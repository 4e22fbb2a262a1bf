/* Reads one big answer as fast as the machine can: psql itself would be the bottleneck.
 *   bulk-client PORT USER DATABASE PASSWORD QUERY
 * Prints: rows, bytes, seconds from the question to ReadyForQuery, bytes of the first row's second field (a
 * proof that it was masked or not). Speaks trust and cleartext only, and only to 127.0.0.1. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY (1 << 20)
static unsigned char buffer[CAPACITY * 2];
static size_t used, at;
static int fd;

static void fail(const char *what) { fprintf(stderr, "bulk-client: %s\n", what); exit(1); }
static uint32_t int32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static void need(size_t bytes) {
  if (bytes > CAPACITY) fail("a message is larger than the buffer");
  if (used - at >= bytes) return;
  memmove(buffer, buffer + at, used - at);
  used -= at; at = 0;
  while (used < bytes) {
    ssize_t got = read(fd, buffer + used, sizeof buffer - used);
    if (got <= 0) fail("the connection ended");
    used += (size_t)got;
  }
}

static void say(char type, const char *body, size_t length) {
  unsigned char head[5] = {(unsigned char)type};
  uint32_t whole = htonl((uint32_t)length + 4);
  memcpy(head + 1, &whole, 4);
  size_t skip = type ? 0 : 1;
  if (write(fd, head + skip, 5 - skip) < 0 || write(fd, body, length) < 0) fail("cannot write");
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void complain(const unsigned char *body, size_t length) {
  for (size_t i = 0; i < length; i++) fputc(body[i] ? body[i] : ' ', stderr);
  fail(" (the server's error)");
}

int main(int argc, char **argv) {
  if (argc != 6) fail("usage: PORT USER DATABASE PASSWORD QUERY");
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&where, sizeof where) < 0) fail("cannot connect");
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);

  char startup[1024] = {0, 3, 0, 0};
  size_t length = 4;
  length += (size_t)sprintf(startup + length, "user%c%s", 0, argv[2]) + 1;
  length += (size_t)sprintf(startup + length, "database%c%s", 0, argv[3]) + 1;
  say(0, startup, length + 1);

  double asked = 0;
  uint64_t rows = 0, bytes = 0;
  uint32_t width = 0;
  for (;;) {
    need(5);
    unsigned char type = buffer[at];
    uint32_t size = int32(buffer + at + 1) + 1;
    need(size);
    unsigned char *body = buffer + at + 5;
    if (type == 'D') {
      if (rows == 0) { uint32_t first = int32(body + 2); width = int32(body + 6 + first); }
      rows++;
    } else if (type == 'E') complain(body, size - 5);
    else if (type == 'R' && int32(body) == 3) say('p', argv[4], strlen(argv[4]) + 1);
    else if (type == 'R' && int32(body) != 0) fail("the server asks for a login that is not spoken here");
    else if (type == 'Z' && asked == 0) {
      asked = now();
      say('Q', argv[5], strlen(argv[5]) + 1);
      size = 0; at += 6; continue;
    } else if (type == 'Z') break;
    if (asked > 0) bytes += size;
    at += size;
  }
  printf("%llu %llu %.6f %u\n", (unsigned long long)rows, (unsigned long long)bytes, now() - asked, width);
  say('X', "", 0);
  return 0;
}
