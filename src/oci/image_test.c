/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/image.h"

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker.distribution."
#define DESC(type, digest, size)                                                                   \
    "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define CONFIG DESC(OCI "config.v1+json", DIGEST, "10")
#define LAYER  DESC(OCI "layer.v1.tar+gzip", DIGEST, "20")
#define MANIFEST(config, layers)                                                                   \
    "{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"
#define IMAGE_CONFIG(diff_ids) "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" diff_ids "]}}"

static void T_3727_only_exact_sha256_digests_are_valid(void **state)
{
    static const char *const bad[] = {
        "",
        "sha256:",
        HEX,
        "sha256:../../x",
        "sha256:../../../../../../../../../../../../../../../../../../../../../etc/pass",
        "sha512:" HEX,
        "sha512:" HEX HEX,
        "md5:" HEX,
        "SHA256:" HEX,
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        DIGEST "0",
        DIGEST "/",
        DIGEST "\n",
        " " DIGEST,
        "sha256+b64:" HEX,
    };

    (void)state;
    assert_true(oci_digest_is_valid(DIGEST));
    assert_string_equal(oci_digest_hex(DIGEST), HEX);
    assert_false(oci_digest_is_valid(NULL));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (oci_digest_is_valid(bad[i]))
            fail_msg("accepted '%s'", bad[i]);
}

static void T_3727_a_text_has_one_kind(void **state)
{
    static const struct {
        const char *text;
        const char *media_type;
        int kind; /* -1: refused with error */
        enum err_kind error;
    } rows[] = {
        {MANIFEST(CONFIG, ""), NULL, OCI_KIND_MANIFEST, 0},
        {MANIFEST(CONFIG, ""), OCI "manifest.v1+json", OCI_KIND_MANIFEST, 0},
        {MANIFEST(CONFIG, ""), DOCKER "manifest.v2+json; charset=utf-8", OCI_KIND_MANIFEST, 0},
        {MANIFEST(CONFIG, ""), "application/json", OCI_KIND_MANIFEST, 0},
        {MANIFEST(CONFIG, ""), OCI "index.v1+json", -1, ERR_INVALID},
        {MANIFEST(CONFIG, ""), DOCKER "manifest.list.v2+json", -1, ERR_INVALID},
        {MANIFEST(CONFIG, ""), "text/html", -1, ERR_UNSUPPORTED},
        {MANIFEST(CONFIG, ""), OCI "manifest.v1+jsonx", -1, ERR_UNSUPPORTED},
        {"{\"schemaVersion\":2,\"manifests\":[]}", NULL, OCI_KIND_INDEX, 0},
        {"{\"schemaVersion\":2,\"manifests\":[]}", OCI "manifest.v1+json", -1, ERR_INVALID},
        {"{\"schemaVersion\":2,\"mediaType\":\"" OCI "manifest.v1+json\",\"manifests\":[]}", NULL,
         -1, ERR_INVALID},
        {"{\"schemaVersion\":2,\"mediaType\":\"" OCI "index.v1+json\",\"config\":{}}", NULL, -1,
         ERR_INVALID},
        {"{\"schemaVersion\":2,\"mediaType\":7,\"manifests\":[]}", NULL, -1, ERR_INVALID},
        {"{\"schemaVersion\":2,\"manifests\":[],\"config\":" CONFIG ",\"layers\":[]}", NULL, -1,
         ERR_INVALID},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", OCI "index.v1+json", -1,
         ERR_INVALID},
        {"{\"schemaVersion\":2}", NULL, -1, ERR_INVALID},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, -1, ERR_UNSUPPORTED},
        {"{\"schemaVersion\":1,\"config\":{}}", NULL, -1, ERR_UNSUPPORTED},
        {"{\"schemaVersion\":2,\"fsLayers\":[],\"config\":{}}", NULL, -1, ERR_UNSUPPORTED},
        {"{\"schemaVersion\":3,\"config\":{}}", NULL, -1, ERR_INVALID},
        {"{\"config\":{}}", NULL, -1, ERR_INVALID},
        {"[1]", NULL, -1, ERR_INVALID},
        {"{", NULL, -1, ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum oci_manifest_kind kind;
        struct err e = {0};
        int r =
            oci_manifest_kind_of(rows[i].text, strlen(rows[i].text), rows[i].media_type, &kind, &e);

        if (rows[i].kind < 0 ? r == 0 || e.kind != rows[i].error
                             : r < 0 || (int)kind != rows[i].kind)
            fail_msg("%s (%s): %d, %s", rows[i].text, rows[i].media_type, r, e.msg);
    }
}

