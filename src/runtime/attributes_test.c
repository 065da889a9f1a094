/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "runtime/plan.h"

#define CONFIG(process, linux)                                                                     \
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"/r\"},\"process\":{\"args\":[\"sh\"],"         \
    "\"cwd\":\"/\"" process "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]" linux "}}"

/* The plan's text (of an exec, or of the container), or NULL with the error. Decoded without
 * validation: the plan must find it by itself. */
static char *plan_text(const char *json, enum plan_kind kind, struct err *e)
{
    struct runtime_config create = RUNTIME_CONFIG_NONE;
    struct runtime_exec_config exec = {.stdio = {FD_NONE, FD_NONE, FD_NONE}};
    struct runtime_plan *plan = NULL;
    struct oci_spec spec = {0};
    char *text = NULL;

    if (json_decode_text(json, strlen(json), 1u << 20, &oci_spec_json, &spec, e) < 0)
        fail_msg("%s", e->msg);
    create.id = "x";
    create.spec = &spec;
    exec.process = spec.process;
    exec.linux = spec.linux;
    if ((kind == PLAN_EXEC ? plan_make_exec(&exec, &plan, e) : runtime_plan(&create, &plan, e)) ==
        0)
        text = runtime_plan_text(plan);
    runtime_plan_free(plan);
    oci_spec_done(&spec);
    return text;
}

static void sets_all_before_the_process_is_ready(void **state)
{
    static const char *const order[] = {"scheduler                SCHED_BATCH",
                                        "I/O priority             IOPRIO_CLASS_BE 3",
                                        "personality              LINUX32",
                                        "memory policy            MPOL_BIND 0-3,1023", "ready"};
    struct err e = {0};
    auto_free char *text = plan_text(
        CONFIG(",\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":3},\"execCPUAffinity\":{"
               "\"initial\":\"0\",\"final\":\"1\"},\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\","
               "\"priority\":3}",
               ",\"personality\":{\"domain\":\"LINUX32\"},\"memoryPolicy\":{\"mode\":\"MPOL_BIND\","
               "\"nodes\":\"0-3,1023\",\"flags\":[\"MPOL_F_STATIC_NODES\"]}"),
        PLAN_CREATE, &e);
    const char *at = text;

    (void)state;
    if (!text)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        at = strstr(at, order[i]);
        if (!at)
            fail_msg("'%s' is not in its place in\n%s", order[i], text);
    }
    assert_null(
        strstr(text, "CPU affinity")); /* "not applicable to the container's init process" */
}

static void gives_an_exec_what_is_the_containers(void **state)
{
    struct err e = {0};
    auto_free char *text =
        plan_text(CONFIG(",\"execCPUAffinity\":{\"final\":\"1\"}",
                         ",\"personality\":{\"domain\":\"LINUX\"},\"memoryPolicy\":{\"mode\":"
                         "\"MPOL_LOCAL\"}"),
                  PLAN_EXEC, &e);

    (void)state;
    if (!text)
        fail_msg("%s", e.msg);
    assert_non_null(strstr(text, "CPU affinity             1"));
    assert_non_null(strstr(text, "personality              LINUX\n"));
    assert_non_null(strstr(text, "memory policy            MPOL_LOCAL"));
}

static void refuses_by_the_field(void **state)
{
    static const struct {
        const char *json;
        const char *message;
    } cases[] = {
        {CONFIG(",\"scheduler\":{\"policy\":\"SCHED_X\"}", ""),
         "process.scheduler.policy: unknown value 'SCHED_X'"},
        {CONFIG(",\"scheduler\":{\"policy\":\"SCHED_RR\",\"flags\":[\"x\"]}", ""),
         "process.scheduler.flags: unknown value 'x'"},
        {CONFIG(",\"ioPriority\":{\"class\":\"x\",\"priority\":0}", ""),
         "process.ioPriority.class: unknown value 'x'"},
        {CONFIG(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":8}", ""),
         "process.ioPriority.priority: 8 is not within 0..7"},
        {CONFIG("", ",\"personality\":{\"domain\":\"BSD\"}"),
         "linux.personality.domain: unknown value 'BSD'"},
        {CONFIG("", ",\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"x\"]}"),
         "linux.personality.flags: unknown value 'x'"},
        {CONFIG("", ",\"memoryPolicy\":{\"mode\":\"x\"}"),
         "linux.memoryPolicy.mode: unknown value 'x'"},
        {CONFIG("", ",\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"x\"]}"),
         "linux.memoryPolicy.flags: unknown value 'x'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};

        assert_null(plan_text(cases[i].json, PLAN_CREATE, &e));
        assert_string_equal(e.msg, cases[i].message);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static void refuses_lists_that_are_none(void **state)
{
    static const char *const lists[] = {"1024",
                                        "0-1024",
                                        "3-1",
                                        "0,",
                                        ",0",
                                        "0--1",
                                        "a",
                                        "0 - 1",
                                        "-",
                                        "1-",
                                        "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        auto_free char *json =
            alloc_printf(CONFIG(",\"execCPUAffinity\":{\"initial\":\"%s\"}", ""), lists[i]);
        struct err e = {0};

        assert_null(plan_text(json, PLAN_EXEC, &e));
        assert_non_null(strstr(e.msg, "process.execCPUAffinity.initial: '"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_all_before_the_process_is_ready),
        cmocka_unit_test(gives_an_exec_what_is_the_containers),
        cmocka_unit_test(refuses_by_the_field),
        cmocka_unit_test(refuses_lists_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
