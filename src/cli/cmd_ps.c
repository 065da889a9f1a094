/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ps: the list of containers, filtered, sorted, cut, printed.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/tmpl.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/cmd_ps.h"
#include "cli/filters.h"

#define SHORT_ID_LEN    12
#define COMMAND_MAX_LEN 17
#define NS_PER_S        INT64_C(1000000000)
/* Go's zero time in seconds: what podman prints for "never". */
#define GO_ZERO_TIME_S  INT64_C(-62135596800)

struct ps_options {
    bool all;
    char **filters;
    char *format;
    struct json_opt_i64 last;
    bool latest;
    bool no_trunc;
    bool no_heading;
    bool quiet;
    char *sort;
};

#define AT(field) offsetof(struct ps_options, field)
static const struct option ps_rows[] = {
    {"all", 'a', OPT_BOOL, AT(all), NULL, "Also those that do not run"},
    {"filter", 'f', OPT_STRV_COMMAS, AT(filters), "KEY=VALUE",
     "Only those that fit: id name label exited status ancestor before since volume"},
    {"format", 0, OPT_STRING, AT(format), "TEMPLATE",
     "Print each by a Go template; \"table ...\", or \"json\""},
    {"last", 'n', OPT_INT64, AT(last), "N", "Only the last created ones, running or not"},
    {"latest", 'l', OPT_BOOL, AT(latest), NULL, "Only the last created one, running or not"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), NULL, "Do not shorten ids and commands"},
    {"noheading", 0, OPT_BOOL, AT(no_heading), NULL, "Print no heading"},
    {"quiet", 'q', OPT_BOOL, AT(quiet), NULL, "Print ids only"},
    {"sort", 0, OPT_STRING, AT(sort), "FIELD", "Sort by this field", COMPLETE_WORDS,
     "command created id image names runningfor status", NULL, "created"},
    {NULL},
};
static const struct option ps_unsupported_rows[] = {
    {"external", 0, OPT_UNSUPPORTED_BOOL},  {"ns", 0, OPT_UNSUPPORTED_BOOL},
    {"namespace", 0, OPT_UNSUPPORTED_BOOL}, {"pod", 'p', OPT_UNSUPPORTED_BOOL},
    {"size", 's', OPT_UNSUPPORTED_BOOL},    {"sync", 0, OPT_UNSUPPORTED_BOOL},
    {"watch", 'w', OPT_UNSUPPORTED},        {NULL},
};

const char ps_table[] = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Created}}\t{{.Status}}\t"
                        "{{.Ports}}\t{{.Names}}";
static const struct tmpl_heading ps_headings[] = {
    {"ID", "CONTAINER ID"},    {"Pid", "PID"},
    {"RunningFor", "CREATED"}, {"CreatedAt", "CREATED AT"},
    {"ExitCode", "EXIT CODE"}, {"ImageID", "IMAGE ID"},
};

/* ---- objects ---- */

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value ? value : ""));
}

static void add_number(struct json_object *o, const char *key, int64_t value)
{
    json_object_object_add(o, key, json_object_new_int64(value));
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
    json_object_object_add(o, key, json_object_new_boolean(value));
}

static struct json_object *string_array(char *const *v)
{
    struct json_object *a = json_object_new_array();
    STRV_FOREACH (s, v)
        json_object_array_add(a, json_object_new_string(*s));
    return a;
}

/* "k=v" entries as an object. */
static struct json_object *string_map(char *const *v)
{
    struct json_object *o = json_object_new_object();
    STRV_FOREACH (s, v) {
        size_t len = strcspn(*s, "=");
        auto_free char *key = alloc_strndup(*s, len);
        add_string(o, key, (*s)[len] ? *s + len + 1 : "");
    }
    return o;
}

static char *ago_text(int64_t then_ns, int64_t now_ns)
{
    auto_free char *ago = units_ago_text(MAX((now_ns - then_ns) / NS_PER_S, (int64_t)0));
    return alloc_printf("%s ago", ago);
}

static int64_t seconds_or_never(int64_t ns)
{
    return ns ? ns / NS_PER_S : GO_ZERO_TIME_S;
}

