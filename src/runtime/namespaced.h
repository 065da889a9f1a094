/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The handler that isolates by namespaces: one row of the table in runtime.c. */
#include "runtime/plan.h"

int namespaced_create(const struct runtime_plan *p, struct runtime_container *ret, struct err *e);
int namespaced_start(struct runtime_container *c, struct err *e);
int namespaced_exec(const struct runtime_exec_config *config, struct runtime_process *ret,
                    struct err *e);
