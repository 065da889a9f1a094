/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of single options of `run` and `create`: volumes, mounts, limits, devices, security. Each
 * is checked completely here, so that a typo is an error of the command line and not of a
 * half-built container.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "cli/container_options.h"
#include "sys/file.h"

#define SECCOMP_PROFILE_MAX_BYTES (1u << 20)

/* ---- volumes ---- */

/* Of each group a volume may have one. */
enum volume_group {
    VOLUME_ACCESS,
    VOLUME_LABEL,
    VOLUME_PROPAGATION,
    VOLUME_BIND,
    VOLUME_EXEC,
    VOLUME_DEV,
    VOLUME_SUID,
    VOLUME_COPY
};
static const struct {
    const char *name;
    enum volume_group group;
} volume_options[] = {
    {"rw", VOLUME_ACCESS},
    {"ro", VOLUME_ACCESS},
    {"z", VOLUME_LABEL},
    {"Z", VOLUME_LABEL},
    {"shared", VOLUME_PROPAGATION},
    {"rshared", VOLUME_PROPAGATION},
    {"slave", VOLUME_PROPAGATION},
    {"rslave", VOLUME_PROPAGATION},
    {"private", VOLUME_PROPAGATION},
    {"rprivate", VOLUME_PROPAGATION},
    {"bind", VOLUME_BIND},
    {"rbind", VOLUME_BIND},
    {"exec", VOLUME_EXEC},
    {"noexec", VOLUME_EXEC},
    {"dev", VOLUME_DEV},
    {"nodev", VOLUME_DEV},
    {"suid", VOLUME_SUID},
    {"nosuid", VOLUME_SUID},
    {"nocopy", VOLUME_COPY},
};
/* podman's, not ours yet. */
static const char *const volume_unsupported[] = {"U", "O", "idmap", "copy", "upperdir", "workdir"};

static int check_volume_option(const char *option, unsigned *seen, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(volume_options); i++) {
        if (strcmp(volume_options[i].name, option) != 0)
            continue;
        unsigned bit = 1u << volume_options[i].group;
        if (*seen & bit)
            return err_set(e, ERR_INVALID, "volume option '%s' contradicts another", option);
        *seen |= bit;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(volume_unsupported); i++) {
        size_t len = strlen(volume_unsupported[i]);
        if (strncmp(option, volume_unsupported[i], len) == 0 &&
            (option[len] == '\0' || option[len] == '='))
            return err_set(e, ERR_UNSUPPORTED, "volume option '%s' is not supported yet", option);
    }
    return err_set(e, ERR_INVALID, "unknown volume option '%s'", option);
}

static int check_volume(const struct engine_volume *v, struct err *e)
{
    unsigned seen = 0;
    if (v->source[0] == '.')
        return err_set(e, ERR_INVALID, "volume source '%s' is not an absolute path", v->source);
    if (v->source[0] != '/')
        return err_set(e, ERR_UNSUPPORTED, "named volumes are not supported yet ('%s')", v->source);
    if (v->destination[0] != '/')
        return err_set(e, ERR_INVALID, "volume destination '%s' is not an absolute path",
                       v->destination);
    if (strspn(v->destination, "/") == strlen(v->destination))
        return err_set(e, ERR_INVALID, "volume destination cannot be '/'");
    STRV_FOREACH (option, v->options) {
        if (check_volume_option(*option, &seen, e) < 0)
            return -1;
    }
    return 0;
}

void container_volume_done(struct engine_volume *v)
{
    free(v->source);
    free(v->destination);
    strv_free(v->options);
    *v = (struct engine_volume){0};
}

int container_volume_parse(const char *s, struct engine_volume *ret, struct err *e)
{
    auto_strv parts = strv_split(s, ':');
    size_t n = strv_len(parts);
    if (n == 1 && parts[0][0] == '/')
        return err_set(e, ERR_UNSUPPORTED, "anonymous volumes are not supported yet ('%s')", s);
    if (n < 2 || n > 3 || !*parts[0] || !*parts[1])
        return err_set(e, ERR_INVALID, "volume '%s' is not SOURCE:DESTINATION[:OPTIONS]", s);
    struct engine_volume v = {
        .source = alloc_strdup(parts[0]),
        .destination = alloc_strdup(parts[1]),
        .options = n == 3 ? strv_split(parts[2], ',') : NULL,
    };
    if (check_volume(&v, e) < 0) {
        container_volume_done(&v);
        return -1;
    }
    *ret = v;
    return 0;
}

