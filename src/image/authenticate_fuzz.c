/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/alloc.h"
#include "image/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = alloc_strndup((const char *)data, size);
    struct auth_challenge c = {0};

    if (auth_parse_challenge(text, &c, NULL) == 0 && c.scheme == AUTH_BEARER && !c.realm)
        abort();
    auth_challenge_done(&c);
    return 0;
}
