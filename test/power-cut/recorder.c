/*
 * Records, in the order in which they took effect, all file operations of a process below one folder, so that a replayer
 * can make the disk images that a power cut might have left. Preloaded (LD_PRELOAD) into the process under test.
 *
 *   RECORD_FOLDER   real path of the folder that is watched
 *   RECORD_LOG      file that receives the records; must lie outside that folder
 *   SLOW_SYNC_US    each sync below the folder takes at least so long
 *   FAIL_SYNC_AT    the n-th sync below the folder (1, 2, ...) fails with EIO and does not reach the disk; the other
 *                   descriptors of that file learn of it at their next sync, as on Linux
 *
 * What is written to a file named "acks" (anywhere) is recorded as an acknowledgement in the same stream.
 *
 * A record is a header of 32 bytes, little endian, followed by a path and by data:
 *   u32 type, i32 fd, u64 number, u32 path length, u32 data length, u64 reserved
 * A write is recorded under the same mutex under which it is made. A sync is two records, because writes made while it
 * runs are not covered by it: one when it begins and one when it has returned.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum record_type {
  RECORD_OPEN = 1,
  RECORD_CLOSE = 2,
  RECORD_WRITE = 3,
  RECORD_TRUNCATE = 4,
  RECORD_SYNC_BEGIN = 5,
  RECORD_SYNC_END = 6,
  RECORD_SYNC_FAILED = 7,
  RECORD_UNLINK = 8,
  RECORD_RENAME = 9,
  RECORD_MKDIR = 10,
  RECORD_RMDIR = 11,
  RECORD_ACK = 12,
  RECORD_UNSUPPORTED = 13,
};

struct record_header {
  uint32_t type;
  int32_t fd;
  uint64_t number;
  uint32_t path_length;
  uint32_t data_length;
  uint64_t reserved;
};

#define MAX_FD 4096
enum fd_kind { FD_OTHER = 0, FD_WATCHED = 1, FD_ACKS = 2 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char kind_of[MAX_FD];
/* A failed write-back is told once to every descriptor that was open then (errseq_t of Linux), whoever syncs first. */
static unsigned char owes_error[MAX_FD];
static char folder[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
static useconds_t slow_sync_us;
static uint64_t fail_sync_at;
static uint64_t sync_count;

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate64)(int, off64_t);
static int (*real_truncate64)(const char *, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_mkdirat)(int, const char *, mode_t);
static int (*real_linkat)(int, const char *, int, const char *, int);
static int (*real_fallocate64)(int, int, off64_t, off64_t);

static void fail(const char *what) {
  fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
  abort();
}

static void *next_symbol(const char *name) {
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol) fail(name);
  return symbol;
}

static void initialise(void) {
  real_openat = next_symbol("openat64");
  real_close = next_symbol("close");
  real_write = next_symbol("write");
  real_writev = next_symbol("writev");
  real_pwrite64 = next_symbol("pwrite64");
  real_pwritev = next_symbol("pwritev64");
  real_ftruncate64 = next_symbol("ftruncate64");
  real_truncate64 = next_symbol("truncate64");
  real_fsync = next_symbol("fsync");
  real_fdatasync = next_symbol("fdatasync");
  real_unlinkat = next_symbol("unlinkat");
  real_renameat = next_symbol("renameat");
  real_mkdirat = next_symbol("mkdirat");
  real_linkat = next_symbol("linkat");
  real_fallocate64 = next_symbol("fallocate64");

  const char *watched = getenv("RECORD_FOLDER");
  const char *log = getenv("RECORD_LOG");
  const char *slow = getenv("SLOW_SYNC_US");
  const char *failing = getenv("FAIL_SYNC_AT");
  if (slow) slow_sync_us = (useconds_t)strtoul(slow, NULL, 10);
  if (failing) fail_sync_at = strtoull(failing, NULL, 10);
  if (!watched || strlen(watched) >= sizeof folder) return;
  strcpy(folder, watched);
  folder_length = strlen(folder);
  if (log) {
    log_fd = real_openat(AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) fail(log);
  }
}

/* Makes `path` absolute into `out`; returns whether it is the watched folder or lies below it. */
static int is_watched(const char *path, char *out) {
  pthread_once(&once, initialise);
  if (!folder_length || !path) return 0;
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
  } else {
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here)) return 0;
    size_t length = strlen(here);
    if (length + 1 + strlen(path) >= PATH_MAX) return 0;
    memcpy(out, here, length);
    out[length] = '/';
    strcpy(out + length + 1, path);
  }
  return strncmp(out, folder, folder_length) == 0 && (out[folder_length] == '/' || out[folder_length] == '\0');
}

