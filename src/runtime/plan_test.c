/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/testing.h"

#include "base/str.h"
#include "base/strv.h"
#include "runtime/plan.h"
#include "runtime/rootpath.h"

#define PROCESS                                                                                    \
    "\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],\"cwd\":\"/"                    \
    "\",\"env\":[\"PATH=/bin\"]}"
#define NAMESPACES                                                                                 \
    "{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":"     \
    "\"network\"}"
#define HEAD           "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"/r\"}," PROCESS ","
#define LINUX(members) HEAD "\"linux\":{\"namespaces\":[" NAMESPACES "]" members "}}"

/* The plan's text, or NULL with the error. Decoded without validation: the plan must find it by
 * itself. */
static char *plan_text(const char *json, struct err *e)
{
    struct oci_spec spec = {0};
    struct runtime_plan *plan = NULL;
    char *text = NULL;

    if (json_decode_text(json, strlen(json), 1u << 20, &oci_spec_json, &spec, e) == 0 &&
        runtime_plan(&(struct runtime_config){.id = "x",
                                              .bundle = "/b",
                                              .spec = &spec,
                                              .rootfs = {.upper_fd = FD_NONE,
                                                         .work_fd = FD_NONE,
                                                         .mount_point_fd = FD_NONE},
                                              .stdio = {FD_NONE, FD_NONE, FD_NONE},
                                              .bundle_dirfd = FD_NONE,
                                              .etc_dirfd = FD_NONE},
                     &plan, e) == 0)
        text = runtime_plan_text(plan);
    runtime_plan_free(plan);
    oci_spec_done(&spec);
    return text;
}

static void prints_its_steps_in_order(void **state)
{
    static const char *const order[] = {
        "namespaces",        "private mounts",       "loopback",    "root directory",
        "proc on /proc",     "default devices",      "prepared",    "createContainer hooks",
        "kernel parameters", "read-only path",       "masked path", "pivot",
        "directory",         "find command",         "streams",     "ready",
        "descriptors",       "startContainer hooks", "umask",       "privileges",
        "execute",
    };
    struct err e = {0};
    auto_free char *text = plan_text(
        HEAD "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}],"
             "\"hooks\":{\"prestart\":[{\"path\":\"/h\"}],\"createContainer\":[{\"path\":\"/h\"}],"
             "\"startContainer\":[{\"path\":\"/h\"}]},"
             "\"linux\":{\"namespaces\":[" NAMESPACES "],\"sysctl\":{\"net.core.somaxconn\":\"5\"},"
             "\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"]}}",
        &e);
    const char *at = text;

    (void)state;
    if (!text)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("'%s' is not in its place in\n%s", order[i], text);
    }
}

