/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A field of a decoded struct by its name in the text. */
#include <string.h>

#include "base/json.h"

static const struct json_field *find_row(const struct json_struct *t, const char *key, size_t len)
{
    for (size_t i = 0; i < t->n_fields; i++)
        if (strncmp(t->fields[i].key, key, len) == 0 && t->fields[i].key[len] == 0)
            return &t->fields[i];
    return NULL;
}

const struct json_field *json_find_field(const struct json_struct *t, const void *value,
                                         const char *path, const void **ret_at)
{
    for (;;) {
        size_t len = strcspn(path, ".");
        const struct json_field *f = find_row(t, path, len);
        const void *at = f && value ? (const char *)value + f->offset : NULL;

        if (!f || !path[len]) {
            if (f)
                *ret_at = at;
            return f;
        }
        if (f->type != JSON_OBJECT && f->type != JSON_OBJECT_PTR)
            return NULL;
        if (at && f->type == JSON_OBJECT_PTR)
            memcpy(&at, at, sizeof(at));
        t = f->nested;
        value = at;
        path += len + 1;
    }
}
