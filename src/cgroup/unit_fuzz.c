/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: what others write that becomes terms of systemd. The first line is a cgroupsPath,
 * the second a set of CPUs, the rest are annotations "NAME=VALUE". What is accepted names one
 * scope, and only properties that were asked for by their names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/unit.h"

static void check_path(const char *path)
{
    auto_free char *slice = NULL;
    auto_free char *unit = NULL;
    auto_free char *expanded = NULL;
    auto_free char *clean = NULL;

    if (unit_parse_path(path, NULL, false, &slice, &unit, NULL) < 0)
        return;
    if (!str_ends_with(unit, ".scope") || strchr(unit, '/'))
        abort();
    expanded = unit_expand_slice(slice, NULL);
    if (expanded && *expanded && !(clean = cgroup_path_clean(expanded, NULL)))
        abort();
}

static void check_annotations(char *const *lines)
{
    DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0};
    auto_strv annotations = NULL;

    STRV_FOREACH (line, lines)
        strv_addf(&annotations, "org.systemd.property.%s", *line);
    if (unit_parse_annotations(annotations, &p, NULL) < 0)
        return;
    VEC_FOREACH (x, &p.list)
        if (strlen(x->name) > 64 || (x->type == SYS_UNIT_STRING && !x->text))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = alloc_strndup((const char *)data, size);
    auto_strv lines = strv_split(text, '\n');
    size_t n = strv_len(lines), n_bits;
    char *bits = NULL;

    if (n > 0)
        check_path(lines[0]);
    if (n > 1 && unit_parse_set(lines[1], &bits, &n_bits) == 0)
        free(bits);
    if (n > 2)
        check_annotations(lines + 2);
    return 0;
}