/* ---- --mount ---- */

struct mount_words {
    const char *type;
    const char *source;
    const char *target;
    char **options; /* of the volume, or of the tmpfs */
};

static const char *value_of(const char *word)
{
    const char *equals = strchr(word, '=');
    return equals ? equals + 1 : NULL;
}

static bool key_is(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 && (word[len] == '\0' || word[len] == '=');
}

/* "ro", "ro=true", "readonly=false" */
static int mount_access(const char *word, struct mount_words *m, struct err *e)
{
    const char *value = value_of(word);
    bool yes = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return err_set(e, ERR_INVALID, "mount option '%s' is not true or false", word);
    bool is_rw = key_is(word, "rw");
    strv_add(&m->options, yes != is_rw ? "ro" : "rw");
    return 0;
}

static int mount_word(const char *word, struct mount_words *m, struct err *e)
{
    static const char *const access[] = {"ro", "rw", "readonly"};
    static const struct {
        const char *key;
        size_t at;
    } places[] = {
        {"type", offsetof(struct mount_words, type)},
        {"source", offsetof(struct mount_words, source)},
        {"src", offsetof(struct mount_words, source)},
        {"target", offsetof(struct mount_words, target)},
        {"destination", offsetof(struct mount_words, target)},
        {"dst", offsetof(struct mount_words, target)},
    };
    const char *value = value_of(word);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (key_is(word, places[i].key)) {
            if (!value || !*value)
                return err_set(e, ERR_INVALID, "mount option '%s' needs a value", word);
            *(const char **)((char *)m + places[i].at) = value;
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(access); i++) {
        if (key_is(word, access[i]))
            return mount_access(word, m, e);
    }
    if (key_is(word, "bind-propagation") && value)
        strv_add(&m->options, value);
    else if (key_is(word, "bind-nonrecursive") && (!value || strcmp(value, "true") == 0))
        strv_add(&m->options, "bind");
    else if (key_is(word, "tmpfs-size") && value)
        strv_addf(&m->options, "size=%s", value);
    else if (key_is(word, "tmpfs-mode") && value)
        strv_addf(&m->options, "mode=%s", value);
    else
        return err_set(e, ERR_INVALID, "unknown mount option '%s'", word);
    return 0;
}

static int add_bind(struct mount_words *m, struct engine_options *o, struct err *e)
{
    if (!m->source)
        return err_set(e, ERR_INVALID, "a bind mount needs source=");
    struct engine_volume v = {
        .source = alloc_strdup(m->source),
        .destination = alloc_strdup(m->target),
        .options = take_ptr(&m->options),
    };
    if (check_volume(&v, e) < 0) {
        container_volume_done(&v);
        return -1;
    }
    vec_push(&o->volumes, v);
    return 0;
}

static int add_tmpfs(const struct mount_words *m, struct engine_options *o, struct err *e)
{
    auto_free char *joined = strv_join(m->options, ",");
    auto_free char *text =
        m->options ? alloc_printf("%s:%s", m->target, joined) : alloc_strdup(m->target);
    if (m->source)
        return err_set(e, ERR_INVALID, "a tmpfs mount has no source");
    if (container_tmpfs_check(text, e) < 0)
        return -1;
    strv_add(&o->tmpfs, text);
    return 0;
}

