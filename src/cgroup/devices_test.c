/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cgroup/cgroup_private.h"

static const struct oci_device_rule deny_all = {.allow = false, .access = (char *)"rwm"};

static struct oci_device_rule rule(bool allow, const char *type, int64_t major, int64_t minor,
                                   const char *access)
{
    return (struct oci_device_rule){.allow = allow,
                                    .type = (char *)type,
                                    .major = {true, major},
                                    .minor = {true, minor},
                                    .access = (char *)access};
}

/* What the kernel does with the program; the instructions are those that the compiler emits. */
static int run_program(const struct bpf_insn *p, size_t n, char type, unsigned access,
                       uint32_t major, uint32_t minor)
{
    struct bpf_cgroup_dev_ctx ctx = {access << 16 |
                                         (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                                     major, minor};
    uint64_t reg[6] = {0};

    for (size_t pc = 0; pc < n; pc++) {
        const struct bpf_insn *i = &p[pc];
        uint32_t word;

        switch (i->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            memcpy(&word, (const char *)&ctx + i->off, 4);
            reg[i->dst_reg] = word;
            break;
        case BPF_ALU | BPF_MOV | BPF_X:
            reg[i->dst_reg] = (uint32_t)reg[i->src_reg];
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] & (uint32_t)i->imm;
            break;
        case BPF_ALU | BPF_RSH | BPF_K:
            reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] >> i->imm;
            break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            reg[i->dst_reg] = (uint64_t)(int64_t)i->imm;
            break;
        case BPF_JMP | BPF_JNE | BPF_K:
            if (reg[i->dst_reg] != (uint64_t)(int64_t)i->imm)
                pc += (size_t)i->off;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            if (reg[i->dst_reg] == (uint64_t)(int64_t)i->imm)
                pc += (size_t)i->off;
            break;
        case BPF_JMP | BPF_EXIT:
            return (int)reg[0];
        default:
            fail_msg("instruction %zu: code %#x", pc, i->code);
        }
    }
    fail_msg("the program does not end");
    return -1;
}

#define R BPF_DEVCG_ACC_READ
#define W BPF_DEVCG_ACC_WRITE
#define M BPF_DEVCG_ACC_MKNOD

static void the_last_device_rule_decides(void **state)
{
    const struct {
        struct oci_device_rule rules[3];
        char type;
        unsigned access, major, minor;
        int want;
    } rows[] = {
        {{deny_all}, 'c', R | W, 1, 3, 1},
        {{deny_all}, 'c', R | W, 136, 77, 1},
        {{deny_all}, 'c', R, 1, 1, 0}, /* /dev/mem */
        {{deny_all}, 'b', R, 8, 0, 0},
        {{deny_all}, 'b', M, 8, 0, 1},
        {{deny_all}, 'b', M | R, 8, 0, 0},
        {{deny_all, rule(true, "b", 8, -1, "r")}, 'b', R, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "r")}, 'b', R | W, 8, 5, 0},
        {{deny_all, rule(true, "b", 8, -1, "r"), rule(true, "b", 8, 5, "w")}, 'b', R | W, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "rw"), rule(false, "b", 8, 5, "w")}, 'b', R, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "rw"), rule(false, "b", 8, 5, "w")},
         'b',
         R | W,
         8,
         5,
         0},
        {{deny_all, rule(true, "c", 10, 229, NULL)}, 'c', R | W | M, 10, 229, 1},
        {{deny_all, rule(true, "c", 10, 229, NULL)}, 'b', R, 10, 229, 0},
        {{deny_all, rule(true, "a", 10, 229, "r")}, 'b', R, 10, 229, 1},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw")}, 'b', W, 8, 1, 1},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw")}, 'b', W, 8, 0, 0},
        {{rule(true, "a", -1, -1, "rwm"), deny_all}, 'b', W, 8, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_resources r = {0};
        DHOW_CLEANUP(device_rules_done) struct device_rules d = {0};
        auto_free struct bpf_insn *program = NULL;
        size_t n;

        for (size_t k = 0; k < 3 && (k == 0 || rows[i].rules[k].access || rows[i].rules[k].type);
             k++)
            vec_push(&r.devices, rows[i].rules[k]);
        device_rules_make(&r, 0, &d);
        vec_done(&r.devices);
        assert_false(d.allows_all);
        program = device_rules_program(&d, &n);
        if (run_program(program, n, rows[i].type, rows[i].access, rows[i].major, rows[i].minor) !=
            rows[i].want)
            fail_msg("row %zu", i);
    }
}

