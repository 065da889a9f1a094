/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images: a row for each name of each image.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/tmpl.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/cmd_images.h"
#include "cli/filters.h"
#include "oci/image.h"

#define SHORT_ID_LEN 12
#define NS_PER_S     INT64_C(1000000000)

struct images_options {
    bool all;
    bool digests;
    char **filters;
    char *format;
    bool no_heading;
    bool no_trunc;
    bool quiet;
    char *sort;
};

#define AT(field) offsetof(struct images_options, field)
static const char *const no_trunc_aliases[] = {"notruncate", NULL};
static const struct option images_rows[] = {
    {"all", 'a', OPT_BOOL, AT(all), NULL, "All images (there are no hidden ones)"},
    {"digests", 0, OPT_BOOL, AT(digests), NULL, "Show the manifests' digests"},
    {"filter", 'f', OPT_STRV_COMMAS, AT(filters), "KEY=VALUE",
     "Only those that fit: dangling label before since reference"},
    {"format", 0, OPT_STRING, AT(format), "TEMPLATE",
     "Print each by a Go template; \"table ...\", or \"json\""},
    {"noheading", 'n', OPT_BOOL, AT(no_heading), NULL, "Print no heading"},
    {"no-trunc", 0, OPT_BOOL, AT(no_trunc), NULL, "Do not shorten ids", COMPLETE_NONE, NULL,
     no_trunc_aliases},
    {"quiet", 'q', OPT_BOOL, AT(quiet), NULL, "Print ids only, each once"},
    {"sort", 0, OPT_STRING, AT(sort), "FIELD", "Sort by this field", COMPLETE_WORDS,
     "created id repository size tag", NULL, "created"},
    {NULL},
};
static const struct option images_unsupported_rows[] = {
    {"history", 0, OPT_UNSUPPORTED_BOOL},
    {NULL},
};

#define TABLE_BEGIN "table {{.Repository}}\t{{.Tag}}\t"
#define TABLE_END   "{{.ID}}\t{{.Created}}\t{{.Size}}"
static const char table[] = TABLE_BEGIN TABLE_END;
static const char table_digests[] = TABLE_BEGIN "{{.Digest}}\t" TABLE_END;
static const struct tmpl_heading headings[] = {{"ID", "IMAGE ID"}, {"CreatedSince", "CREATED"}};

/* ---- objects ---- */

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value ? value : ""));
}

static void add_number(struct json_object *o, const char *key, int64_t value)
{
    json_object_object_add(o, key, json_object_new_int64(value));
}

/* "host:5000/path" of "host:5000/path:tag"; the tag after it, or NULL. Borrowed. A name with a
 * digest has no tag. */
static const char *tag_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *colon = strchr(name, '@') ? NULL : strrchr(slash ? slash : name, ':');
    return colon ? colon + 1 : NULL;
}

static char *repository_of(const char *name)
{
    const char *tag = tag_of(name);
    return alloc_strndup(name, tag ? (size_t)(tag - name) - 1 : strcspn(name, "@"));
}

static struct json_object *names_array(char *const *names)
{
    struct json_object *a = json_object_new_array();
    STRV_FOREACH (name, names)
        json_object_array_add(a, json_object_new_string(*name));
    return a;
}

static struct json_object *tags_array(char *const *names)
{
    struct json_object *a = json_object_new_array();
    STRV_FOREACH (name, names)
        if (tag_of(*name))
            json_object_array_add(a, json_object_new_string(*name));
    return a;
}

/* "repository@sha256:..." for each repository, each once. */
static struct json_object *digests_array(const struct store_image *i)
{
    struct json_object *a = json_object_new_array();
    auto_strv seen = NULL;
    STRV_FOREACH (name, i->names) {
        auto_free char *repository = repository_of(*name);
        if (!i->manifest_digest || strv_has(seen, repository))
            continue;
        strv_add(&seen, repository);
        auto_free char *digest = alloc_printf("%s@%s", repository, i->manifest_digest);
        json_object_array_add(a, json_object_new_string(digest));
    }
    return a;
}

