/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Did you mean": the candidate with the fewest edits, if they are few for the word's length. A
 * word that begins a candidate counts as one edit, since people cut words short.
 */
#include <string.h>

#include "base/str.h"
#include "command/command.h"

struct suggestion suggestion_for(const char *word)
{
    size_t len = strlen(word);
    /* One more than is allowed: 1 for three letters, 2 for up to eight, then 3. */
    unsigned limit = len <= 3 ? 2 : len <= 8 ? 3 : 4;
    return (struct suggestion){.word = word, .distance = limit};
}

/* "rnu" for "run": str_distance counts a swap of neighbours as two edits, we as one. */
static bool is_swap(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    return a[i] && b[i] && a[i + 1] == b[i] && a[i] == b[i + 1] &&
           strcmp(a + i + 2, b + i + 2) == 0;
}

void suggestion_offer(struct suggestion *s, const char *candidate)
{
    unsigned distance = is_swap(s->word, candidate) ? 1 : str_distance(s->word, candidate);
    if (distance > 1 && strlen(s->word) >= 3 && str_starts_with(candidate, s->word))
        distance = 1;
    if (distance >= s->distance)
        return;
    s->distance = distance;
    s->nearest = candidate;
}
