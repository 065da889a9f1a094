/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images over the real engine and store, with a fake dhow-image: this program itself, under that
 * name. What the fake does is named by the path of the reference that it is to pull, or by the
 * content of the archive that it is to load.
 */
#include "store/testing.h"

#include <limits.h>
#include <signal.h>

#include "base/str.h"
#include "engine/image_worker.h"
#include "sys/socket.h"

#define WORKER_FD 3

/* ---- the fake worker ---- */
struct fake {
    int socket;
    int staging;
    struct image_worker_request request;
};

static void say(const struct fake *f, const struct image_worker_message *m)
{
    auto_free char *text = json_encode_text(&image_worker_message_json, m);

    if (sys_send_msg(f->socket, text, strlen(text), NULL, 0) < 0)
        _exit(50);
}

static void say_raw(const struct fake *f, const char *text)
{
    if (sys_send_msg(f->socket, text, strlen(text), NULL, 0) < 0)
        _exit(50);
}

static void say_done(const struct fake *f)
{
    say_raw(f, "{\"type\":\"done\"}");
}

static void put(const struct fake *f, const char *path, const char *text)
{
    if (sys_write_file_atomic(f->staging, path, text, strlen(text), 0644, 0) < 0)
        _exit(51);
}

/* An image that is complete, unless `spoil` takes something away again. */
struct made {
    unsigned config;
    unsigned layers[4];
    unsigned present[4];
    const char *names[3];
    unsigned layers_in_config; /* another one, 0: the same */
    const char *config_digest; /* NULL: the right ones */
    const char *manifest_digest;
    const char *diff_id; /* of the first layer */
};

static void make_layers(const struct fake *f, const struct made *m)
{
    (void)sys_mkdir(f->staging, "layers", 0755); /* may be there */
    for (const unsigned *l = m->layers; *l; l++) {
        auto_free char *dir = alloc_printf("layers/%s", test_hex(*l).text);
        auto_free char *file = alloc_printf("%s/file", dir);

        if (test_has(m->present, *l))
            continue;
        if (sys_mkdir(f->staging, dir, 0755) < 0)
            _exit(52);
        put(f, file, "content");
    }
}

