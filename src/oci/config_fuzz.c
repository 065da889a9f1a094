/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: config.json. What was accepted is valid, survives its own encoding, and is the same
 * text ever after; so are its parts when they are read alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "oci/spec.h"

static void check_parts(const struct oci_spec *s)
{
    auto_free char *process = json_encode_text(&oci_process_json, s->process);
    auto_strv warnings = NULL;
    struct oci_process p = {0};

    if (oci_process_parse(process, strlen(process), &p, NULL) < 0)
        abort();
    oci_process_add_warnings(&p, &warnings);
    oci_process_done(&p);
    if (s->linux && s->linux->resources) {
        auto_free char *resources = json_encode_text(&oci_resources_json, s->linux->resources);
        struct oci_resources r = {0};

        if (oci_resources_parse(resources, strlen(resources), &r, NULL) < 0)
            abort();
        oci_resources_done(&r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_spec s = {0}, again = {0};
    auto_free char *first = NULL, *second = NULL;

    if (oci_spec_parse((const char *)data, size, &s, NULL) < 0)
        return 0;
    if (oci_spec_validate(&s, NULL) < 0)
        abort();
    first = json_encode_text(&oci_spec_json, &s);
    if (strlen(first) < OCI_SPEC_MAX_BYTES) {
        if (oci_spec_parse(first, strlen(first), &again, NULL) < 0)
            abort();
        second = json_encode_text(&oci_spec_json, &again);
        if (strcmp(first, second) != 0)
            abort();
        if (s.process)
            check_parts(&s);
    }
    oci_spec_done(&s);
    oci_spec_done(&again);
    return 0;
}