static void a_manifest_is_read(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI "manifest.v1+json\",\"config\":" CONFIG
        ",\"layers\":[" LAYER "," LAYER "],\"annotations\":{\"k\":\"v\"}}";
    DHOW_CLEANUP(oci_manifest_done) struct oci_manifest m = {0};

    (void)state;
    assert_int_equal(oci_manifest_parse(text, strlen(text), &m, NULL), 0);
    assert_int_equal(m.layers.len, 2);
    assert_int_equal(m.layers.items[1].size, 20);
    assert_string_equal(m.config.digest, DIGEST);
    assert_string_equal(m.annotations[0], "k=v");
}

static void T_3727_hostile_manifests_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {
        {MANIFEST(DESC(OCI "config.v1+json", "sha256:../../x", "1"), ""), ERR_INVALID},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", "sha256:../../x", "1")), ERR_INVALID},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", "sha512:" HEX, "1")), ERR_INVALID},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", DIGEST, "-1")), ERR_INVALID},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", DIGEST, "1.5")), ERR_INVALID},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", DIGEST, "9223372036854775807")), ERR_LIMIT},
        {MANIFEST(CONFIG, DESC(OCI "layer.v1.tar", DIGEST, "92233720368547758070")), ERR_INVALID},
        {MANIFEST(DESC(OCI "config.v1+json", DIGEST, "8388609"), ""), ERR_LIMIT},
        {MANIFEST(DESC("application/vnd.cncf.helm.config.v1+json", DIGEST, "1"), ""),
         ERR_UNSUPPORTED},
        {MANIFEST("null", ""), ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":" CONFIG "}", ERR_INVALID},
        {"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":{}}", ERR_INVALID},
        {"{\"schemaVersion\":2,\"manifests\":[]}", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_manifest m = {0};
        struct err e = {0};

        if (oci_manifest_parse(rows[i].text, strlen(rows[i].text), &m, &e) == 0 ||
            e.kind != rows[i].kind)
            fail_msg("%s: %s '%s'", rows[i].text, err_kind_name(e.kind), e.msg);
        assert_null(m.layers.items);
    }
}

/* Builds "PREFIX item,item,... SUFFIX". */
static char *repeat(const char *prefix, const char *item, int n, const char *suffix)
{
    struct str s = STR_INIT(4 << 20);

    str_add(&s, prefix);
    for (int i = 0; i < n; i++) {
        if (i)
            str_add(&s, ",");
        str_add(&s, item);
    }
    str_add(&s, suffix);
    return str_take(&s);
}

static void counts_are_bounded(void **state)
{
    for (int extra = 0; extra < 2; extra++) {
        auto_free char *layers = repeat("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[",
                                        LAYER, 500 + extra, "]}");
        auto_free char *entries =
            repeat("{\"schemaVersion\":2,\"manifests\":[",
                   DESC(OCI "manifest.v1+json", DIGEST, "5"), 1024 + extra, "]}");
        auto_free char *ids = repeat("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                                     "\"" DIGEST "\"", 500 + extra, "]}}");
        struct oci_manifest m = {0};
        struct oci_index index = {0};
        struct oci_image_config c = {0};

        (void)state;
        assert_int_equal(oci_manifest_parse(layers, strlen(layers), &m, NULL), -extra);
        assert_int_equal(oci_index_parse(entries, strlen(entries), &index, NULL), -extra);
        assert_int_equal(oci_image_config_parse(ids, strlen(ids), &c, NULL), -extra);
        oci_manifest_done(&m);
        oci_index_done(&index);
        oci_image_config_done(&c);
    }
}