static void make_blobs(const struct fake *f, const struct made *m)
{
    auto_free char *config = alloc_printf("blobs/%s", test_hex(m->config).text);
    auto_free char *manifest = alloc_printf("blobs/%s", test_hex(m->config + 1000).text);
    auto_str text = STR_INIT(4096);

    (void)sys_mkdir(f->staging, "blobs", 0755); /* may be there */
    str_add(&text, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"me\","
                   "\"created\":\"2024-01-02T03:04:05Z\",\"config\":{\"Env\":[\"A=b\"],"
                   "\"Labels\":{\"k\":\"v\"},\"User\":\"u\"},"
                   "\"history\":[{\"created_by\":\"x\",\"comment\":\"c\"}],"
                   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
    for (size_t i = 0; m->layers[i]; i++)
        str_addf(&text, "%s\"%s\"", i ? "," : "",
                 test_digest(i == 0 && m->layers_in_config ? m->layers_in_config : m->layers[i])
                     .text);
    str_add(&text, "]}}");
    put(f, config, str_text(&text));
    put(f, manifest,
        "{\"schemaVersion\":2,\"mediaType\":\"application/x\",\"annotations\":{\"a\":\"b\"}}");
}

static void say_image(const struct fake *f, const struct made *m)
{
    struct test_id config = test_digest(m->config), manifest = test_digest(m->config + 1000);
    struct test_id ids[4];
    struct image_worker_message msg = {
        .type = (char *)"image",
        .config_digest = m->config_digest ? (char *)m->config_digest : config.text,
        .manifest_digest = m->manifest_digest ? (char *)m->manifest_digest : manifest.text,
    };

    for (size_t i = 0; m->layers[i]; i++) {
        struct image_worker_layer l = {.unpacked_bytes = 100,
                                       .is_new = !test_has(m->present, m->layers[i])};

        ids[i] = test_digest(m->layers[i]);
        l.diff_id = i == 0 && m->diff_id ? (char *)m->diff_id : ids[i].text;
        vec_push(&msg.layers, l);
    }
    for (size_t i = 0; m->names[i]; i++)
        strv_add(&msg.names, m->names[i]);
    say(f, &msg);
    vec_done(&msg.layers);
    strv_free(msg.names);
}

static void make(const struct fake *f, const struct made *m)
{
    make_layers(f, m);
    make_blobs(f, m);
    say_image(f, m);
}

static const struct made plain = {.config = 1,
                                  .layers = {1, 2},
                                  .names = {"docker.io/library/debian:latest"}};

static void fake_good(struct fake *f)
{
    say_raw(f, "{\"type\":\"progress\",\"item\":\"layer \\u001b[2J1\",\"phase\":\"unpacking\","
               "\"current_bytes\":-5,\"total_bytes\":10}");
    make(f, &plain);
    say_done(f);
}

/* Wants layers 1 and 3, and must hear that the store has the first. */
static void fake_asks(struct fake *f)
{
    struct test_id one = test_digest(1), three = test_digest(3);
    char *wanted[] = {one.text, three.text, NULL};
    struct image_worker_message reply = {0};
    char buf[4096];
    ssize_t n;

    say(f, &(struct image_worker_message){.type = (char *)"have", .diff_ids = wanted});
    n = sys_recv_msg(f->socket, buf, sizeof(buf), NULL, NULL);
    if (n <= 0 ||
        json_decode_text(buf, (size_t)n, sizeof(buf), &image_worker_message_json, &reply, NULL) <
            0 ||
        strcmp(reply.type, "have-reply") != 0 || strv_len(reply.diff_ids) != 1 ||
        strcmp(reply.diff_ids[0], one.text) != 0)
        _exit(53);
    json_free_struct(&image_worker_message_json, &reply);
    make(f, &(struct made){.config = 2, .layers = {1, 3}, .present = {1}});
    say_done(f);
}

static void fake_credentials(struct fake *f)
{
    if (!str_equal(f->request.op, "pull") || !str_equal(f->request.username, "user") ||
        !str_equal(f->request.password, "secret") || !f->request.plain_http_allowed ||
        !str_equal(f->request.platform, "linux/arm64") ||
        !str_equal(f->request.reference, "h.x/credentials:latest"))
        _exit(54);
    fake_good(f);
}

static void fake_bad_config_digest(struct fake *f)
{
    struct made m = plain;

    m.config_digest = "sha256:../../../../etc/passwd";
    make(f, &m);
    say_done(f);
}

static void fake_bad_manifest_digest(struct fake *f)
{
    struct made m = plain;

    m.manifest_digest = "../x";
    make(f, &m);
    say_done(f);
}

static void fake_bad_diff_id(struct fake *f)
{
    struct made m = plain;

    m.diff_id = "sha256:../../containers";
    make(f, &m);
    say_done(f);
}

static void fake_other_layers(struct fake *f)
{
    struct made m = plain;

    m.layers_in_config = 9;
    make(f, &m);
    say_done(f);
}

/* Something else stands at `path`: a link to /etc, or a fifo. */
static void spoil(struct fake *f, const char *path, bool is_fifo)
{
    make(f, &plain);
    if (sys_remove_tree(f->staging, path) < 0)
        _exit(55);
    if (is_fifo ? mkfifoat(f->staging, path, 0644) : sys_symlink("/etc", f->staging, path))
        _exit(56);
    say_done(f);
}

static void fake_config_link(struct fake *f)
{
    spoil(f, "blobs/0000000000000000000000000000000000000000000000000000000000000001", false);
}

static void fake_config_fifo(struct fake *f)
{
    spoil(f, "blobs/0000000000000000000000000000000000000000000000000000000000000001", true);
}

static void fake_manifest_link(struct fake *f)
{
    spoil(f, "blobs/00000000000000000000000000000000000000000000000000000000000003e9", false);
}

static void fake_layer_link(struct fake *f)
{
    spoil(f, "layers/0000000000000000000000000000000000000000000000000000000000000002", false);
}

static void fake_blobs_link(struct fake *f)
{
    spoil(f, "blobs", false);
}

static void fake_no_layer(struct fake *f)
{
    make(f, &plain);
    if (sys_remove_tree(f->staging, "layers") < 0 || sys_mkdir(f->staging, "layers", 0755) < 0)
        _exit(55);
    say_done(f);
}

static void fake_two_images(struct fake *f)
{
    make(f, &plain);
    say_image(f, &plain);
    say_done(f);
}

static void fake_many_layers(struct fake *f)
{
    auto_str text = STR_INIT(IMAGE_WORKER_MSG_MAX);
    struct test_id id = test_digest(1);

    str_addf(&text,
             "{\"type\":\"image\",\"config_digest\":\"%s\",\"manifest_digest\":\"%s\","
             "\"layers\":[",
             id.text, id.text);
    for (int i = 0; i <= OCI_MAX_LAYERS; i++)
        str_addf(&text, "%s{\"diff_id\":\"%s\"}", i ? "," : "", id.text);
    str_add(&text, "]}");
    say_raw(f, str_text(&text));
    say_done(f);
}

static void fake_oversize(struct fake *f)
{
    size_t n = IMAGE_WORKER_MSG_MAX + 100;
    char *text = alloc_zero(n, 1);

    memset(text, ' ', n);
    if (sys_send_msg(f->socket, text, n, NULL, 0) < 0)
        _exit(50);
    free(text);
    say_done(f);
}

static void fake_bad_have(struct fake *f)
{
    say_raw(f, "{\"type\":\"have\",\"diff_ids\":[\"sha256:../../etc\"]}");
    say_done(f);
}

static void fake_bad_name(struct fake *f)
{
    struct made m = plain;

    m.names[0] = "../../x";
    make(f, &m);
    say_done(f);
}

static void fake_not_json(struct fake *f)
{
    say_raw(f, "hello");
}

static void fake_unknown_type(struct fake *f)
{
    say_raw(f, "{\"type\":\"request\"}");
}

static void fake_dies(struct fake *f)
{
    make(f, &plain);
    raise(SIGKILL);
}

static void fake_gives_up(struct fake *f)
{
    make(f, &plain);
    _exit(3);
}

static void fake_no_image(struct fake *f)
{
    say_done(f);
}

static void fake_fails(struct fake *f)
{
    make_layers(f, &plain);
    say_raw(f, "{\"type\":\"error\",\"kind\":\"denied\",\"msg\":\"login\\u001b[31m required\"}");
}

/* Is done, and does not go. */
static void fake_stays(struct fake *f)
{
    fake_good(f);
    for (;;)
        pause();
}

static void fake_archive(struct fake *f)
{
    if (!str_equal(f->request.op, "load") || f->request.reference)
        _exit(54);
    make(f, &(struct made){.config = 1, .layers = {1, 2}, .names = {"localhost/a:1", "h.x/b:2"}});
    make(f, &(struct made){.config = 3, .layers = {1, 3}, .present = {1}});
    say_done(f);
}

static const struct behaviour {
    const char *name;
    void (*act)(struct fake *f);
    enum err_kind kind; /* of the engine's error; ERR_NONE: it goes well */
    const char *says;
} behaviours[] = {
    {"bad-config-digest", fake_bad_config_digest, ERR_IO, "valid digests"},
    {"bad-manifest-digest", fake_bad_manifest_digest, ERR_IO, "valid digests"},
    {"bad-diff-id", fake_bad_diff_id, ERR_IO, "valid digest"},
    {"other-layers", fake_other_layers, ERR_INVALID, "other layers"},
    {"config-link", fake_config_link, ERR_IO, "configuration"},
    {"config-fifo", fake_config_fifo, ERR_INVALID, "configuration"},
    {"manifest-link", fake_manifest_link, ERR_INVALID, "not a file"},
    {"layer-link", fake_layer_link, ERR_INVALID, "not a directory"},
    {"blobs-link", fake_blobs_link, ERR_IO, "configuration"},
    {"no-layer", fake_no_layer, ERR_IO, "neither new nor in the store"},
    {"two-images", fake_two_images, ERR_LIMIT, "more than 1 image"},
    {"many-layers", fake_many_layers, ERR_LIMIT, "more than 500 layers"},
    {"oversize", fake_oversize, ERR_LIMIT, "too long"},
    {"bad-have", fake_bad_have, ERR_IO, "valid digest"},
    {"bad-name", fake_bad_name, ERR_IO, "no image reference"},
    {"not-json", fake_not_json, ERR_INVALID, "message of the image worker"},
    {"unknown-type", fake_unknown_type, ERR_IO, "unknown type"},
    {"dies", fake_dies, ERR_IO, "died (signal 9)"},
    {"gives-up", fake_gives_up, ERR_IO, "exit code 3"},
    {"no-image", fake_no_image, ERR_NOT_FOUND, "no image"},
    {"fails", fake_fails, ERR_DENIED, "login?[31m required"},
    {"good", fake_good, ERR_NONE, NULL},
    {"asks", fake_asks, ERR_NONE, NULL},
    {"credentials", fake_credentials, ERR_NONE, NULL},
    {"stays", fake_stays, ERR_NONE, NULL},
    {"archive", fake_archive, ERR_NONE, NULL},
};

static int fake_main(void)
{
    static char text[IMAGE_WORKER_MSG_MAX + 1], archive[64];
    struct fake f = {.socket = WORKER_FD};
    int fds[2] = {FD_NONE, FD_NONE};
    size_t n_fds = 2;
    ssize_t n = sys_recv_msg(WORKER_FD, text, IMAGE_WORKER_MSG_MAX, fds, &n_fds);
    const char *name;

    if (n <= 0 || json_decode_text(text, (size_t)n, sizeof(text), &image_worker_request_json,
                                   &f.request, NULL) < 0)
        return 40;
    f.staging = fds[0];
    name = f.request.reference ? strrchr(f.request.reference, '/') + 1 : "";
    if (fds[1] >= 0 && read(fds[1], archive, sizeof(archive) - 1) > 0)
        name = archive;
    for (size_t i = 0; i < ARRAY_LEN(behaviours); i++)
        if (strncmp(name, behaviours[i].name, strcspn(name, ":")) == 0)
            behaviours[i].act(&f);
    json_free_struct(&image_worker_request_json, &f.request);
    return 0;
}

/* ---- the engine ---- */
struct world {
    char *root;
    char *libexec;
    struct engine *en;
};

static struct world world_make(void)
{
    struct world w = {.root = test_root()};
    auto_free char *runroot = alloc_printf("%s-run", w.root);
    auto_free char *program = NULL;
    char self[PATH_MAX];
    struct engine_config config = {.root = w.root, .runroot = runroot};
    struct err e = {0};

    w.libexec = alloc_printf("%s-libexec", w.root);
    program = alloc_printf("%s/dhow-image", w.libexec);
    assert_true(sys_readlink(AT_FDCWD, "/proc/self/exe", self, sizeof(self)) > 0);
    assert_int_equal(sys_mkdir_p(AT_FDCWD, w.libexec, 0755), 0);
    assert_int_equal(sys_symlink(self, AT_FDCWD, program), 0);
    config.libexec = w.libexec;
    test_ok(engine_open(&config, STORE_WRITE, &w.en, &e));
    return w;
}

static void world_done(struct world *w)
{
    engine_close(w->en);
    free(w->libexec);
    test_root_free(w->root);
}

static int pull(const struct world *w, const char *reference, struct err *e)
{
    struct engine_pull p = {.reference = reference, .tls_verify = true};
    auto_free char *id = NULL;

    return engine_image_pull(w->en, &p, &id, e);
}

static int load(const struct world *w, const char *archive, char ***ret_names, struct err *e)
{
    int fds[2], r;

    assert_int_equal(sys_pipe(fds), 0);
    assert_int_equal(write(fds[1], archive, strlen(archive)), strlen(archive));
    fd_close(fds[1]);
    r = engine_image_load(w->en, fds[0], NULL, NULL, NULL, ret_names, e);
    fd_close(fds[0]);
    return r;
}

static void a_hostile_worker_gets_nothing_into_the_store(void **state)
{
    struct world w = world_make();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(behaviours); i++) {
        const struct behaviour *b = &behaviours[i];
        auto_free char *reference = alloc_printf("h.x/%s:1", b->name);
        struct store_usage n = {0};
        struct err e = {0};

        if (b->kind == ERR_NONE)
            continue;
        if (pull(&w, reference, &e) == 0)
            fail_msg("%s went well", b->name);
        if (e.kind != b->kind || !strstr(e.msg, b->says))
            fail_msg("%s: %s: %s", b->name, err_kind_name(e.kind), e.msg);
        test_consistent(engine_store(w.en));
        test_ok(store_count(engine_store(w.en), &n, &e));
        assert_int_equal(n.n_images + n.n_layers, 0);
    }
    world_done(&w);
}