struct json_object *images_json(const struct store_image *i, struct json_object *labels,
                                int64_t n_containers)
{
    struct json_object *o = json_object_new_object();
    auto_free char *created = units_rfc3339(i->created_ns);
    add_string(o, "Id", i->id);
    add_string(o, "ParentId", "");
    json_object_object_add(o, "RepoTags", tags_array(i->names));
    json_object_object_add(o, "RepoDigests", digests_array(i));
    add_number(o, "Size", i->size_bytes);
    add_number(o, "SharedSize", 0);
    add_number(o, "VirtualSize", i->size_bytes);
    json_object_object_add(o, "Labels", json_object_get(labels));
    add_number(o, "Containers", n_containers);
    if (strv_len(i->names) == 0)
        json_object_object_add(o, "Dangling", json_object_new_boolean(true));
    json_object_object_add(o, "Names", names_array(i->names));
    add_string(o, "Digest", i->manifest_digest);
    add_number(o, "Created", i->created_ns / NS_PER_S);
    add_string(o, "CreatedAt", created);
    add_string(o, "Os", i->os);
    add_string(o, "Arch", i->architecture);
    return o;
}

struct json_object *images_row(const struct store_image *i, const char *name, int64_t now_ns,
                               bool no_trunc)
{
    struct json_object *o = json_object_new_object();
    auto_free char *repository = name ? repository_of(name) : alloc_strdup("<none>");
    const char *tag = name ? tag_of(name) : NULL;
    auto_free char *id =
        no_trunc ? alloc_printf("sha256:%s", i->id) : alloc_strndup(i->id, SHORT_ID_LEN);
    auto_free char *age = units_ago_text(MAX((now_ns - i->created_ns) / NS_PER_S, (int64_t)0));
    auto_free char *since = i->created_ns ? alloc_printf("%s ago", age) : alloc_strdup("N/A");
    auto_free char *at = units_rfc3339(i->created_ns);
    auto_free char *size = units_size_text((uint64_t)MAX(i->size_bytes, (int64_t)0), 3);
    add_string(o, "Repository", repository);
    add_string(o, "Tag", tag ? tag : "<none>");
    add_string(o, "ID", id);
    add_string(o, "Id", i->id);
    add_string(o, "Digest", i->manifest_digest);
    add_string(o, "Created", since);
    add_string(o, "CreatedSince", since);
    add_string(o, "CreatedAt", at);
    add_string(o, "CreatedTime", at);
    add_string(o, "Size", size);
    add_string(o, "VirtualSize", size);
    add_string(o, "Os", i->os);
    add_string(o, "Arch", i->architecture);
    json_object_object_add(o, "Names", names_array(i->names));
    json_object_object_add(o, "RepoTags", tags_array(i->names));
    json_object_object_add(o, "RepoDigests", digests_array(i));
    return o;
}

/* ---- names ---- */

bool images_name_fits(const char *wanted, const char *complete_name)
{
    auto_free char *repository = repository_of(complete_name);
    auto_free char *wanted_repository = repository_of(wanted);
    const char *tag = tag_of(complete_name);
    const char *wanted_tag = tag_of(wanted);
    if (wanted_tag && !str_equal(tag, wanted_tag))
        return false;
    if (strcmp(repository, wanted_repository) == 0)
        return true;
    auto_free char *suffix = alloc_printf("/%s", wanted_repository);
    return str_ends_with(repository, suffix);
}

static bool pattern_fits(const char *pattern, const char *name)
{
    /* The whole name, and what follows each '/'. */
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (fnmatch(pattern, at, 0) == 0)
            return true;
    }
    return false;
}

bool images_reference_fits(const char *pattern, const char *complete_name)
{
    if (pattern_fits(pattern, complete_name))
        return true;
    auto_free char *repository = repository_of(complete_name);
    return !tag_of(pattern) && pattern_fits(pattern, repository);
}

/* ---- filters ---- */

static const char *const known_filters[] = {"dangling", "label",     "before",
                                            "since",    "reference", NULL};
static const char *const later_filters[] = {"id",     "intermediate", "containers",
                                            "digest", "label!",       "readonly",
                                            "until",  "manifest",     NULL};

struct filtering {
    struct engine *en;
    const struct store_image *i;
};