/* What both views have. */
static struct json_object *common_object(const struct engine_summary *s)
{
    struct json_object *o = json_object_new_object();
    add_bool(o, "AutoRemove", s->auto_remove);
    add_bool(o, "Exited", s->status.state == ENGINE_EXITED);
    add_number(o, "ExitedAt", seconds_or_never(s->status.finished_ns));
    add_number(o, "ExitCode", s->status.exit_code);
    add_string(o, "Image", s->image);
    add_string(o, "ImageID", s->image_id);
    add_bool(o, "IsInfra", false);
    json_object_object_add(o, "Labels", string_map(s->labels));
    json_object_object_add(o, "Mounts", string_array(s->mounts));
    json_object_object_add(o, "Networks", json_object_new_array());
    add_number(o, "Pid", s->status.pid);
    add_string(o, "Pod", "");
    add_string(o, "PodName", "");
    add_number(o, "StartedAt", seconds_or_never(s->status.started_ns));
    add_string(o, "State", engine_state_name(s->status.state));
    add_string(o, "Status", s->status_text);
    return o;
}

struct json_object *ps_json(const struct engine_summary *s, int64_t now_ns)
{
    struct json_object *o = common_object(s);
    char *const names[] = {s->name, NULL};
    auto_free char *ago = ago_text(s->created_ns, now_ns);
    add_string(o, "Id", s->id);
    json_object_object_add(o, "Names", string_array(names));
    json_object_object_add(o, "Command", string_array(s->command));
    json_object_object_add(o, "Ports", json_object_new_array());
    add_number(o, "Created", s->created_ns / NS_PER_S);
    add_string(o, "CreatedAt", ago);
    return o;
}

/* "2026-11-23 10:00:00 +0000 UTC", as podman prints a time in templates. */
static char *time_text(int64_t ns)
{
    time_t t = (time_t)(ns / NS_PER_S);
    struct tm tm;
    char text[64];
    if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm) == 0)
        return alloc_strdup("");
    return alloc_strdup(text);
}

static char *command_text(const struct engine_summary *s, bool no_trunc)
{
    auto_free char *whole = strv_join(s->command, " ");
    if (no_trunc || strlen(whole) <= COMMAND_MAX_LEN)
        return take_ptr(&whole);
    return alloc_printf("%.*s...", COMMAND_MAX_LEN, whole);
}

struct json_object *ps_row(const struct engine_summary *s, int64_t now_ns, bool no_trunc)
{
    struct json_object *o = common_object(s);
    auto_free char *ago = ago_text(s->created_ns, now_ns);
    auto_free char *id = alloc_strndup(s->id, no_trunc ? strlen(s->id) : SHORT_ID_LEN);
    auto_free char *at = time_text(s->created_ns);
    auto_free char *command = command_text(s, no_trunc);
    add_string(o, "ID", id);
    add_string(o, "Names", s->name);
    add_string(o, "Command", command);
    add_string(o, "Ports", "");
    add_string(o, "Created", ago);
    add_string(o, "CreatedHuman", ago);
    add_string(o, "CreatedAt", at);
    add_string(o, "RunningFor", ago);
    add_number(o, "PID", s->status.pid);
    return o;
}

/* ---- filters ---- */

static const char *const ps_filters[] = {"id",       "name",   "label", "exited", "status",
                                         "ancestor", "before", "since", "volume", NULL};
static const char *const ps_filters_later[] = {"pod",    "network", "health",
                                               "until",  "label!",  "publish",
                                               "expose", "is-task", "restart-policy",
                                               NULL};

struct ps_filtering {
    struct engine *en;
    const struct engine_summary *s;
};

/* podman: a regular expression, found anywhere. */
static int text_matches(const char *pattern, const char *text, struct err *e)
{
    regex_t re;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return err_set(e, ERR_INVALID, "filter value '%s' is no regular expression", pattern);
    int r = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return r;
}

static int status_fits(const char *wanted, enum engine_state state, struct err *e)
{
    static const char *const valid[] = {"created", "restarting", "running", "paused",
                                        "exited",  "unknown",    "stopped"};
    bool is_valid = false;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++)
        is_valid = is_valid || strcmp(valid[i], wanted) == 0;
    if (!is_valid)
        return err_set(e, ERR_INVALID, "'%s' is not a valid status", wanted);
    if (strcmp(wanted, "stopped") == 0)
        wanted = "exited";
    return strcmp(engine_state_name(state), wanted) == 0;
}

static int exited_fits(const char *wanted, const struct engine_status *s, struct err *e)
{
    int64_t code;
    if (str_to_i64(wanted, 0, 255, &code) < 0)
        return err_set(e, ERR_INVALID, "exit code '%s' is not a number from 0 to 255", wanted);
    return s->state == ENGINE_EXITED && s->exit_code == code;
}