struct seen {
    unsigned n;
    bool is_clean;
};

static void see(void *arg, const char *item, const char *phase, int64_t current, int64_t total)
{
    struct seen *s = arg;

    s->n++;
    s->is_clean = strcmp(item, "layer ?[2J1") == 0 && strcmp(phase, "unpacking") == 0 &&
                  current == 0 && total == 10;
}

static void a_pull_gives_the_image_the_name_that_was_asked_for(void **state)
{
    struct world w = world_make();
    struct store *s = engine_store(w.en);
    struct seen seen = {0};
    struct engine_pull p = {.reference = "good", .tls_verify = true, .progress = see, .arg = &seen};
    struct store_image i = {0};
    auto_free char *id = NULL;
    struct err e = {0};

    (void)state;
    test_ok(engine_image_pull(w.en, &p, &id, &e));
    assert_string_equal(id, test_hex(1).text);
    assert_int_equal(seen.n, 1);
    assert_true(seen.is_clean);
    test_ok(store_image_find(s, "good", &i, &e));
    assert_int_equal(strv_len(i.names), 1); /* and not debian, as the worker has it */
    assert_string_equal(i.names[0], "docker.io/library/good:latest");
    assert_int_equal(i.created_ns, 1704164645000000000);
    assert_int_equal(i.size_bytes, 200);
    assert_string_equal(i.os, "linux");
    store_image_done(&i);
    test_ok(pull(&w, "good", &e)); /* again */
    test_ok(pull(&w, "h.x/asks:v2", &e));
    test_consistent(s);
    test_ok(store_image_find(s, "h.x/asks:v2", &i, &e));
    assert_int_equal(strv_len(i.diff_ids), 2);
    store_image_done(&i);
    world_done(&w);
}