static int is_acks(const char *path) {
  const char *name = path ? strrchr(path, '/') : NULL;
  return name && strcmp(name, "/acks") == 0;
}

static enum fd_kind kind(int fd) {
  pthread_once(&once, initialise);
  return fd >= 0 && fd < MAX_FD ? (enum fd_kind)kind_of[fd] : FD_OTHER;
}

/* Callers hold the mutex, so that the order of records is the order of effects. */
static void record(enum record_type type, int fd, uint64_t number, const char *path, const void *data, size_t length) {
  if (log_fd < 0) return;
  struct record_header header = {
      .type = type,
      .fd = fd,
      .number = number,
      .path_length = path ? (uint32_t)strlen(path) : 0,
      .data_length = (uint32_t)length,
  };
  struct iovec parts[3] = {
      {&header, sizeof header},
      {(void *)path, header.path_length},
      {(void *)data, length},
  };
  size_t total = sizeof header + header.path_length + length;
  if (real_writev(log_fd, parts, 3) != (ssize_t)total) fail("the log");
}

static int open_watched(int at, const char *path, int flags, mode_t mode) {
  char absolute[PATH_MAX];
  int acks = is_acks(path);
  if (!acks && !(is_watched(path, absolute) && (at == AT_FDCWD || path[0] == '/'))) {
    return real_openat(at, path, flags, mode);
  }
  pthread_mutex_lock(&mutex);
  struct stat64 before;
  int created = !acks && (flags & O_CREAT) && fstatat64(AT_FDCWD, absolute, &before, 0) != 0;
  int fd = real_openat(at, path, flags, mode);
  int error = errno;
  if (fd >= MAX_FD) fail("too many descriptors");
  if (fd >= 0) {
    kind_of[fd] = acks ? FD_ACKS : FD_WATCHED;
    owes_error[fd] = 0;
    if (!acks) {
      record(RECORD_OPEN, fd, (uint64_t)created, absolute, NULL, 0);
      if (flags & O_TRUNC) record(RECORD_TRUNCATE, fd, 0, NULL, NULL, 0);
    }
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return fd;
}

#define MODE_ARGUMENT(flags, last)         \
  mode_t mode = 0;                         \
  if ((flags) & O_CREAT) {                 \
    va_list arguments;                     \
    va_start(arguments, last);             \
    mode = va_arg(arguments, mode_t);      \
    va_end(arguments);                     \
  }

int open(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, flags)
  return open_watched(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, flags)
  return open_watched(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, flags)
  return open_watched(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, flags)
  return open_watched(at, path, flags, mode);
}