static void device_rules_have_a_text(void **state)
{
    static const struct {
        struct device_rule rule;
        const char *text;
    } rows[] = {{{'c', true, 1, 3, R | W | M}, "c 1:3 rwm"},
                {{'b', true, -1, -1, M}, "b *:* m"},
                {{'c', false, 136, -1, R | W}, "c 136:* rw"}};
    struct oci_device_rule everything = {.allow = true};
    struct oci_resources r = {.devices = {&everything, 1, 1}};
    struct device_rules d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text = device_rule_text(&rows[i].rule);

        assert_string_equal(text, rows[i].text);
    }
    device_rules_make(&r, 0, &d);
    assert_true(d.allows_all);
    device_rules_done(&d);
    device_rules_make(NULL, 0, &d);
    assert_false(d.allows_all);
    assert_true(d.list.len > 5);
    device_rules_done(&d);
}

/* What v1 is told: a default and exceptions. */
static void rules_become_exceptions(void **state)
{
    const struct {
        struct oci_device_rule rules[4];
        const char *want; /* the first exceptions behind "allow:" or "deny:" */
    } rows[] = {
        {{deny_all}, "deny: c *:* m, b *:* m, c 1:3 rwm"},
        {{deny_all, rule(true, "b", 8, -1, "r")}, "deny: b 8:* r, c *:* m"},
        {{deny_all, rule(true, "b", 8, 5, "r"), rule(true, "b", 8, 5, "w")},
         "deny: b 8:5 rw, c *:* m"},
        {{deny_all, rule(true, "b", 8, 5, "rw"), rule(false, "b", 8, 5, "w")},
         "deny: b 8:5 r, c *:* m"},
        {{deny_all, rule(true, "b", 8, 5, "rw"), rule(false, "b", 8, -1, NULL)},
         "deny: c *:* m, b *:* m"},
        {{deny_all, rule(true, "b", 8, -1, "rw"), rule(false, "b", 8, 5, "w")},
         "device rule 'b 8:5 w' is not supported by devices cgroupv1 (cannot punch hole in "
         "existing wildcard rule 'b 8:* rw')"},
        {{deny_all, rule(true, "b", 8, -1, "r"), rule(false, "b", 8, 5, "w")},
         "deny: b 8:* r, c *:* m"},
        {{rule(true, "a", -1, -1, "rwm")}, "allow:"},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw")}, "allow: b 8:0 rw"},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw"),
          rule(true, "b", -1, -1, "w")},
         "allow: b 8:0 r"},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, -1, "rw"),
          rule(true, "b", 8, 1, "w")},
         "device rule 'b 8:1 w' is not supported"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_resources r = {0};
        DHOW_CLEANUP(device_rules_done) struct device_rules d = {0};
        DHOW_CLEANUP(device_state_done) struct device_state s = {0};
        auto_str text = STR_INIT(4096);
        struct err e = {0};

        for (size_t k = 0; k < 4 && (k == 0 || rows[i].rules[k].access || rows[i].rules[k].type);
             k++)
            vec_push(&r.devices, rows[i].rules[k]);
        device_rules_make(&r, 0, &d);
        vec_done(&r.devices);
        if (device_state_of(&d, &s, &e) < 0) {
            str_add(&text, e.msg);
        } else {
            str_add(&text, s.is_allowed ? "allow:" : "deny:");
            VEC_FOREACH (x, &s.exceptions) {
                auto_free char *one = device_rule_text(x);

                str_addf(&text, "%s %s", x == s.exceptions.items ? "" : ",", one);
            }
        }
        if (!str_starts_with(str_text(&text), rows[i].want))
            fail_msg("row %zu: '%s'", i, str_text(&text));
    }
}

static void the_kernels_list_is_read(void **state)
{
    static const struct {
        const char *text;
        bool is_allowed;
        size_t n;
    } rows[] = {{"a *:* rwm\n", true, 0},
                {"c *:* m\nb 8:* rw\nc 136:7 rwm\n", false, 3},
                {"", false, 0},
                {"x\nc\nc 1\nc 1:\nc 1:3\nc a:3 r\nd 1:3 r\n", false, 0}};
    DHOW_CLEANUP(device_state_done) struct device_state s = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        device_state_done(&s);
        device_state_parse(rows[i].text, &s);
        if (s.is_allowed != rows[i].is_allowed || s.exceptions.len != rows[i].n)
            fail_msg("row %zu: %zu exceptions", i, s.exceptions.len);
    }
    device_state_done(&s);
    device_state_parse(rows[1].text, &s);
    assert_int_equal(device_state_access(&s, &(struct device_rule){'b', true, 8, -1, 0}), R | W);
    assert_int_equal(device_state_access(&s, &(struct device_rule){'b', true, 8, 0, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_device_rule_decides),
        cmocka_unit_test(device_rules_have_a_text),
        cmocka_unit_test(rules_become_exceptions),
        cmocka_unit_test(the_kernels_list_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