static void refuses_before_anything_is_made(void **state)
{
    static const struct {
        const char *json;
        enum err_kind kind;
        const char *message;
    } cases[] = {
        {HEAD "\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}", ERR_UNSUPPORTED,
         "mount namespace"},
        {HEAD "\"linux\":{\"namespaces\":[" NAMESPACES ",{\"type\":\"user\"}]}}", ERR_INVALID,
         "uidMappings"},
        {HEAD "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"hostname\":\"x\"}", ERR_INVALID,
         "uts"},
        {HEAD "\"mounts\":[{\"destination\":\"/a/../"
              "b\",\"type\":\"tmpfs\"}],\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
         ERR_INVALID, "mounts[0].destination: '/a/../b' has '..' in it"},
        {HEAD "\"mounts\":[{\"destination\":\"/"
              "\",\"type\":\"tmpfs\"}],\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
         ERR_INVALID, "mounts[0].destination: a mount on '/'"},
        {HEAD "\"mounts\":[{\"destination\":\"/"
              "a\",\"type\":\"bind\",\"source\":\"rel\"}],\"linux\":{\"namespaces\":[" NAMESPACES
              "]}}",
         ERR_INVALID, "mounts[0].source: 'rel' of the bind on '/a' is not absolute"},
        {HEAD
         "\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/"
         "x\",\"options\":[\"bind\",\"size=1\",\"bund\"]}],\"linux\":{\"namespaces\":[" NAMESPACES
         "]}}",
         ERR_INVALID, "mounts[0].options: unknown mount option 'bund'"},
        {HEAD "\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"ro\",\"\"]}],"
              "\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
         ERR_INVALID, "mounts[0].options[1]: ''"},
        {LINUX(",\"rootfsPropagation\":\"odd\""), ERR_INVALID,
         "linux.rootfsPropagation: unknown value 'odd'"},
        {LINUX(",\"maskedPaths\":[\"relative\"]"), ERR_INVALID,
         "linux.maskedPaths[0]: 'relative' is not an absolute path"},
        {LINUX(",\"readonlyPaths\":[\"/a\",\"/\"]"), ERR_INVALID, "linux.readonlyPaths[1]: '/'"},
        {LINUX(",\"devices\":[{\"type\":\"x\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1}]"),
         ERR_INVALID, "linux.devices[0].type: unknown value 'x'"},
        {LINUX(",\"devices\":[{\"type\":\"c\",\"path\":\"/dev/../x\",\"major\":1,\"minor\":1}]"),
         ERR_INVALID, "linux.devices[0].path: '/dev/../x' has '..' in it"},
        {LINUX(",\"sysctl\":{\"kernel.panic\":\"1\"}"), ERR_INVALID,
         "linux.sysctl.kernel.panic: not one"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        auto_free char *text = plan_text(cases[i].json, &e);

        if (text)
            fail_msg("taken: %s", cases[i].json);
        if (!strstr(e.msg, cases[i].message))
            fail_msg("'%s' is not in '%s'", cases[i].message, e.msg);
        assert_int_equal(e.kind, cases[i].kind);
    }
}

/* Callers write empty objects for all that they know. */
static void takes_what_says_nothing(void **state)
{
#define RESOURCES(inside) LINUX(",\"resources\":{" inside "}")
    static const char *const cases[] = {
        HEAD "\"hooks\":{\"poststop\":[]},\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
        LINUX(",\"netDevices\":{}"),
        RESOURCES("\"blockIO\":{\"weight\":0,\"weightDevice\":[]}"),
        RESOURCES("\"cpu\":{\"realtimeRuntime\":-1,\"idle\":0}"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        auto_free char *text = plan_text(cases[i], &e);

        if (!text)
            fail_msg("%s: %s", cases[i], e.msg);
    }
}

static void refuses_a_resctrl_group_that_nobody_made(void **state)
{
    struct err e = {0};

    (void)state;
    assert_null(plan_text(LINUX(",\"intelRdt\":{}"), &e));
    assert_int_equal(e.kind, ERR_UNSUPPORTED);
    assert_string_equal(e.msg, "linux.intelRdt: there is no group");
}

#define MOUNT(members, linux_members)                                                              \
    HEAD "\"mounts\":[{\"destination\":\"/a\"," members                                            \
         "}],\"linux\":{\"namespaces\":[" NAMESPACES linux_members "}}"
#define BIND(options) MOUNT("\"source\":\"/x\",\"options\":[" options "]", "]")
#define USER_NAMESPACE                                                                             \
    ",{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10},"      \
    "{\"containerID\":10,\"hostID\":5000,\"size\":10}],\"gidMappings\":[{\"containerID\":0,"       \
    "\"hostID\":1000,\"size\":20}]"
#define MAPPED_BIND(options)                                                                       \
    MOUNT("\"source\":\"/x\",\"options\":[\"bind\",\"" options "\"]", USER_NAMESPACE)

/* What only a plan can know of a mount: NULL is taken, else the error. */
static void judges_mounts(void **state)
{
    static const struct {
        const char *json;
        const char *message;
    } cases[] = {
        {MOUNT("\"type\":\"tmpfs\",\"options\":[\"tmpcopyup\",\"sync\",\"size=1m\"]", "]"), NULL},
        {MOUNT("\"type\":\"devpts\",\"options\":[\"tmpcopyup\"]", "]"), "for tmpfs only"},
        {BIND("\"bind\",\"tmpcopyup\""), "mounts[0].options: 'tmpcopyup' is for tmpfs only"},
        {BIND("\"bind\",\"sync\",\"noacl\""), NULL},
        {BIND("\"ro\""), "mounts[0].type: the mount on '/a' has none"},
        {MOUNT("\"type\":\"none\",\"source\":\"x\",\"options\":[\"ro\"]", "]"), "has none"},
        {MOUNT("\"type\":\"none\",\"options\":[\"remount\",\"ro\"]", "]"), NULL},
        {BIND("\"bind\",\"idmap\""), "'idmap' without a mapping needs a user namespace"},
        {MAPPED_BIND("idmap"), NULL},
        {MAPPED_BIND("ridmap"), NULL},
        {MAPPED_BIND("idmap=uids=0-1-10#10-11-10;gids=0-100-10"), NULL},
        {MAPPED_BIND("idmap=uids=@0-1-9#@10-11-10;gids=0-100-10"), "is not uids="},
        {MAPPED_BIND("idmap=uids=@0-0-10#10-10-10;gids=@0-0-20"), NULL},
        {MAPPED_BIND("idmap=uids=@0-5-10;gids=@0-0-20"), "is not uids="}, /* over two ranges */
        {MAPPED_BIND("idmap=uids=@0-50-1;gids=@0-0-20"), "is not uids="},
        {MAPPED_BIND("idmap=uids=0-1-10"), "is not uids="},
        {MAPPED_BIND("idmap=uids=0-1;gids=0-1-1"), "is not uids="},
        {MAPPED_BIND("idmap=uids=0-1-0;gids=0-1-1"), "is not uids="},
        {MAPPED_BIND("idmap=uids=0-4294967295-1;gids=0-1-1"), "is not uids="},
        {MAPPED_BIND("idmap=uids=0-1-1;uids=0-1-1;gids=0-1-1"), "is not uids="},
        {MAPPED_BIND("idmap=x"), "mounts[0].options: 'idmap=x' is not uids="},
        {MOUNT("\"type\":\"tmpfs\",\"options\":[\"idmap\"]", USER_NAMESPACE), "only binds"},
        {"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"/\"}," PROCESS
         ",\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
         "root.path: the host's own root"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        auto_free char *text = plan_text(cases[i].json, &e);

        if (!cases[i].message != !!text)
            fail_msg("case %zu: %s: %s", i, text ? "taken" : e.msg, cases[i].json);
        if (cases[i].message && !strstr(e.msg, cases[i].message))
            fail_msg("case %zu: '%s' is not in '%s'", i, cases[i].message, e.msg);
    }
}

static void takes_a_device_whose_mode_has_its_type(void **state)
{
    struct err e = {0};
    auto_free char *text =
        plan_text(LINUX(",\"devices\":[{\"type\":\"c\",\"path\":\"/dev/fuse\",\"major\":10,"
                        "\"minor\":229,\"fileMode\":8630}]"),
                  &e);

    (void)state;
    if (!text)
        fail_msg("%s", e.msg);
    assert_non_null(strstr(text, "/dev/fuse 10:229"));
}

static void t_0811_takes_only_kernel_parameters_of_the_table(void **state)
{
    static const char *const good[] = {"kernel.msgmax", "kernel.shm_rmid_forced",
                                       "fs.mqueue.msg_max", "net.ipv4.ip_forward",
                                       "net.ipv4.conf.eth0-1.forwarding"};
    static const char *const bad[] = {
        "kernel.core_pattern",
        "kernel.shm_rmid_forced+kernel.core_pattern",
        "net/ipv4/ip_forward",
        "net..ipv4",
        "net.",
        "net.ipv4.",
        ".net.ipv4",
        "kernel.msgmax\\nkernel.x",
        "net.ipv4\\nx",
        "fs.file-max",
        "kernel.msgmax.x",
        "net.../../kernel.core_pattern",
        "",
        "kernel",
        "vm.swappiness",
        "kernel.hostname",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
        const char *name = i < ARRAY_LEN(good) ? good[i] : bad[i - ARRAY_LEN(good)];
        auto_free char *json = alloc_printf(LINUX(",\"sysctl\":{\"%s\":\"1\"}"), name);
        struct err e = {0};
        auto_free char *text = plan_text(json, &e);

        if ((text != NULL) != (i < ARRAY_LEN(good)))
            fail_msg("'%s': %s", name, text ? "taken" : e.msg);
    }
    {
        struct err e = {0};
        auto_free char *text = plan_text(HEAD "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
                                              "\"sysctl\":{\"net.core.somaxconn\":\"1\"}}}",
                                         &e);

        assert_null(text); /* of the host's network */
    }
}

static void checks_capabilities(void **state)
{
    static const struct {
        const char *caps;
        const char *message; /* NULL: fine */
    } cases[] = {
        {"\"bounding\":[\"CAP_CHOWN\"],\"permitted\":[\"CAP_CHOWN\"],\"effective\":[\"CAP_CHOWN\"]",
         NULL},
        {"\"bounding\":[\"CAP_NOPE\"],\"effective\":[\"CAP_NOPE\"]", NULL},
        {"\"effective\":[\"CAP_CHOWN\"]", "process.capabilities.effective: one is not permitted"},
        {"\"permitted\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *json =
            alloc_printf("{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"/"
                         "r\"},\"process\":{\"user\":{\"uid\":0,\"gid\":0},"
                         "\"args\":[\"sh\"],\"cwd\":\"/"
                         "\",\"capabilities\":{%s}},\"linux\":{\"namespaces\":[" NAMESPACES "]}}",
                         cases[i].caps);
        struct err e = {0};
        auto_free char *text = plan_text(json, &e);

        if (!cases[i].message && !text)
            fail_msg("%s", e.msg);
        if (cases[i].message && (text || !strstr(e.msg, cases[i].message)))
            fail_msg("'%s' is not in '%s'", cases[i].message, e.msg);
    }
}

static void cleans_paths(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"/", ""},
        {"//", ""},
        {"/a", "a"},
        {"/a//b/./c/", "a/b/c"},
        {"/..a/b..", "..a/b.."},
        {"/a/..", NULL},
        {"/../a", NULL},
        {"a", NULL},
        {"", NULL},
        {NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *got = rootpath_clean(cases[i].in, "path", NULL);

        if (!str_equal(got, cases[i].out))
            fail_msg("%s: '%s'", cases[i].in, got ? got : "refused");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_its_steps_in_order),
        cmocka_unit_test(refuses_before_anything_is_made),
        cmocka_unit_test(takes_what_says_nothing),
        cmocka_unit_test(refuses_a_resctrl_group_that_nobody_made),
        cmocka_unit_test(judges_mounts),
        cmocka_unit_test(takes_a_device_whose_mode_has_its_type),
        cmocka_unit_test(t_0811_takes_only_kernel_parameters_of_the_table),
        cmocka_unit_test(checks_capabilities),
        cmocka_unit_test(cleans_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
