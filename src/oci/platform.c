/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: an index entry fits a platform when system and architecture are equal and its variant is
 * one that the wanted processor can run: levels are numbers (amd64 v1..v4, arm v5..v8, arm64 v8..),
 * higher is better, above the wanted level is unusable. An entry without a variant is the lowest
 * of its architecture, but v7 for arm and v8 for arm64 (image-spec, "platform variants").
 * Attestation manifests are no images: BuildKit marks them as platform unknown/unknown and by an
 * annotation; they are never chosen.
 *
 * The processor's level is asked by the CPUID instruction only when an index has a variant:
 * __builtin_cpu_supports() would run it at every start of the program, and it traps in a virtual
 * machine.
 */
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/image.h"

#if defined(__x86_64__)
#include <cpuid.h>
#define HOST_ARCH "amd64"
#elif defined(__aarch64__)
#define HOST_ARCH "arm64"
#elif defined(__i386__)
#define HOST_ARCH "386"
#elif defined(__arm__)
#define HOST_ARCH "arm"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_ARCH "ppc64le"
#elif defined(__s390x__)
#define HOST_ARCH "s390x"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_ARCH "riscv64"
#else
#error "name this architecture as Go's GOARCH does"
#endif

/* What others call an architecture. */
static const struct {
    const char *alias;
    const char *arch;
    const char *variant;
} aliases[] = {
    {"x86_64", "amd64", ""}, {"x86-64", "amd64", ""}, {"aarch64", "arm64", ""}, {"i386", "386", ""},
    {"i686", "386", ""},     {"armhf", "arm", "v7"},  {"armel", "arm", "v6"},
};

static const struct {
    const char *arch;
    int default_level; /* of an entry without a variant */
} leveled[] = {{"amd64", 1}, {"arm", 7}, {"arm64", 8}};

struct wanted {
    char *os;
    char *arch;
    char *variant; /* "" when the architecture has no levels */
    int level;     /* 0: the architecture has no levels */
};

static void wanted_done(struct wanted *w)
{
    free(w->os);
    free(w->arch);
    free(w->variant);
}

const char *oci_host_architecture(void)
{
    return HOST_ARCH;
}

const char *oci_host_variant(void)
{
#if defined(__arm__) && __ARM_ARCH >= 8
    return "v8";
#elif defined(__arm__) && __ARM_ARCH == 7
    return "v7";
#elif defined(__arm__) && __ARM_ARCH == 6
    return "v6";
#elif defined(__arm__)
    return "v5";
#else
    return "";
#endif
}

#if defined(__x86_64__)
/* The levels of the x86-64 psABI, section 3.1.1. */
#define V2_LEAF1_ECX  0x00982201u /* SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT */
#define V3_LEAF1_ECX  0x38401000u /* FMA MOVBE OSXSAVE AVX F16C */
#define V3_LEAF7_EBX  0x00000128u /* BMI1 AVX2 BMI2 */
#define V4_LEAF7_EBX  0xd0030000u /* AVX512 F DQ CD BW VL */
#define V2_LEAF81_ECX 0x00000001u /* LAHF */
#define V3_LEAF81_ECX 0x00000020u /* LZCNT */

