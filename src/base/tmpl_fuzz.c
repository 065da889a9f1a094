/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a template over a value of every type: it ends, within its bounds.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/tmpl.h"

static const char value[] =
    "{\"Id\":\"0123\",\"B\":true,\"N\":-1,\"R\":1.5,\"L\":[1,\"a\",[],null],"
    "\"M\":{\"k\":\"v\",\"l\":\"w\"},\"O\":{\"L\":[{\"A\":1},{\"A\":2}]},"
    "\"Z\":null,\"U\":18446744073709551615,\"E\":\"\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tmpl_heading headings[] = {{"Id", "CONTAINER ID"}, {"O.L", "LIST"}};
    auto_free char *text = alloc_strndup((const char *)data, size), *header = NULL, *out = NULL;
    auto_json *o = NULL;
    struct tmpl *t = tmpl_parse(text, NULL);

    if (!t)
        return 0;
    if (json_parse(value, strlen(value), sizeof(value), &o, NULL) < 0)
        abort();
    header = tmpl_header(t, headings, ARRAY_LEN(headings));
    out = tmpl_run(t, o, NULL);
    tmpl_free(t);
    return 0;
}
