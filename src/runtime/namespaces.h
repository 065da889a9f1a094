/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a stage does in the child's place. */
#include "runtime/init.h"

/* Root of the user namespace that the caller is in, and hidden. */
int namespaces_become_root(struct err *e);
/* Joins those of the container that an exec goes to, and `more` (CLONE_NEW*); opens its root. */
int namespaces_enter(struct init *init, int more, struct err *e);