static uint64_t enabled_state(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int host_level(void)
{
    unsigned a, b, c = 0, d, ecx1 = 0, ebx7 = 0, ecx81 = 0;

    if (!__get_cpuid(1, &a, &b, &ecx1, &d) || !__get_cpuid(0x80000001, &a, &b, &ecx81, &d))
        return 1;
    if ((ecx1 & V2_LEAF1_ECX) != V2_LEAF1_ECX || !(ecx81 & V2_LEAF81_ECX))
        return 1;
    if (!__get_cpuid_count(7, 0, &a, &ebx7, &c, &d) || (ecx1 & V3_LEAF1_ECX) != V3_LEAF1_ECX ||
        (ebx7 & V3_LEAF7_EBX) != V3_LEAF7_EBX || !(ecx81 & V3_LEAF81_ECX) ||
        (enabled_state() & 0x6) != 0x6)
        return 2;
    if ((ebx7 & V4_LEAF7_EBX) != V4_LEAF7_EBX || (enabled_state() & 0xe6) != 0xe6)
        return 3;
    return 4;
}
#elif defined(__arm__)
static int host_level(void)
{
    return MAX(5, MIN(__ARM_ARCH, 8));
}
#elif defined(__aarch64__)
static int host_level(void)
{
    return 8;
}
#else
static int host_level(void)
{
    return 0;
}
#endif

static int default_level(const char *arch)
{
    for (size_t i = 0; i < ARRAY_LEN(leveled); i++)
        if (strcmp(leveled[i].arch, arch) == 0)
            return leveled[i].default_level;
    return 0;
}

/* "v8" is 8, "8" too (old images), "" the architecture's default; -1 is none that we understand. */
static int level_of(const char *arch, const char *variant)
{
    uint64_t n;

    if (!variant || !*variant)
        return default_level(arch);
    if (*variant == 'v')
        variant++;
    return str_to_u64(variant, 99, &n) == 0 ? (int)n : -1;
}

static const char *normal_arch(const char *arch, const char **ret_variant)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (strcmp(aliases[i].alias, arch) == 0) {
            *ret_variant = aliases[i].variant;
            return aliases[i].arch;
        }
    }
    *ret_variant = "";
    return arch;
}

/* "os/arch[/variant]", or NULL for the host. */
static bool parse_wanted(const char *platform, struct wanted *ret)
{
    auto_strv parts = strv_split(platform ? platform : "linux/" HOST_ARCH, '/');
    size_t n = strv_len(parts);
    const char *variant;

    if (n < 2 || n > 3 || !*parts[0] || !*parts[1])
        return false;
    ret->os = alloc_strdup(parts[0]);
    ret->arch = alloc_strdup(normal_arch(parts[1], &variant));
    ret->variant = alloc_strdup(n == 3 ? parts[2] : variant);
    ret->level = default_level(ret->arch);
    if (ret->level && *ret->variant)
        ret->level = level_of(ret->arch, ret->variant);
    else if (ret->level && strcmp(ret->arch, HOST_ARCH) == 0)
        ret->level = host_level();
    return true;
}

static bool is_attestation(const struct oci_descriptor *d)
{
    const struct oci_platform *p = d->platform;

    if (str_equal(strv_env_get(d->annotations, "vnd.docker.reference.type"),
                  "attestation-manifest"))
        return true;
    return p && (str_equal(p->os, "unknown") || str_equal(p->architecture, "unknown"));
}

/* 0: does not fit; higher is better. */
static int fitness(const struct wanted *w, const struct oci_platform *p)
{
    const char *variant, *arch;
    int level;

    if (!p->os || !p->architecture || strcmp(p->os, w->os) != 0)
        return 0;
    arch = normal_arch(p->architecture, &variant);
    if (strcmp(arch, w->arch) != 0)
        return 0;
    if (p->variant && *p->variant)
        variant = p->variant;
    if (w->level == 0)
        return strcmp(w->variant, variant) == 0 ? 1 : 0;
    level = level_of(arch, variant);
    return level > 0 && level <= w->level ? level : 0;
}

const struct oci_descriptor *oci_index_select(const struct oci_index *index, const char *platform)
{
    DHOW_CLEANUP(wanted_done) struct wanted w = {0};
    const struct oci_descriptor *best = NULL, *unnamed = NULL;
    int best_fitness = 0;
    size_t n = 0;

    if (!parse_wanted(platform, &w))
        return NULL;
    VEC_FOREACH (d, &index->manifests) {
        int f;

        if (is_attestation(d))
            continue;
        n++;
        if (!d->platform) {
            unnamed = d;
            continue;
        }
        f = fitness(&w, d->platform);
        if (f > best_fitness) {
            best = d;
            best_fitness = f;
        }
    }
    /* An index of one image that says no platform: its configuration will. */
    return best || n != 1 ? best : unnamed;
}
