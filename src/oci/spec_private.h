/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Shared by spec_validate*.c only: the checks that many fields have in common. Each takes the path
 * of the field ("linux.devices[2].path") and begins its message with it. 0, or -1 with e.
 */
#include "oci/spec.h"

#define SPEC_FIELD_MAX 128 /* bytes of a path that snprintf() makes; a longer one is cut */

int spec_check_absolute(const char *path, const char *field, struct err *e);
/* One of the words, or each of the list. */
#define SPEC_CHECK_WORD(words, value, field, e)                                                    \
    spec_check_word(words, ARRAY_LEN(words), value, field, e)
#define SPEC_CHECK_WORDS(words, list, field, e)                                                    \
    spec_check_words(words, ARRAY_LEN(words), list, field, e)
int spec_check_word(const char *const *words, size_t n, const char *value, const char *field,
                    struct err *e);
int spec_check_words(const char *const *words, size_t n, char *const *list, const char *field,
                     struct err *e);
/* Unset is fine. */
int spec_check_signed(const struct json_opt_i64 *v, int64_t min, int64_t max, const char *field,
                      struct err *e);
int spec_check_unsigned(const struct json_opt_u64 *v, uint64_t max, const char *field,
                        struct err *e);
/* As in cpuset(7): "0-3,7". NULL and "" are fine. */
int spec_check_list(const char *list, const char *field, struct err *e);
int spec_check_line(const char *text, const char *field, struct err *e); /* no newline in it */
/* What the kernel takes for a network device. */
int spec_check_interface(const char *name, const char *field, struct err *e);
int spec_check_mappings(const struct oci_id_mapping *m, size_t n, const char *field, struct err *e);
int spec_check_device_number(int64_t major, int64_t minor, const char *field, struct err *e);

/* The sections, in files of these names. */
int spec_check_linux(const struct oci_spec *s, struct err *e);
int spec_check_resources(const struct oci_resources *r, struct err *e);
int spec_check_mounts(const struct oci_spec *s, struct err *e);
