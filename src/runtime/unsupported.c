/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a specification may ask for and this runtime does not do yet: such a wish is refused, never
 * dropped. Implementing a field means deleting its row here and rewriting its line in docs/spec.md.
 *
 * A field that says nothing is no wish: absent, empty, false, 0, and -1 where that is "unlimited";
 * callers write such values for every field that they know.
 */
#include "runtime/plan.h"

#include <string.h>

#include "base/str.h"

const char *const unsupported_fields[] = {
    "linux.intelRdt",
    NULL,
};

/* Asks the encoder, which leaves out what is empty. */
static bool says_something(const struct json_field *f, const void *at)
{
    struct json_field alone = *f;
    struct json_struct t = {.fields = &alone, .n_fields = 1};
    auto_json *o = NULL;
    struct json_object *value;

    alone.offset = 0;
    alone.flags = 0;
    o = json_encode(&t, at);
    if (!json_object_object_get_ex(o, f->key, &value))
        return false;
    return !json_object_is_type(value, json_type_int) || json_object_get_int64(value) > 0;
}

static int refuse(const struct json_struct *t, const void *value, const char *prefix, struct err *e)
{
    for (const char *const *field = unsupported_fields; *field; field++) {
        const struct json_field *f;
        const void *at = NULL;

        if (!str_starts_with(*field, prefix))
            continue;
        f = json_find_field(t, value, *field + strlen(prefix), &at);
        if (!f)
            return err_set(e, ERR_INTERNAL, "%s: no such field", *field);
        if (at && says_something(f, at))
            return err_set(e, ERR_UNSUPPORTED, "%s is not supported yet", *field);
    }
    return 0;
}

int unsupported_plan(struct runtime_plan *p, struct err *e)
{
    if (p->kind == PLAN_EXEC)
        return refuse(&oci_process_json, p->process.process, "process.", e);
    return refuse(&oci_spec_json, p->spec, "", e);
}
