/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/digest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* OpenSSL fails here only when memory is out, and small allocations abort. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

void digest_init(struct digest *d)
{
    d->ctx = EVP_MD_CTX_new();
    must(d->ctx != NULL);
    must(EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL));
}

void digest_add(struct digest *d, const void *p, size_t n)
{
    must(EVP_DigestUpdate(d->ctx, p, n));
}

void digest_finish(struct digest *d, char ret[static DIGEST_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *out = ret + strlen("sha256:");

    must(EVP_DigestFinal_ex(d->ctx, sum, &n));
    memcpy(ret, "sha256:", strlen("sha256:"));
    for (unsigned i = 0; i < 32; i++) {
        *out++ = hex[sum[i] >> 4];
        *out++ = hex[sum[i] & 15];
    }
    *out = 0;
    digest_done(d);
}

void digest_done(struct digest *d)
{
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
}

void digest_text_of(const void *p, size_t n, char ret[static DIGEST_TEXT_SIZE])
{
    struct digest d;

    digest_init(&d);
    digest_add(&d, p, n);
    digest_finish(&d, ret);
}