/* The labels of the image's configuration; NULL without any. Owned. */
static int read_labels(struct engine *en, const struct store_image *i, struct json_object **ret,
                       struct err *e)
{
    auto_free char *text = NULL;
    auto_json *config = NULL;
    struct json_object *params;
    struct json_object *labels;
    size_t len;
    if (store_image_read_config(engine_store(en), i->id, &text, &len, e) < 0 ||
        json_parse(text, len, OCI_CONFIG_MAX_BYTES, &config, e) < 0)
        return -1;
    *ret = NULL;
    if (json_object_object_get_ex(config, "config", &params) &&
        json_object_object_get_ex(params, "Labels", &labels))
        *ret = json_object_get(labels);
    return 0;
}

static int label_fits(const struct filtering *f, const char *wanted, struct err *e)
{
    auto_json *labels = NULL;
    struct json_object *value;
    size_t len = strcspn(wanted, "=");
    auto_free char *key = alloc_strndup(wanted, len);
    if (read_labels(f->en, f->i, &labels, e) < 0)
        return -1;
    if (!labels || !json_object_object_get_ex(labels, key, &value))
        return 0;
    return wanted[len] == '\0' || str_equal(json_object_get_string(value), wanted + len + 1);
}

static int age_fits(const struct filtering *f, const char *name, bool before, struct err *e)
{
    struct store_image other = {0};
    if (store_image_find(engine_store(f->en), name, &other, e) < 0)
        return -1;
    bool fits = before ? f->i->created_ns < other.created_ns : f->i->created_ns > other.created_ns;
    store_image_done(&other);
    return fits;
}

static int dangling_fits(const char *wanted, const struct store_image *i, struct err *e)
{
    bool is_dangling = strv_len(i->names) == 0;
    if (strcmp(wanted, "true") == 0)
        return is_dangling;
    if (strcmp(wanted, "false") == 0)
        return !is_dangling;
    return err_set(e, ERR_INVALID, "filter dangling='%s' is not true or false", wanted);
}

static int image_fits(void *arg, const struct filter *f, struct err *e)
{
    const struct filtering *p = arg;
    if (strcmp(f->key, "dangling") == 0)
        return dangling_fits(f->value, p->i, e);
    if (strcmp(f->key, "label") == 0)
        return label_fits(p, f->value, e);
    if (strcmp(f->key, "reference") != 0)
        return age_fits(p, f->value, strcmp(f->key, "before") == 0, e);
    STRV_FOREACH (name, p->i->names) {
        if (images_reference_fits(f->value, *name))
            return 1;
    }
    return 0;
}

/* ---- rows ---- */

struct listing {
    struct engine *en;
    const struct images_options *o;
    const char *wanted; /* NULL: all names */
    filter_list filters;
    engine_summary_list containers; /* JSON only */
    struct json_object *rows;
    struct json_object *rows_json;
    int64_t now_ns;
};

static void add_row(struct listing *l, const struct store_image *i, const char *name)
{
    struct json_object *row = images_row(i, name, l->now_ns, l->o->no_trunc);
    json_object_array_add(l->rows, row);
}

static int add_json(struct listing *l, const struct store_image *i, struct err *e)
{
    auto_json *labels = NULL;
    int64_t n = 0;
    if (read_labels(l->en, i, &labels, e) < 0)
        return -1;
    VEC_FOREACH (c, &l->containers)
        n += str_equal(c->image_id, i->id);
    json_object_array_add(l->rows_json, images_json(i, labels, n));
    return 0;
}

static int add_image(struct listing *l, const struct store_image *i, struct err *e)
{
    struct filtering f = {.en = l->en, .i = i};
    bool is_added = false;
    int fits = filters_fit(&l->filters, image_fits, &f, e);
    if (fits <= 0)
        return fits;
    bool by_id = l->wanted && strlen(l->wanted) >= 3 && str_starts_with(i->id, l->wanted);
    STRV_FOREACH (name, i->names) {
        if (l->wanted && !by_id && !images_name_fits(l->wanted, *name))
            continue;
        /* -q prints an image once. */
        if (!l->o->quiet || !is_added)
            add_row(l, i, *name);
        is_added = true;
    }
    if (strv_len(i->names) == 0 && (!l->wanted || by_id)) {
        add_row(l, i, NULL);
        is_added = true;
    }
    return is_added && output_is_json(l->o->format) ? add_json(l, i, e) : 0;
}

