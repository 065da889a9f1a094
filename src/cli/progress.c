/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress of a download on a terminal: one line an item, drawn over the last drawing by moving the
 * cursor up. At most ten drawings a second, at most as many lines as the screen has: the finished
 * ones are counted instead.
 */
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "cli/pull.h"
#include "sys/terminal.h"

#define DRAW_INTERVAL_NS 100000000u
#define DRAW_MAX_BYTES   (64u << 10)
#define LINE_MAX_COLUMNS 78
#define ITEMS_MAX        4096

struct progress_item {
    char *name;
    char *phase;
    int64_t current_bytes;
    int64_t total_bytes;
};

struct progress {
    VEC(struct progress_item) items;
    uint64_t last_draw_ns;
    int drawn_lines;
    uint16_t rows;
    uint16_t cols;
    bool is_shown;
};

struct progress *progress_new(bool is_quiet)
{
    struct progress *p = alloc_new(struct progress);
    p->is_shown = !is_quiet && sys_is_terminal(STDERR_FILENO);
    if (p->is_shown && sys_terminal_size(STDERR_FILENO, &p->rows, &p->cols) < 0)
        p->rows = p->cols = 0;
    if (p->rows < 4)
        p->rows = 24;
    if (p->cols < 20)
        p->cols = LINE_MAX_COLUMNS;
    return p;
}

static bool is_finished(const struct progress_item *i)
{
    return strcmp(i->phase, "done") == 0 || strcmp(i->phase, "exists") == 0;
}

static struct progress_item *find_item(struct progress *p, const char *name)
{
    VEC_FOREACH (i, &p->items) {
        if (strcmp(i->name, name) == 0)
            return i;
    }
    if (p->items.len >= ITEMS_MAX)
        return NULL;
    struct progress_item item = {.name = alloc_strdup(name)};
    vec_push(&p->items, item);
    return &p->items.items[p->items.len - 1];
}

static void add_line(struct str *out, const struct progress *p, const struct progress_item *i)
{
    auto_free char *current = units_size_text((uint64_t)MAX(i->current_bytes, (int64_t)0), 3);
    auto_free char *total = units_size_text((uint64_t)MAX(i->total_bytes, (int64_t)0), 3);
    auto_free char *line =
        i->total_bytes > 0 && !is_finished(i)
            ? alloc_printf("%-24.40s %-12.16s %s / %s", i->name, i->phase, current, total)
            : alloc_printf("%-24.40s %-12.16s", i->name, i->phase);
    str_addf(out, "%.*s\n", MIN((int)p->cols - 1, LINE_MAX_COLUMNS), line);
}

static void draw(struct progress *p)
{
    auto_str out = STR_INIT(DRAW_MAX_BYTES);
    size_t room = p->rows - 2u;
    bool is_crowded = p->items.len > room;
    size_t n_finished = 0;
    int lines = 0;
    if (p->drawn_lines > 0)
        str_addf(&out, "\033[%dA\r\033[J", p->drawn_lines);
    VEC_FOREACH (i, &p->items) {
        n_finished += is_finished(i);
        if ((is_crowded && is_finished(i)) || (size_t)lines >= room)
            continue;
        add_line(&out, p, i);
        lines++;
    }
    if (is_crowded) {
        str_addf(&out, "%zu of %zu finished\n", n_finished, p->items.len);
        lines++;
    }
    p->drawn_lines = lines;
    fputs(str_text(&out), stderr);
    fflush(stderr);
}

void progress_update(void *progress, const char *item, const char *phase, int64_t current_bytes,
                     int64_t total_bytes)
{
    struct progress *p = progress;
    if (!p->is_shown)
        return;
    /* The worker read these from the registry's answers. */
    auto_free char *name = escape_terminal(item, strlen(item));
    struct progress_item *i = find_item(p, name);
    if (!i)
        return;
    free(i->phase);
    i->phase = escape_terminal(phase, strlen(phase));
    i->current_bytes = current_bytes;
    i->total_bytes = total_bytes;
    uint64_t now = units_monotonic_ns();
    if (now - p->last_draw_ns < DRAW_INTERVAL_NS)
        return;
    p->last_draw_ns = now;
    draw(p);
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    if (p->is_shown && p->items.len > 0)
        draw(p);
    VEC_FOREACH (i, &p->items) {
        free(i->name);
        free(i->phase);
    }
    vec_done(&p->items);
    free(p);
}
