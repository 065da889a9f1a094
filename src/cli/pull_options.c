/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of fetching an image, and what they mean.
 */
#include <string.h>

#include "base/alloc.h"
#include "cli/pull.h"
#include "oci/image.h"

#define AT(field) offsetof(struct pull_flags, field)

const struct option pull_option_rows[] = {
    {"quiet", 'q', OPT_BOOL, AT(quiet), NULL, "Show no progress while the image is pulled"},
    {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH[/VARIANT]",
     "Platform of the image that is pulled"},
    {"arch", 0, OPT_STRING, AT(arch), "ARCH", "Architecture of the image that is pulled"},
    {"os", 0, OPT_STRING, AT(os), "OS", "Operating system of the image that is pulled"},
    {"variant", 0, OPT_STRING, AT(variant), "VARIANT", "CPU variant of the image that is pulled"},
    {"creds", 0, OPT_STRING, AT(creds), "USER:PASSWORD", "Credentials for the registry"},
    {"cert-dir", 0, OPT_STRING, AT(cert_dir), "DIR", "Directory with certificates for the registry",
     COMPLETE_DIR},
    {"tls-verify", 0, OPT_BOOL, AT(tls_verify), NULL,
     "Require https and verify the registry's certificate", COMPLETE_NONE, NULL, NULL, "true"},
    {NULL},
};

const struct option pull_unsupported_rows[] = {
    {"authfile", 0, OPT_UNSUPPORTED},
    {"decryption-key", 0, OPT_UNSUPPORTED},
    {"disable-content-trust", 0, OPT_UNSUPPORTED_BOOL},
    {"retry", 0, OPT_UNSUPPORTED},
    {"retry-delay", 0, OPT_UNSUPPORTED},
    {"signature-policy", 0, OPT_UNSUPPORTED},
    {NULL},
};

int pull_platform(const struct pull_flags *f, char **ret, struct err *e)
{
    bool has_parts = f->arch || f->os || f->variant;
    if (f->platform && has_parts)
        return err_set(e, ERR_INVALID, "--platform excludes --arch, --os and --variant");
    if (f->platform && !strchr(f->platform, '/'))
        return err_set(e, ERR_INVALID, "platform '%s' is not OS/ARCH[/VARIANT]", f->platform);
    *ret = NULL;
    if (f->platform)
        *ret = alloc_strdup(f->platform);
    else if (has_parts)
        *ret = alloc_printf("%s/%s%s%s", f->os ? f->os : "linux",
                            f->arch ? f->arch : oci_host_architecture(), f->variant ? "/" : "",
                            f->variant ? f->variant : "");
    return 0;
}

int pull_creds(const char *creds, char **ret_user, char **ret_password, struct err *e)
{
    const char *colon = strchr(creds, ':');
    if (!colon || colon == creds)
        return err_set(e, ERR_INVALID, "--creds is not USER:PASSWORD");
    *ret_user = alloc_strndup(creds, (size_t)(colon - creds));
    *ret_password = alloc_strdup(colon + 1);
    return 0;
}