/* Values that are wrong whatever the containers are. */
static int check_filter_values(const filter_list *l, struct err *e)
{
    VEC_FOREACH (f, l) {
        struct engine_status any = {0};
        bool is_regex = strcmp(f->key, "id") == 0 || strcmp(f->key, "name") == 0;
        if ((strcmp(f->key, "status") == 0 && status_fits(f->value, any.state, e) < 0) ||
            (strcmp(f->key, "exited") == 0 && exited_fits(f->value, &any, e) < 0) ||
            (is_regex && text_matches(f->value, "", e) < 0))
            return -1;
    }
    return 0;
}

static int ancestor_fits(const struct ps_filtering *f, const char *wanted, struct err *e)
{
    struct store_image image = {0};
    struct err missing = {0};
    if (store_image_find(engine_store(f->en), wanted, &image, &missing) < 0) {
        if (missing.kind == ERR_NOT_FOUND)
            return str_equal(f->s->image, wanted);
        *e = missing;
        return -1;
    }
    bool fits = str_equal(f->s->image_id, image.id);
    store_image_done(&image);
    return fits;
}

/* Created before, or after, the container that is named. */
static int age_fits(const struct ps_filtering *f, const char *name, bool before, struct err *e)
{
    struct store_container other = {0};
    if (store_container_find(engine_store(f->en), name, &other, e) < 0)
        return -1;
    bool fits = before ? f->s->created_ns < other.created_ns : f->s->created_ns > other.created_ns;
    store_container_done(&other);
    return fits;
}

static int ps_fits(void *arg, const struct filter *f, struct err *e)
{
    const struct ps_filtering *p = arg;
    const struct engine_summary *s = p->s;
    if (strcmp(f->key, "id") == 0)
        return text_matches(f->value, s->id, e);
    if (strcmp(f->key, "name") == 0)
        return text_matches(f->value, s->name, e);
    if (strcmp(f->key, "label") == 0)
        return filter_label_fits(f->value, s->labels);
    if (strcmp(f->key, "exited") == 0)
        return exited_fits(f->value, &s->status, e);
    if (strcmp(f->key, "status") == 0)
        return status_fits(f->value, s->status.state, e);
    if (strcmp(f->key, "ancestor") == 0)
        return ancestor_fits(p, f->value, e);
    if (strcmp(f->key, "volume") == 0)
        return strv_has(s->mounts, f->value);
    return age_fits(p, f->value, strcmp(f->key, "before") == 0, e);
}

/* ---- order ---- */

static int by_command(const void *a, const void *b)
{
    const struct engine_summary *x = a;
    const struct engine_summary *y = b;
    auto_free char *cx = strv_join(x->command, " ");
    auto_free char *cy = strv_join(y->command, " ");
    return strcmp(cx, cy);
}
static int by_created(const void *a, const void *b)
{
    int64_t x = ((const struct engine_summary *)a)->created_ns;
    int64_t y = ((const struct engine_summary *)b)->created_ns;
    return (x < y) - (x > y);
}
static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct engine_summary *)a)->id, ((const struct engine_summary *)b)->id);
}
static int by_image(const void *a, const void *b)
{
    const char *x = ((const struct engine_summary *)a)->image;
    const char *y = ((const struct engine_summary *)b)->image;
    return strcmp(x ? x : "", y ? y : "");
}
static int by_names(const void *a, const void *b)
{
    return strcmp(((const struct engine_summary *)a)->name,
                  ((const struct engine_summary *)b)->name);
}
static int by_running_for(const void *a, const void *b)
{
    int64_t x = ((const struct engine_summary *)a)->status.started_ns;
    int64_t y = ((const struct engine_summary *)b)->status.started_ns;
    return (x < y) - (x > y);
}
static int by_status(const void *a, const void *b)
{
    return strcmp(((const struct engine_summary *)a)->status_text,
                  ((const struct engine_summary *)b)->status_text);
}

static const struct {
    const char *name;
    int (*order)(const void *a, const void *b);
} ps_orders[] = {
    {"command", by_command}, {"created", by_created}, {"id", by_id},
    {"image", by_image},     {"names", by_names},     {"runningfor", by_running_for},
    {"status", by_status},
};

