/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ps: the processes of the container, as `ps -ef` shows them, read from /proc; the container's own
 * files are never read (CVE-2022-1227). With options of ps(1) behind the id that program is asked,
 * as runc does, and the lines of other processes are left out.
 */
#include <ctype.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/columns.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"
#include "sys/process.h"

#define PROC_FILE_MAX_BYTES (1u << 20)
#define PS_OUTPUT_MAX_BYTES (16u << 20)

struct ps_options {
    char *format;
};
static const struct option ps_rows[] = {
    {"format", 'f', OPT_STRING, offsetof(struct ps_options, format), "FORMAT", "table or json",
     COMPLETE_WORDS, "table json", .initial = "table"},
    {NULL},
};
static const struct option *const ps_sets[] = {ps_rows, NULL};

/* ---- our own table ---- */

/* proc_pid_stat(5), from the third field on: after the name, which may hold anything. */
struct process_stat {
    int ppid;
    unsigned tty;
    unsigned long long cpu_ticks;
    unsigned long long start_ticks;
    char name[64];
};

static char *read_proc(pid_t pid, const char *file, size_t *ret_len)
{
    char path[64];
    char *text = NULL;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return sys_read_file(AT_FDCWD, path, PROC_FILE_MAX_BYTES, &text, ret_len) < 0 ? NULL : text;
}

static bool parse_stat(const char *text, struct process_stat *ret)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long long user, kernel;

    if (!open || !close)
        return false;
    snprintf(ret->name, sizeof(ret->name), "[%.*s]", (int)MIN(close - open - 1, 60), open + 1);
    if (sscanf(close + 1,
               " %*c %d %*d %*d %u %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu",
               &ret->ppid, &ret->tty, &user, &kernel, &ret->start_ticks) != 5)
        return false;
    ret->cpu_ticks = user + kernel;
    return true;
}

static void tty_name(unsigned tty, char ret[static 16])
{
    unsigned major_nr = major(tty), minor_nr = minor(tty);

    if (tty == 0)
        snprintf(ret, 16, "?");
    else if (major_nr >= 136 && major_nr <= 143)
        snprintf(ret, 16, "pts/%u", (major_nr - 136) * 256 + minor_nr);
    else
        snprintf(ret, 16, "tty%u", minor_nr);
}

/* The hour of today, else the day. */
static void start_text(int64_t started, int64_t now, char ret[static 16])
{
    time_t t = (time_t)started, n = (time_t)now;
    struct tm then, today;

    localtime_r(&t, &then);
    localtime_r(&n, &today);
    strftime(ret, 16,
             then.tm_yday == today.tm_yday && then.tm_year == today.tm_year ? "%H:%M" : "%b%d",
             &then);
}

/* argv with blanks between; a kernel-like name in brackets when there is none. */
static char *command_text(pid_t pid, const struct process_stat *s)
{
    size_t n = 0;
    char *text = read_proc(pid, "cmdline", &n);

    if (!text || n == 0) {
        free(text);
        return alloc_strdup(s->name);
    }
    for (size_t i = 0; i + 1 < n; i++)
        if (!text[i] || text[i] == '\t' || text[i] == '\n')
            text[i] = ' ';
    return text;
}

static char *user_name(pid_t pid)
{
    char path[32];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (sys_stat(AT_FDCWD, path, &st) < 0)
        return alloc_strdup("?");
    const struct passwd *p = getpwuid(st.st_uid);
    return p ? alloc_strdup(p->pw_name) : alloc_printf("%u", st.st_uid);
}

static void add_process(struct columns *c, pid_t pid)
{
    long hz = sysconf(_SC_CLK_TCK);
    auto_free char *text = read_proc(pid, "stat", NULL);
    struct process_stat s = {0};
    char tty[16], start[16];
    if (!text || !parse_stat(text, &s))
        return; /* it has ended */
    int64_t now = units_now_ns() / 1000000000, up = (int64_t)(units_monotonic_ns() / 1000000000);
    int64_t age = up - (int64_t)(s.start_ticks / (unsigned long long)hz);
    unsigned long long cpu = s.cpu_ticks / (unsigned long long)hz;
    auto_free char *user = user_name(pid), *command = command_text(pid, &s);
    tty_name(s.tty, tty);
    start_text(now - age, now, start);
    auto_free char *row =
        alloc_printf("%s\t%d\t%d\t%llu\t%s\t%s\t%02llu:%02llu:%02llu\t%s", user, (int)pid, s.ppid,
                     age > 0 ? MIN(99ull, cpu * 100 / (unsigned long long)age) : 0ull, start, tty,
                     cpu / 3600, cpu / 60 % 60, cpu % 60, command);
    columns_add_row(c, row);
}

