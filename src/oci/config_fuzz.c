/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: config.json. What was accepted must survive its own encoding. */
#include <stdlib.h>
#include <string.h>

#include "oci/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_spec s = {0}, again = {0};
    auto_free char *text = NULL;

    if (oci_spec_parse((const char *)data, size, &s, NULL) < 0)
        return 0;
    text = json_encode_text(&oci_spec_json, &s);
    if (strlen(text) < OCI_SPEC_MAX_BYTES && oci_spec_parse(text, strlen(text), &again, NULL) < 0)
        abort();
    oci_spec_done(&s);
    oci_spec_done(&again);
    return 0;
}
