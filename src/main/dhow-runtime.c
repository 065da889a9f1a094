/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime_cli/runtime_cli.h"

int main(int argc, char **argv)
{
    return runtime_cli_main(argc, argv);
}