static void print_table(const pid_t *pids, size_t n)
{
    struct columns *c = columns_new();
    columns_add_row(c, "UID\tPID\tPPID\tC\tSTIME\tTTY\tTIME\tCMD");
    for (size_t i = 0; i < n; i++)
        add_process(c, pids[i]);
    auto_free char *text = columns_print(c);
    cli_print(text);
    columns_free(c);
}

static void print_json(const pid_t *pids, size_t n)
{
    auto_json *list = json_object_new_array();
    for (size_t i = 0; i < n; i++)
        json_object_array_add(list, json_object_new_int64(pids[i]));
    auto_free char *text = json_print(list, false);
    cli_print_line(text);
}

/* ---- ps(1) ---- */

static int capture_ps(char *const *args, char **ret, struct err *e)
{
    auto_strv argv = NULL;
    int pipe_fds[2], status, r;
    size_t n;

    strv_add(&argv, "ps");
    strv_extend(&argv, args);
    r = sys_pipe(pipe_fds);
    if (r < 0)
        return err_sys(e, r, "make a pipe");
    const int fds[] = {STDIN_FILENO, pipe_fds[1], STDERR_FILENO};
    pid_t pid = sys_spawn("/bin/ps", argv, environ, fds, ARRAY_LEN(fds), NULL);
    fd_close(pipe_fds[1]);
    r = pid < 0 ? pid : sys_read_fd(pipe_fds[0], PS_OUTPUT_MAX_BYTES, ret, &n);
    fd_close(pipe_fds[0]);
    if (pid > 0 && sys_wait(pid, &status) == 0 && status != 0 && r >= 0)
        return err_set(e, ERR_INVALID, "ps ended with exit code %d",
                       sys_exit_code_of_status(status));
    return r < 0 ? err_sys(e, r, "execute ps") : 0;
}

/* The place of the word PID in the heading, or -1. */
static int pid_column(const char *heading)
{
    auto_strv words = strv_split(heading, ' ');
    int column = 0;

    STRV_FOREACH (word, words) {
        if (str_equal(*word, "PID"))
            return column;
        column += **word != 0;
    }
    return -1;
}

static bool line_is_of(const char *line, int column, const pid_t *pids, size_t n)
{
    const char *s = line + strspn(line, " ");

    for (; column > 0; column--) {
        s += strcspn(s, " ");
        s += strspn(s, " ");
    }
    long pid = strtol(s, NULL, 10);
    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static int print_ps(char *const *args, const pid_t *pids, size_t n, struct err *e)
{
    auto_free char *text = NULL;
    auto_strv lines = NULL;

    if (capture_ps(args, &text, e) < 0)
        return -1;
    lines = strv_split(text, '\n');
    int column = lines ? pid_column(lines[0]) : -1;
    if (column < 0)
        return err_set(e, ERR_INVALID, "the output of ps has no column PID");
    STRV_FOREACH (line, lines)
        if (line == lines || (**line && line_is_of(*line, column, pids, n)))
            cli_print_line(*line);
    return 0;
}

static int ps_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct ps_options *o = options;
    auto_free pid_t *pids = NULL;
    size_t n = 0;
    bool is_json = str_equal(o->format, "json");
    if (!is_json && !str_equal(o->format, "table"))
        return err_set(e, ERR_INVALID, "invalid format option '%s': table or json", o->format);
    if (lifecycle_pids(&cli->config->lifecycle, argv[0], &pids, &n, e) < 0)
        return -1;
    if (is_json)
        print_json(pids, n);
    else if (argc > 1)
        return print_ps(argv + 1, pids, n, e);
    else
        print_table(pids, n);
    return 0;
}

static const char *const ps_examples[] = {"ps web", "ps --format json web",
                                          "ps web -o pid,rss,args", NULL};

const struct command cmd_ps = {
    .name = "ps",
    .summary = "Show the processes of a container",
    .args = "CONTAINER [PS-OPTION...]",
    .min_args = 1,
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = ps_sets,
    .options_size = sizeof(struct ps_options),
    .examples = ps_examples,
    .run = ps_run,
};