int container_mount_parse(const char *s, struct engine_options *o, struct err *e)
{
    auto_strv words = strv_split(s, ',');
    struct mount_words m = {.type = "volume"};
    int r = 0;
    STRV_FOREACH (word, words) {
        r = mount_word(*word, &m, e);
        if (r < 0)
            break;
    }
    if (r == 0 && strcmp(m.type, "bind") != 0 && strcmp(m.type, "tmpfs") != 0)
        r = err_set(e, ERR_UNSUPPORTED, "mount type '%s' is not supported yet", m.type);
    if (r == 0 && !m.target)
        r = err_set(e, ERR_INVALID, "mount '%s' needs target=", s);
    if (r == 0)
        r = strcmp(m.type, "bind") == 0 ? add_bind(&m, o, e) : add_tmpfs(&m, o, e);
    strv_free(m.options);
    return r;
}

int container_tmpfs_check(const char *s, struct err *e)
{
    size_t len = strcspn(s, ":");
    if (s[0] != '/' || strspn(s, "/") >= len)
        return err_set(e, ERR_INVALID, "tmpfs '%s' is not an absolute path below '/'", s);
    return 0;
}

/* ---- words ---- */

static int entrypoint_of_array(struct json_object *array, char ***ret, struct err *e)
{
    auto_strv words = NULL;
    if (!json_object_is_type(array, json_type_array))
        return err_set(e, ERR_INVALID, "the entrypoint is no JSON array of strings");
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *word = json_object_array_get_idx(array, i);
        if (!json_object_is_type(word, json_type_string))
            return err_set(e, ERR_INVALID, "the entrypoint is no JSON array of strings");
        strv_add(&words, json_object_get_string(word));
    }
    *ret = take_ptr(&words);
    return 0;
}

int container_entrypoint_parse(const char *s, char ***ret, struct err *e)
{
    size_t len = strlen(s);
    if (s[0] == '[') {
        auto_json *array = NULL;
        if (json_parse(s, len, 128u << 10, &array, e) < 0)
            return err_wrap(e, "entrypoint");
        return entrypoint_of_array(array, ret, e);
    }
    *ret = NULL;
    if (len > 0)
        strv_add(ret, s);
    return 0;
}

/* ---- limits ---- */

static const char *const ulimit_names[] = {
    "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
    "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",    "as",
};

static int ulimit_number(const char *s, uint64_t *ret)
{
    if (strcmp(s, "-1") == 0 || strcmp(s, "unlimited") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }
    return str_to_u64(s, UINT64_MAX, ret);
}

static bool ulimit_is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ulimit_names); i++) {
        if (strcmp(ulimit_names[i], name) == 0)
            return true;
    }
    return false;
}

int container_ulimit_parse(const char *s, struct engine_ulimit *ret, struct err *e)
{
    const char *equals = strchr(s, '=');
    if (strcmp(s, "host") == 0)
        return err_set(e, ERR_UNSUPPORTED, "--ulimit host is not supported yet");
    if (!equals || equals == s)
        return err_set(e, ERR_INVALID, "ulimit '%s' is not NAME=SOFT[:HARD]", s);
    auto_free char *name = alloc_strndup(s, (size_t)(equals - s));
    auto_strv numbers = strv_split(equals + 1, ':');
    size_t n = strv_len(numbers);
    uint64_t soft = 0;
    uint64_t hard = 0;
    if (!ulimit_is_known(name))
        return err_set(e, ERR_INVALID, "unknown ulimit '%s'", name);
    if (n < 1 || n > 2 || ulimit_number(numbers[0], &soft) < 0 ||
        ulimit_number(numbers[n - 1], &hard) < 0)
        return err_set(e, ERR_INVALID, "ulimit '%s' is not NAME=SOFT[:HARD]", s);
    if (soft > hard)
        return err_set(e, ERR_INVALID, "ulimit '%s': the soft limit is above the hard limit", s);
    *ret = (struct engine_ulimit){.name = take_ptr(&name), .soft = soft, .hard = hard};
    return 0;
}