static void a_pull_by_digest_is_found_by_that_digest(void **state)
{
    struct world w = world_make();
    auto_free char *reference = alloc_printf("h.x/good:1@%s", test_digest(77).text);
    auto_free char *stored = alloc_printf("h.x/good@%s", test_digest(77).text);
    struct store_image i = {0};
    struct err e = {0};

    (void)state;
    test_ok(pull(&w, reference, &e));
    test_ok(store_image_find(engine_store(w.en), reference, &i, &e));
    assert_int_equal(strv_len(i.names), 1);
    assert_string_equal(i.names[0], stored);
    store_image_done(&i);
    world_done(&w);
}

static void the_request_is_passed_on(void **state)
{
    struct world w = world_make();
    struct engine_pull p = {.reference = "h.x/credentials",
                            .platform = "linux/arm64",
                            .username = "user",
                            .password = "secret"};
    struct err e = {0};

    (void)state;
    test_ok(engine_image_pull(w.en, &p, NULL, &e));
    p.reference = "not a reference";
    assert_int_equal(engine_image_pull(w.en, &p, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_INVALID);
    world_done(&w);
}

static void a_worker_that_stays_is_ended(void **state)
{
    struct world w = world_make();
    struct err e = {0};

    (void)state;
    test_ok(pull(&w, "h.x/stays", &e));
    test_consistent(engine_store(w.en));
    world_done(&w);
}

static void a_worker_that_is_not_there_is_an_error(void **state)
{
    struct world w = world_make();
    auto_free char *program = alloc_printf("%s/dhow-image", w.libexec);
    struct err e = {0};

    (void)state;
    assert_int_equal(sys_unlink(AT_FDCWD, program), 0);
    assert_int_equal(pull(&w, "h.x/good", &e), -1);
    assert_non_null(strstr(e.msg, "start the image worker"));
    test_consistent(engine_store(w.en));
    world_done(&w);
}

static void endless_talk_has_an_end(void **state)
{
    struct image_talk t = {.max_images = 1, .max_messages = 1000};
    struct err e = {0};
    int pair[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    pid = fork();
    if (pid == 0) {
        fd_close(pair[0]);
        while (sys_send_msg(pair[1], "{\"type\":\"progress\"}", 19, NULL, 0) == 0)
            continue;
        _exit(0);
    }
    fd_close(pair[1]);
    assert_int_equal(image_talk_run(&t, pair[0], &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
    fd_close(pair[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    image_talk_done(&t);
}

static void an_archive_brings_its_images_and_names(void **state)
{
    struct world w = world_make();
    auto_strv names = NULL;
    struct store_image i = {0};
    struct err e = {0};

    (void)state;
    test_ok(load(&w, "archive", &names, &e));
    assert_int_equal(strv_len(names), 3);
    assert_string_equal(names[0], "localhost/a:1");
    assert_string_equal(names[1], "h.x/b:2");
    assert_string_equal(names[2], test_digest(3).text);
    test_ok(store_image_find(engine_store(w.en), "a:1", &i, &e));
    assert_string_equal(i.id, test_hex(1).text);
    store_image_done(&i);
    test_consistent(engine_store(w.en));
    world_done(&w);
}

static void use(const struct world *w, unsigned container, unsigned image)
{
    struct err e = {0};

    test_ok(test_create(engine_store(w->en), container, image, &e));
}

static void tags_are_added_and_removed(void **state)
{
    struct world w = world_make();
    struct store *s = engine_store(w.en);
    char **lines = NULL;
    struct store_image i = {0};
    struct store_usage n = {0};
    struct err e = {0};

    (void)state;
    test_ok(pull(&w, "h.x/good:1", &e));
    test_ok(engine_image_tag(w.en, "h.x/good:1", "mine", &e));
    test_ok(store_image_find(s, "localhost/mine:latest", &i, &e));
    store_image_done(&i);
    assert_int_equal(engine_image_tag(w.en, "h.x/good:1", "BAD NAME", &e), -1);
    assert_int_equal(e.kind, ERR_INVALID);
    assert_int_equal(engine_image_tag(w.en, "none", "mine", &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);

    /* By id with two names: only by force. */
    assert_int_equal(engine_image_remove(w.en, test_hex(1).text, false, &lines, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "please force removal"));

    /* By name with two names: only the name goes, even while a container uses the image. */
    use(&w, 9, 1);
    test_ok(engine_image_remove(w.en, "mine", false, &lines, &e));
    assert_int_equal(strv_len(lines), 1);
    assert_string_equal(lines[0], "Untagged: localhost/mine:latest");
    strv_free(lines);
    lines = NULL;

    /* The last name: the image, unless it is used. */
    assert_int_equal(engine_image_remove(w.en, "good:1", false, &lines, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, test_hex(9).text));
    assert_null(lines);
    test_ok(store_container_remove(s, test_hex(9).text, &e));
    test_ok(engine_image_remove(w.en, "good:1", false, &lines, &e));
    assert_int_equal(strv_len(lines), 2);
    assert_string_equal(lines[0], "Untagged: h.x/good:1");
    assert_non_null(strstr(lines[1], test_hex(1).text));
    strv_free(lines);
    test_ok(store_count(s, &n, &e));
    assert_int_equal(n.n_images + n.n_layers, 0);
    test_consistent(s);
    world_done(&w);
}

static void force_removes_all_names_and_users(void **state)
{
    struct world w = world_make();
    char **lines = NULL;
    struct err e = {0};

    (void)state;
    test_ok(pull(&w, "h.x/good:1", &e));
    test_ok(engine_image_tag(w.en, "h.x/good:1", "h.x/good:2", &e));
    test_ok(engine_image_remove(w.en, test_hex(1).text, true, &lines, &e));
    assert_int_equal(strv_len(lines), 3);
    strv_free(lines);
    test_ok(pull(&w, "h.x/good:1", &e));
    use(&w, 9, 1);
    test_ok(engine_image_remove(w.en, "good:1", true, &lines, &e));
    strv_free(lines);
    test_consistent(engine_store(w.en));
    assert_int_equal(test_entries(engine_store(w.en), "containers"), 0);
    world_done(&w);
}

static const char *text_at(struct json_object *o, const char *key)
{
    struct json_object *found;

    if (!json_object_object_get_ex(o, key, &found))
        fail_msg("no key %s", key);
    return json_object_get_string(found);
}

static void inspect_shows_podmans_keys(void **state)
{
    static const struct {
        const char *key;
        const char *text; /* as json-c prints it; NULL: checked to be there */
    } rows[] = {
        {"Id", "0000000000000000000000000000000000000000000000000000000000000001"},
        {"RepoTags", "[ \"h.x\\/good:1\" ]"},
        {"RepoDigests", NULL},
        {"Digest", NULL},
        {"Parent", ""},
        {"Comment", "c"},
        {"Created", "2024-01-02T03:04:05Z"},
        {"Config", NULL},
        {"Version", ""},
        {"Author", "me"},
        {"Architecture", "amd64"},
        {"Os", "linux"},
        {"Size", "200"},
        {"VirtualSize", "200"},
        {"GraphDriver", NULL},
        {"RootFS", NULL},
        {"Labels", "{ \"k\": \"v\" }"},
        {"Annotations", "{ \"a\": \"b\" }"},
        {"ManifestType", "application/x"},
        {"User", "u"},
        {"History", NULL},
    };
    struct world w = world_make();
    auto_json *o = NULL;
    auto_free char *blob = NULL;
    struct err e = {0};

    (void)state;
    test_ok(pull(&w, "h.x/good:1", &e));
    test_ok(engine_image_inspect(w.en, "good:1", &o, &e));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = text_at(o, rows[i].key);

        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
    }
    assert_non_null(strstr(text_at(o, "Config"), "A=b"));
    assert_non_null(strstr(text_at(o, "RootFS"), test_digest(2).text));
    assert_non_null(strstr(text_at(o, "RepoDigests"), test_digest(1001).text));
    assert_int_equal(engine_image_inspect(w.en, "none", &o, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);

    blob = alloc_printf("blobs/sha256/%s", test_hex(1).text);
    assert_int_equal(sys_unlink(store_root_fd(engine_store(w.en)), blob), 0);
    json_object_put(o);
    o = NULL;
    assert_int_equal(engine_image_inspect(w.en, "good:1", &o, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    world_done(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hostile_worker_gets_nothing_into_the_store),
        cmocka_unit_test(a_pull_gives_the_image_the_name_that_was_asked_for),
        cmocka_unit_test(a_pull_by_digest_is_found_by_that_digest),
        cmocka_unit_test(the_request_is_passed_on),
        cmocka_unit_test(a_worker_that_stays_is_ended),
        cmocka_unit_test(a_worker_that_is_not_there_is_an_error),
        cmocka_unit_test(endless_talk_has_an_end),
        cmocka_unit_test(an_archive_brings_its_images_and_names),
        cmocka_unit_test(tags_are_added_and_removed),
        cmocka_unit_test(force_removes_all_names_and_users),
        cmocka_unit_test(inspect_shows_podmans_keys),
    };

    (void)argc;
    if (strcmp(argv[0], "dhow-image") == 0)
        return fake_main();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