int close(int fd) {
  if (kind(fd) == FD_OTHER) return real_close(fd);
  pthread_mutex_lock(&mutex);
  if (kind_of[fd] == FD_WATCHED) record(RECORD_CLOSE, fd, 0, NULL, NULL, 0);
  kind_of[fd] = FD_OTHER;
  int result = real_close(fd);
  int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

static void record_write(int fd, uint64_t offset, const void *data, size_t length) {
  if (kind_of[fd] == FD_ACKS) record(RECORD_ACK, fd, 0, NULL, data, length);
  else record(RECORD_WRITE, fd, offset, NULL, data, length);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  if (kind(fd) == FD_OTHER) return real_pwrite64(fd, data, length, offset);
  pthread_mutex_lock(&mutex);
  ssize_t written = real_pwrite64(fd, data, length, offset);
  int error = errno;
  if (written > 0) record_write(fd, (uint64_t)offset, data, (size_t)written);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return written;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
  if (kind(fd) == FD_OTHER) return real_write(fd, data, length);
  pthread_mutex_lock(&mutex);
  ssize_t written = real_write(fd, data, length);
  int error = errno;
  if (written > 0) {
    off64_t end = kind_of[fd] == FD_ACKS ? written : lseek64(fd, 0, SEEK_CUR);
    record_write(fd, (uint64_t)(end - written), data, (size_t)written);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return written;
}

/* One part at a time: a short count is allowed, and callers go on with the rest. */
static const struct iovec *first_part(const struct iovec *parts, int count) {
  for (int i = 0; i < count; i++) {
    if (parts[i].iov_len) return &parts[i];
  }
  return NULL;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (kind(fd) == FD_OTHER) return real_writev(fd, parts, count);
  const struct iovec *part = first_part(parts, count);
  return part ? write(fd, part->iov_base, part->iov_len) : 0;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  if (kind(fd) == FD_OTHER) return real_pwritev(fd, parts, count, offset);
  const struct iovec *part = first_part(parts, count);
  return part ? pwrite64(fd, part->iov_base, part->iov_len, offset) : 0;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

int ftruncate64(int fd, off64_t size) {
  if (kind(fd) == FD_OTHER) return real_ftruncate64(fd, size);
  pthread_mutex_lock(&mutex);
  int result = real_ftruncate64(fd, size);
  int error = errno;
  if (result == 0) record(RECORD_TRUNCATE, fd, (uint64_t)size, NULL, NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

/* Callers hold the mutex. */
static void owe_error_to_all(int failed_fd) {
  struct stat64 failed, other;
  if (fstat64(failed_fd, &failed) != 0) fail("fstat");
  for (int fd = 0; fd < MAX_FD; fd++) {
    if (kind_of[fd] != FD_WATCHED || fstat64(fd, &other) != 0) continue;
    if (other.st_dev == failed.st_dev && other.st_ino == failed.st_ino) owes_error[fd] = 1;
  }
}

static int sync_watched(int fd, int (*real_sync)(int)) {
  if (kind(fd) != FD_WATCHED) return real_sync(fd);
  pthread_mutex_lock(&mutex);
  uint64_t number = ++sync_count;
  record(RECORD_SYNC_BEGIN, fd, number, NULL, NULL, 0);
  pthread_mutex_unlock(&mutex);
  if (slow_sync_us) usleep(slow_sync_us);
  int result = number == fail_sync_at ? 0 : real_sync(fd);
  int error = errno;
  pthread_mutex_lock(&mutex);
  if (number == fail_sync_at) owe_error_to_all(fd);
  if (owes_error[fd]) {
    owes_error[fd] = 0;
    result = -1;
    error = EIO;
  }
  record(result == 0 ? RECORD_SYNC_END : RECORD_SYNC_FAILED, fd, number, NULL, NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int fsync(int fd) {
  return sync_watched(fd, (pthread_once(&once, initialise), real_fsync));
}
int fdatasync(int fd) {
  return sync_watched(fd, (pthread_once(&once, initialise), real_fdatasync));
}

static int unlink_watched(int at, const char *path, int flags) {
  char absolute[PATH_MAX];
  if (!is_watched(path, absolute)) return real_unlinkat(at, path, flags);
  pthread_mutex_lock(&mutex);
  int result = real_unlinkat(at, path, flags);
  int error = errno;
  if (result == 0) record(flags & AT_REMOVEDIR ? RECORD_RMDIR : RECORD_UNLINK, -1, 0, absolute, NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int unlink(const char *path) {
  return unlink_watched(AT_FDCWD, path, 0);
}
int unlinkat(int at, const char *path, int flags) {
  return unlink_watched(at, path, flags);
}
int rmdir(const char *path) {
  return unlink_watched(AT_FDCWD, path, AT_REMOVEDIR);
}

int rename(const char *from, const char *to) {
  char absolute_from[PATH_MAX], absolute_to[PATH_MAX];
  int watched = is_watched(from, absolute_from);
  if (is_watched(to, absolute_to) != watched) {
    errno = EXDEV;
    return -1;
  }
  if (!watched) return real_renameat(AT_FDCWD, from, AT_FDCWD, to);
  pthread_mutex_lock(&mutex);
  int result = real_renameat(AT_FDCWD, from, AT_FDCWD, to);
  int error = errno;
  if (result == 0) record(RECORD_RENAME, -1, 0, absolute_from, absolute_to, strlen(absolute_to));
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

int mkdir(const char *path, mode_t mode) {
  char absolute[PATH_MAX];
  if (!is_watched(path, absolute)) return real_mkdirat(AT_FDCWD, path, mode);
  pthread_mutex_lock(&mutex);
  int result = real_mkdirat(AT_FDCWD, path, mode);
  int error = errno;
  if (result == 0) record(RECORD_MKDIR, -1, 0, absolute, NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

/*
 * What the replayer has no model of leaves a record, which it refuses: silence here would let it make images that are
 * kinder than a real disk.
 */
static void record_unsupported(const char *what) {
  pthread_mutex_lock(&mutex);
  record(RECORD_UNSUPPORTED, -1, 0, what, NULL, 0);
  pthread_mutex_unlock(&mutex);
}
int truncate64(const char *path, off64_t size) {
  char absolute[PATH_MAX];
  if (is_watched(path, absolute)) record_unsupported("truncate");
  return real_truncate64(path, size);
}
int truncate(const char *path, off_t size) {
  return truncate64(path, size);
}
int link(const char *from, const char *to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int at, const char *from, int at_to, const char *to, int flags) {
  char absolute[PATH_MAX];
  if (is_watched(to, absolute)) record_unsupported("link");
  return real_linkat(at, from, at_to, to, flags);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  if (kind(fd) == FD_WATCHED) record_unsupported("fallocate");
  return real_fallocate64(fd, mode, offset, length);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fallocate64(fd, mode, offset, length);
}
