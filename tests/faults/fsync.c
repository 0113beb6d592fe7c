/*
 * A disk that fails when it is told to: fsync and fdatasync of the log's files answer EIO once the
 * file named by PREAU_FSYNC_TRIGGER exists. The first time, "EIO" is written to standard output,
 * straight into the pipe: what the process acknowledges after that line came after the failure.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_flag told = ATOMIC_FLAG_INIT;

static int fails(int file)
{
    const char *trigger = getenv("PREAU_FSYNC_TRIGGER");
    char link[64], name[4096];
    if (trigger == NULL || access(trigger, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0)
        return 0;
    name[length] = 0;
    if (strstr(name, "school.log") == NULL)
        return 0;
    if (!atomic_flag_test_and_set(&told) && write(STDOUT_FILENO, "EIO\n", 4) != 4)
        abort();
    errno = EIO;
    return 1;
}

static int sync_with(const char *call, int file)
{
    if (fails(file))
        return -1;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    return real(file);
}

int fsync(int file)
{
    return sync_with("fsync", file);
}

int fdatasync(int file)
{
    return sync_with("fdatasync", file);
}
