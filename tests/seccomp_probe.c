/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * T-seccomp inside of a container: asks the matrix (src/seccomp/matrix.h) of the filter that it
 * runs under, "ours" or "dockers". Built statically by the tests that use it. Exit: 0, 1 wrong
 * answers (each is told), 2 usage.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "seccomp/matrix.h"

static bool has_32(void)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(matrix_call(MATRIX_32, 20 /* getpid */, 0, 0, 0, 0) == getpid() ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    struct matrix m = {.has_32 = has_32()};

    if (argc != 2)
        return 2;
    m.profile = strcmp(argv[1], "ours") == 0      ? MATRIX_OURS
                : strcmp(argv[1], "dockers") == 0 ? MATRIX_DOCKERS
                                                  : MATRIX_LIST;
    matrix_ask(&m);
    printf("%u asked, %u wrong%s\n", m.n_asked, m.n_wrong, m.has_32 ? "" : ", no i386");
    return m.n_wrong > 0;
}