static int ps_sort(engine_summary_list *l, const char *field, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(ps_orders); i++) {
        if (strcmp(ps_orders[i].name, field) == 0) {
            if (l->len > 0)
                qsort(l->items, l->len, sizeof(l->items[0]), ps_orders[i].order);
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "cannot sort by '%s'", field);
}

/* ---- the command ---- */

static int check_options(const struct ps_options *o, struct err *e)
{
    bool is_list = o->format && !output_is_json(o->format);
    if (o->quiet && is_list)
        return err_set(e, ERR_INVALID, "--quiet and --format exclude each other");
    if (o->latest && o->last.is_set)
        return err_set(e, ERR_INVALID, "--latest and --last exclude each other");
    if (o->last.is_set && o->last.value < -1)
        return err_set(e, ERR_INVALID, "--last must be -1 or more");
    return 0;
}

/* How many to show; SIZE_MAX: all. */
static size_t row_limit(const struct ps_options *o)
{
    if (o->latest)
        return 1;
    return o->last.is_set && o->last.value >= 0 ? (size_t)o->last.value : SIZE_MAX;
}

/* Rows of those that fit; both arrays in parallel. */
static int collect(struct engine *en, const struct ps_options *o, const filter_list *filters,
                   const engine_summary_list *list, struct json_object *rows,
                   struct json_object *rows_json, struct err *e)
{
    int64_t now = units_now_ns();
    VEC_FOREACH (s, list) {
        struct ps_filtering f = {.en = en, .s = s};
        int fits = filters_fit(filters, ps_fits, &f, e);
        if (fits < 0)
            return -1;
        if (!fits)
            continue;
        if (output_is_json(o->format))
            json_object_array_add(rows_json, ps_json(s, now));
        else
            json_object_array_add(rows, ps_row(s, now, o->no_trunc));
    }
    return 0;
}

static int print(const struct ps_options *o, struct json_object *rows,
                 struct json_object *rows_json, struct err *e)
{
    struct output_view view = {
        .table = ps_table,
        .headings = ps_headings,
        .n_headings = ARRAY_LEN(ps_headings),
        .no_heading = o->no_heading,
    };
    return output_rows(&view, o->quiet && !o->format ? "{{.ID}}" : o->format, rows, rows_json, e);
}

static void cut(engine_summary_list *all, size_t limit, engine_summary_list *ret)
{
    *ret = *all;
    ret->len = MIN(all->len, limit);
}

static int list_and_print(struct engine *en, const struct ps_options *o, const filter_list *filters,
                          struct err *e)
{
    engine_summary_list list = {0};
    engine_summary_list shown = {0};
    auto_json *rows = json_object_new_array();
    auto_json *rows_json = json_object_new_array();
    size_t limit = row_limit(o);
    bool all = o->all || limit != SIZE_MAX || filters_have(filters, "status");
    if (engine_container_list(en, all, &list, e) < 0)
        return -1;
    /* Newest first as it comes: the last N are cut before another order is made. */
    cut(&list, limit, &shown);
    int r = ps_sort(&shown, o->sort, e);
    if (r == 0)
        r = collect(en, o, filters, &shown, rows, rows_json, e);
    engine_summary_list_done(&list);
    return r < 0 ? -1 : print(o, rows, rows_json, e);
}

static int ps_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct ps_options *o = options;
    auto_engine *en = NULL;
    filter_list filters = {0};
    (void)argc;
    (void)argv;
    if (check_options(o, e) < 0 ||
        filters_parse(o->filters, ps_filters, ps_filters_later, &filters, e) < 0)
        return -1;
    int r = check_filter_values(&filters, e);
    if (r == 0)
        r = cli_open(cli, STORE_READ, &en, e);
    if (r == 0)
        r = list_and_print(en, o, &filters, e);
    filters_done(&filters);
    return r;
}

static const struct option *const ps_sets[] = {ps_rows, ps_unsupported_rows, NULL};
static const char *const ps_aliases[] = {"container ps", "container ls", "container list", NULL};
static const char *const ps_examples[] = {"ps --all", "ps --filter status=exited --quiet",
                                          "ps --format '{{.Names}} {{.Status}}'", NULL};

const struct command cmd_ps = {
    .name = "ps",
    .aliases = ps_aliases,
    .summary = "List containers",
    .option_sets = ps_sets,
    .options_size = sizeof(struct ps_options),
    .examples = ps_examples,
    .run = ps_run,
};