/* A million strings: quadratic work would run into the test's time limit. */
static void a_long_list_costs_its_length(void **state)
{
    auto_free char *text =
        repeat("{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":[", "\"\"", 1000000, "]}}");
    DHOW_CLEANUP(oci_image_config_done) struct oci_image_config c = {0};

    (void)state;
    assert_int_equal(oci_image_config_parse(text, strlen(text), &c, NULL), 0);
    assert_int_equal(strv_len(c.config.env), 1000000);
    strv_add(&c.config.env, "A=1"); /* the vector grows on as any other */
    assert_string_equal(c.config.env[1000000], "A=1");
}

static void a_docker_configuration_is_read(void **state)
{
    static const char text[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-01T00:00:00Z\","
        "\"container_config\":{\"Cmd\":[\"ignored\"]},\"config\":{\"Hostname\":\"\",\"User\":\"app:"
        "app\","
        "\"Env\":[\"PATH=/bin\"],\"Cmd\":[\"sh\"],\"Entrypoint\":null,\"Volumes\":{\"/data\":{}},"
        "\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"a\":\"b\"},\"WorkingDir\":\"/w\","
        "\"OnBuild\":null,\"StopSignal\":\"SIGQUIT\"},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
        "[\"" DIGEST "\"]},\"history\":[{\"created_by\":\"x\",\"empty_layer\":true}]}";
    DHOW_CLEANUP(oci_image_config_done) struct oci_image_config c = {0};

    (void)state;
    assert_int_equal(oci_image_config_parse(text, strlen(text), &c, NULL), 0);
    assert_string_equal(c.config.user, "app:app");
    assert_null(c.config.entrypoint);
    assert_string_equal(c.config.cmd[0], "sh");
    assert_int_equal(json_object_object_length(c.config.volumes), 1);
    assert_string_equal(c.config.labels[0], "a=b");
    assert_string_equal(c.rootfs.diff_ids[0], DIGEST);
    assert_true(c.history.items[0].empty_layer);
}

static void T_3727_hostile_configurations_are_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../x\"]}}",
        IMAGE_CONFIG("\"" DIGEST "\",\"x\""),
        "{\"rootfs\":{\"type\":\"baselayer\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":\"A=1\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":[1]}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Volumes\":[]}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"ExposedPorts\":\"80\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"User\":\"a\\u0000b\"}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_image_config c = {0};

        if (oci_image_config_parse(rows[i], strlen(rows[i]), &c, NULL) == 0)
            fail_msg("accepted %s", rows[i]);
    }
}

