/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: manifests, indexes and image configurations. No text is a manifest and an index. */
#include <stdlib.h>

#include "oci/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct oci_manifest m = {0};
    struct oci_index index = {0};
    struct oci_image_config c = {0};
    bool is_manifest = oci_manifest_parse(text, size, &m, NULL) == 0;
    bool is_index = oci_index_parse(text, size, &index, NULL) == 0;

    if (is_manifest && is_index)
        abort();
    (void)oci_image_config_parse(text, size, &c, NULL);
    (void)oci_index_select(&index, NULL);
    (void)oci_index_select(&index, "linux/arm/v7");
    oci_manifest_done(&m);
    oci_index_done(&index);
    oci_image_config_done(&c);
    return 0;
}
