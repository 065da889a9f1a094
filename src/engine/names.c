/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of containers: random adjective_surname, as users of docker and podman know them. */
#include <ctype.h>

#include "base/alloc.h"
#include "base/str.h"
#include "engine/engine_internal.h"
#include "sys/process.h"

#define NAME_MAX_BYTES 255

static const char *const adjectives[] = {
    "able",   "agile",  "amber",   "ardent", "bold",   "brave",  "bright",   "brisk", "calm",
    "candid", "civil",  "clever",  "coral",  "crisp",  "deft",   "eager",    "early", "fair",
    "fleet",  "fluent", "frank",   "gentle", "glad",   "golden", "grand",    "happy", "hardy",
    "jolly",  "keen",   "kind",    "lively", "loyal",  "lucid",  "merry",    "mild",  "modest",
    "neat",   "noble",  "patient", "placid", "plucky", "polite", "proud",    "quick", "quiet",
    "rapid",  "ready",  "serene",  "sharp",  "silver", "smart",  "snug",     "sober", "spry",
    "steady", "stoic",  "sturdy",  "sunny",  "swift",  "tidy",   "tranquil", "trim",  "upbeat",
    "vivid",  "warm",   "wise",
};

/* Navigators, shipwrights, and people of computing and science. */
static const char *const surnames[] = {
    "amundsen",  "anning",     "babbage",  "backus",   "barents",   "battuta",      "bering",
    "bohr",      "bonny",      "bose",     "cabot",    "cook",      "curie",        "darwin",
    "dijkstra",  "drake",      "easley",   "elcano",   "engelbart", "euler",        "faraday",
    "fibonacci", "gama",       "goldberg", "hamilton", "hanno",     "harrison",     "hedy",
    "hopper",    "hudson",     "hypatia",  "kepler",   "knuth",     "kovalevskaya", "lamport",
    "leavitt",   "lovelace",   "magellan", "majid",    "mercator",  "minsky",       "nansen",
    "newton",    "noether",    "perlman",  "polo",     "ptolemy",   "pytheas",      "ritchie",
    "ross",      "shackleton", "shannon",  "slocum",   "tasman",    "tesla",        "thompson",
    "turing",    "vespucci",   "wilkes",   "zheng",
};

bool names_is_valid(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_BYTES || !isalnum((unsigned char)name[0]))
        return false;
    for (const char *s = name; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.-", *s))
            return false;
    return true;
}

char *names_random(void)
{
    uint32_t r[3];

    if (sys_random(r, sizeof(r)) < 0)
        return NULL;
    return alloc_printf("%s_%s%u", adjectives[r[0] % ARRAY_LEN(adjectives)],
                        surnames[r[1] % ARRAY_LEN(surnames)], r[2] % 100);
}
