/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* systemd's terms: names of units, and resources and annotations as properties of one. Pure. */
#include "cgroup/cgroup_private.h"
#include "sys/systemd.h"

struct unit_properties {
    VEC(struct sys_unit_property) list;
};
void unit_properties_done(struct unit_properties *p);
void unit_add_bool(struct unit_properties *p, const char *name, bool value);
void unit_add_number(struct unit_properties *p, const char *name, uint64_t value);
void unit_add_string(struct unit_properties *p, const char *name, const char *value);

/* "a-b.slice" gives "a.slice/a-b.slice", "-.slice" gives ""; owned, NULL with e. */
char *unit_expand_slice(const char *slice, struct err *e);
/* "SLICE:PREFIX:NAME", or NULL for the defaults. Owned results. */
int unit_parse_path(const char *path, const char *id, bool is_user, char **ret_slice,
                    char **ret_unit, struct err *e);
/* The annotations "org.systemd.property.X=VALUE": allow-listed, each of its type. Appends. */
int unit_parse_annotations(char *const *annotations, struct unit_properties *ret, struct err *e);
/* "0-2,7" as the bits that systemd takes: owned bytes. */
int unit_parse_set(const char *text, char **ret, size_t *ret_n);

/* unit_limits.c */
enum unit_version { UNIT_QUOTA_PERIOD = 242, UNIT_CPUSET = 244 };
unsigned unit_parse_version(const char *text); /* "v252.38-1~deb12u1": 252; 0: none */
bool unit_limits_need_version(const struct oci_resources *r);
/* What systemd knows of the limits; the rest is written to the group's files only. `now` has the
 * CPU quota and period. Appends. */
int unit_limits(const struct oci_resources *r, bool is_v1, const struct cgroup_now *now,
                unsigned version, struct unit_properties *ret, struct err *e);
/* v1: systemd writes the rules again when it reloads, so that it must know them. Appends. */
int unit_devices(const struct device_rules *rules, const char *proc_devices,
                 struct unit_properties *ret, struct err *e);
