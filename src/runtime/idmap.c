/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mapped mount shows the files of its source with other owners: what belongs to containerID there
 * belongs to hostID here. The mapping is the mount's own, or the one of the container's user
 * namespace.
 *
 * "idmap=uids=0-1-10#10-11-10;gids=0-100-10" is crun's: triples of id in the file system, id on the
 * host, length; a list that begins with "@" counts host ids from the container's user namespace.
 */
#include "runtime/idmap.h"

#include "base/str.h"
#include "base/strv.h"

typedef VEC(struct oci_id_mapping) mapping_list;

/* What `id` of the container's user namespace is on the host, with the rule's whole length. */
static int from_container(const struct oci_id_mapping *maps, size_t n, struct oci_id_mapping *rule)
{
    for (size_t i = 0; i < n; i++) {
        const struct oci_id_mapping *m = &maps[i];

        if (rule->host_id < m->container_id || rule->host_id - m->container_id >= m->size ||
            rule->size > m->size - (rule->host_id - m->container_id))
            continue;
        rule->host_id = m->host_id + (rule->host_id - m->container_id);
        return 0;
    }
    return -1;
}

static int parse_triple(const char *text, struct oci_id_mapping *ret)
{
    auto_strv parts = strv_split(text, '-');
    uint64_t n[3];

    if (strv_len(parts) != 3)
        return -1;
    for (size_t i = 0; i < 3; i++)
        if (str_to_u64(parts[i], UINT32_MAX - 1, &n[i]) < 0)
            return -1;
    if (n[2] == 0 || n[0] + n[2] > UINT32_MAX || n[1] + n[2] > UINT32_MAX)
        return -1;
    *ret = (struct oci_id_mapping){(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2]};
    return 0;
}

static int parse_list(const char *text, const struct oci_id_mapping *container, size_t n,
                      mapping_list *ret)
{
    bool is_relative = *text == '@';
    auto_strv triples = strv_split(text + is_relative, '#');

    STRV_FOREACH (triple, triples) {
        struct oci_id_mapping rule;

        if (parse_triple(*triple, &rule) < 0 ||
            (is_relative && from_container(container, n, &rule) < 0))
            return -1;
        vec_push(ret, rule);
    }
    return ret->len > 0 ? 0 : -1;
}

static int parse(struct runtime_plan *p, const char *text, struct userns_maps *ret)
{
    const struct oci_linux *l = p->linux;
    auto_strv lists = strv_split(text, ';');
    mapping_list uids = {0}, gids = {0};
    int r = 0;

    STRV_FOREACH (list, lists) {
        if (r == 0 && str_starts_with(*list, "uids=") && uids.len == 0)
            r = parse_list(*list + 5, l->uid_mappings.items, l->uid_mappings.len, &uids);
        else if (r == 0 && str_starts_with(*list, "gids=") && gids.len == 0)
            r = parse_list(*list + 5, l->gid_mappings.items, l->gid_mappings.len, &gids);
        else
            r = -1;
    }
    vec_push(&p->owned, (void *)uids.items);
    vec_push(&p->owned, (void *)gids.items);
    *ret = (struct userns_maps){.uids = uids.items,
                                .n_uids = uids.len,
                                .gids = gids.items,
                                .n_gids = gids.len};
    return uids.len > 0 && gids.len > 0 ? r : -1;
}

int idmap_plan(struct runtime_plan *p, const struct oci_mount *m, const struct mountopt *o,
               const char *field, struct plan_source *source, struct err *e)
{
    bool has_own = m->uid_mappings.len > 0 || m->gid_mappings.len > 0;

    if (!has_own && !(o->flags & MOUNTOPT_IDMAP))
        return 0;
    source->is_mapped = true;
    source->is_mapped_recursively = o->flags & MOUNTOPT_IDMAP_RECURSIVE;
    if (o->idmap && has_own)
        return err_set(e, ERR_INVALID, "%s.options: a mapping beside uidMappings and gidMappings",
                       field);
    if (o->idmap && parse(p, o->idmap, &source->maps) < 0)
        return err_set(e, ERR_INVALID,
                       "%s.options: 'idmap=%.60s' is not uids=FROM-TO-LENGTH;gids=...", field,
                       o->idmap);
    if (has_own)
        source->maps = (struct userns_maps){.uids = m->uid_mappings.items,
                                            .n_uids = m->uid_mappings.len,
                                            .gids = m->gid_mappings.items,
                                            .n_gids = m->gid_mappings.len};
    if (!has_own && !o->idmap && !p->namespaces.has_user)
        return err_set(e, ERR_INVALID,
                       "%s.options: 'idmap' without a mapping needs a user namespace", field);
    return 0;
}