/* ---- order ---- */

static const char *first_name(const struct store_image *i)
{
    return i->names && i->names[0] ? i->names[0] : "";
}
static int by_created(const void *a, const void *b)
{
    int64_t x = ((const struct store_image *)a)->created_ns;
    int64_t y = ((const struct store_image *)b)->created_ns;
    return (x < y) - (x > y);
}
static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct store_image *)a)->id, ((const struct store_image *)b)->id);
}
static int by_repository(const void *a, const void *b)
{
    return strcmp(first_name(a), first_name(b));
}
static int by_size(const void *a, const void *b)
{
    int64_t x = ((const struct store_image *)a)->size_bytes;
    int64_t y = ((const struct store_image *)b)->size_bytes;
    return (x > y) - (x < y);
}
static int by_tag(const void *a, const void *b)
{
    const char *x = tag_of(first_name(a));
    const char *y = tag_of(first_name(b));
    return strcmp(x ? x : "", y ? y : "");
}

static const struct {
    const char *name;
    int (*order)(const void *a, const void *b);
} orders[] = {{"created", by_created},
              {"id", by_id},
              {"repository", by_repository},
              {"size", by_size},
              {"tag", by_tag}};

static int sort_images(store_image_list *l, const char *field, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (strcmp(orders[i].name, field) == 0) {
            if (l->len > 0)
                qsort(l->items, l->len, sizeof(l->items[0]), orders[i].order);
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "cannot sort by '%s'", field);
}

/* ---- the command ---- */

static int fill(struct listing *l, struct err *e)
{
    store_image_list images = {0};
    if (output_is_json(l->o->format) && engine_container_list(l->en, true, &l->containers, e) < 0)
        return -1;
    if (store_image_list_all(engine_store(l->en), &images, e) < 0)
        return -1;
    int r = sort_images(&images, l->o->sort, e);
    VEC_FOREACH (i, &images) {
        if (r == 0)
            r = add_image(l, i, e);
    }
    store_image_list_done(&images);
    return r;
}

static int images_print(const struct listing *l, struct err *e)
{
    struct output_view view = {
        .table = l->o->digests ? table_digests : table,
        .headings = headings,
        .n_headings = ARRAY_LEN(headings),
        .no_heading = l->o->no_heading,
    };
    const char *format = l->o->quiet && !l->o->format ? "{{.ID}}" : l->o->format;
    return output_rows(&view, format, l->rows, l->rows_json, e);
}

static int images_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    auto_json *rows = json_object_new_array();
    auto_json *rows_json = json_object_new_array();
    struct listing l = {
        .o = options,
        .wanted = argc > 0 ? argv[0] : NULL,
        .rows = rows,
        .rows_json = rows_json,
        .now_ns = units_now_ns(),
    };
    if (l.o->quiet && l.o->format && !output_is_json(l.o->format))
        return err_set(e, ERR_INVALID, "--quiet and --format exclude each other");
    if (filters_parse(l.o->filters, known_filters, later_filters, &l.filters, e) < 0)
        return -1;
    int r = cli_open(cli, STORE_READ, &en, e);
    l.en = en;
    if (r == 0)
        r = fill(&l, e);
    if (r == 0)
        r = images_print(&l, e);
    filters_done(&l.filters);
    engine_summary_list_done(&l.containers);
    return r;
}

static const struct option *const images_sets[] = {images_rows, images_unsupported_rows, NULL};
static const char *const images_aliases[] = {"image ls", "image list", NULL};
static const char *const images_examples[] = {"images", "images --digests busybox",
                                              "images --format '{{.Repository}}:{{.Tag}}'", NULL};

const struct command cmd_images = {
    .name = "images",
    .aliases = images_aliases,
    .summary = "List images",
    .args = "[NAME]",
    .max_args = 1,
    .complete_args = COMPLETE_IMAGE,
    .option_sets = images_sets,
    .options_size = sizeof(struct images_options),
    .examples = images_examples,
    .run = images_run,
};