/* "1.5" without going through a double: nine digits of fraction. */
int container_cpus_parse(const char *s, int64_t *ret_nano_cpus, struct err *e)
{
    const char *dot = strchr(s, '.');
    auto_free char *whole = alloc_strndup(s, dot ? (size_t)(dot - s) : strlen(s));
    const char *fraction = dot ? dot + 1 : "";
    uint64_t cpus = 0;
    uint64_t nano = 0;
    bool is_good = (*whole || *fraction) && strlen(fraction) <= 9 &&
                   strspn(fraction, "0123456789") == strlen(fraction) &&
                   (!*whole || str_to_u64(whole, 1000000, &cpus) == 0);
    for (size_t i = 0; is_good && i < 9; i++)
        nano = nano * 10 + (uint64_t)(i < strlen(fraction) ? fraction[i] - '0' : 0);
    if (!is_good)
        return err_set(e, ERR_INVALID, "--cpus '%s' is not a number of CPUs", s);
    *ret_nano_cpus = (int64_t)(cpus * 1000000000u + nano);
    return 0;
}

/* ---- devices ---- */

static bool is_device_mode(const char *s)
{
    size_t len = strlen(s);
    if (len == 0 || len > 3 || strspn(s, "rwm") != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (strchr(s + i + 1, s[i]))
            return false;
    }
    return true;
}

int container_device_check(const char *s, struct err *e)
{
    auto_strv parts = strv_split(s, ':');
    size_t n = strv_len(parts);
    if (n > 0 && parts[0][0] != '/' && strchr(parts[0], '='))
        return err_set(e, ERR_UNSUPPORTED, "device '%s': CDI names are not supported yet", s);
    bool has_mode = n == 3 || (n == 2 && parts[1][0] != '/');
    bool has_path = n == 3 || (n == 2 && !has_mode);
    if (n < 1 || n > 3 || parts[0][0] != '/' || (has_path && parts[1][0] != '/') ||
        (has_mode && !is_device_mode(parts[n - 1])))
        return err_set(e, ERR_INVALID, "device '%s' is not HOST[:CONTAINER][:rwm]", s);
    return 0;
}

/* ---- security ---- */

static int security_seccomp(const char *value, struct engine_options *o, struct err *e)
{
    free(o->seccomp);
    o->seccomp = NULL;
    if (strcmp(value, "unconfined") == 0) {
        o->seccomp = alloc_strdup(value);
        return 0;
    }
    auto_fd int fd = sys_open(AT_FDCWD, value, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(e, fd, "open seccomp profile '%s'", value);
    size_t len;
    int r = sys_read_fd(fd, SECCOMP_PROFILE_MAX_BYTES, &o->seccomp, &len);
    if (r < 0)
        return err_sys(e, r, "read seccomp profile '%s'", value);
    auto_json *json = NULL;
    if (json_parse(o->seccomp, len, SECCOMP_PROFILE_MAX_BYTES, &json, e) < 0)
        return err_wrap(e, "seccomp profile '%s'", value);
    return 0;
}

static int security_no_new_privileges(const char *value, struct engine_options *o, struct err *e)
{
    bool yes = !*value || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0)
        return err_set(e, ERR_INVALID, "no-new-privileges '%s' is not true or false", value);
    o->no_new_privileges = yes;
    return 0;
}

/* What the word turns off is not there on our hosts' path yet: accepted, nothing else of it is. */
static int security_only(const char *key, const char *value, const char *accepted, struct err *e)
{
    if (strcmp(value, accepted) == 0)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "--security-opt %s=%s is not supported yet", key, value);
}

int container_security_opt(const char *s, struct engine_options *o, struct err *e)
{
    static const char *const unsupported[] = {"mask", "unmask", "systempaths", "proc-opts"};
    size_t len = strcspn(s, "=:");
    auto_free char *key = alloc_strndup(s, len);
    const char *value = s[len] ? s + len + 1 : "";
    if (strcmp(key, "no-new-privileges") == 0)
        return security_no_new_privileges(value, o, e);
    if (strcmp(key, "seccomp") == 0 && *value)
        return security_seccomp(value, o, e);
    if (strcmp(key, "label") == 0)
        return security_only(key, value, "disable", e);
    if (strcmp(key, "apparmor") == 0)
        return security_only(key, value, "unconfined", e);
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        if (strcmp(key, unsupported[i]) == 0)
            return err_set(e, ERR_UNSUPPORTED, "--security-opt %s is not supported yet", key);
    }
    return err_set(e, ERR_INVALID, "unknown --security-opt '%s'", s);
}