/* "os/arch/variant" entries, "-" for none; the answer is an index or -1. */
static void the_fitting_platform_is_selected(void **state)
{
    static const struct {
        const char *wanted;
        const char *entries[6];
        int answer;
    } rows[] = {
        {"linux/amd64", {"linux/arm64/v8", "linux/amd64/", "windows/amd64/"}, 1},
        {"linux/amd64", {"windows/amd64/", "linux/386/"}, -1},
        {"linux/x86_64", {"linux/arm64/", "linux/amd64/"}, 1},
        {"linux/amd64/v2", {"linux/amd64/", "linux/amd64/v2", "linux/amd64/v3"}, 1},
        {"linux/amd64/v1", {"linux/amd64/v2", "linux/amd64/v3"}, -1},
        {"linux/amd64/v4", {"linux/amd64/v3", "linux/amd64/v2"}, 0},
        {"linux/amd64/v4", {"linux/amd64/weird", "linux/amd64/"}, 1},
        {"linux/arm/v7", {"linux/arm/v5", "linux/arm/v8", "linux/arm/v6"}, 2},
        {"linux/arm/v7", {"linux/arm/v5", "linux/arm/v7", "linux/arm/v6"}, 1},
        {"linux/arm/v6", {"linux/arm/v7", "linux/arm/v5"}, 1},
        {"linux/arm/v5", {"linux/arm/v7", "linux/arm/v6"}, -1},
        {"linux/arm/v6", {"linux/arm/"}, -1},
        {"linux/arm/v8", {"linux/arm/v6", "linux/arm/v7"}, 1},
        {"linux/armhf", {"linux/arm/v5", "linux/arm/v7"}, 1},
        {"linux/arm64", {"linux/arm/v7", "linux/arm64/v8"}, 1},
        {"linux/arm64/v8", {"linux/arm64/v9", "linux/arm64/"}, 1},
        {"linux/s390x", {"linux/amd64/", "linux/s390x/"}, 1},
        {"linux/mips/softfloat", {"linux/mips/", "linux/mips/softfloat"}, 1},
        {"linux/amd64", {"unknown/unknown/", "linux/amd64/"}, 1},
        {"unknown/unknown", {"unknown/unknown/"}, -1},
        {"linux/amd64", {"!linux/amd64/", "linux/amd64/"}, 1},
        {"linux/amd64", {"!linux/amd64/"}, -1},
        {"linux/amd64", {"linux/amd64/", "linux/amd64/"}, 0},
        {"linux/amd64", {"-"}, 0},
        {"linux/amd64", {"-", "unknown/unknown/"}, 0},
        {"linux/amd64", {"-", "-"}, -1},
        {"linux/amd64", {"-", "linux/arm64/"}, -1},
        {"linux", {"linux/amd64/"}, -1},
        {"linux/amd64/v1/x", {"linux/amd64/"}, -1},
        {"/amd64", {"linux/amd64/"}, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_index index = {0};
        const struct oci_descriptor *got;
        int answer;

        for (size_t k = 0; k < 6 && rows[i].entries[k]; k++) {
            struct oci_descriptor d = {0};
            const char *text = rows[i].entries[k];

            if (*text == '!') {
                strv_add(&d.annotations, "vnd.docker.reference.type=attestation-manifest");
                text++;
            }
            if (*text != '-') {
                auto_strv parts = strv_split(text, '/');

                d.platform = alloc_new(struct oci_platform);
                d.platform->os = alloc_strdup(parts[0]);
                d.platform->architecture = alloc_strdup(parts[1]);
                d.platform->variant = *parts[2] ? alloc_strdup(parts[2]) : NULL;
            }
            vec_push(&index.manifests, d);
        }
        got = oci_index_select(&index, rows[i].wanted);
        answer = got ? (int)(got - index.manifests.items) : -1;
        if (answer != rows[i].answer)
            fail_msg("row %zu (%s): entry %d, wanted %d", i, rows[i].wanted, answer,
                     rows[i].answer);
        oci_index_done(&index);
    }
}

static void the_host_gets_an_entry_without_variant(void **state)
{
    auto_free char *text =
        alloc_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"" DIGEST
                     "\",\"size\":1,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}]}",
                     oci_host_architecture());
    DHOW_CLEANUP(oci_index_done) struct oci_index index = {0};

    (void)state;
    assert_int_equal(oci_index_parse(text, strlen(text), &index, NULL), 0);
    assert_ptr_equal(oci_index_select(&index, NULL), &index.manifests.items[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T_3727_only_exact_sha256_digests_are_valid),
        cmocka_unit_test(T_3727_a_text_has_one_kind),
        cmocka_unit_test(a_manifest_is_read),
        cmocka_unit_test(T_3727_hostile_manifests_are_refused),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(a_long_list_costs_its_length),
        cmocka_unit_test(a_docker_configuration_is_read),
        cmocka_unit_test(T_3727_hostile_configurations_are_refused),
        cmocka_unit_test(the_fitting_platform_is_selected),
        cmocka_unit_test(the_host_gets_an_entry_without_variant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
