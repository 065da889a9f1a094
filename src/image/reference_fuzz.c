/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text: parse, complete, print; what was printed parses to the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = alloc_strndup((const char *)data, size);
    auto_free char *printed = NULL, *again = NULL;
    struct image_reference r = {0}, second = {0};
    struct err e = {0};

    if (image_reference_parse(text, &r, &e) < 0)
        return 0;
    image_reference_complete(&r, "docker.io");
    printed = image_reference_text(&r);
    if (strlen(printed) < 250) { /* completing may make a name too long */
        if (image_reference_parse(printed, &second, &e) < 0)
            abort();
        again = image_reference_text(&second);
        if (strcmp(again, printed) != 0)
            abort();
    }
    image_reference_done(&second);
    image_reference_done(&r);
    return 0;
}
