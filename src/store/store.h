/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What survives a reboot: one SQLite database (WAL) and plain directories beneath the root.
 *
 *   state.db      rows: images, tags, layers, image_layers, containers, meta (schema version)
 *   blobs/sha256/HEX        manifests and configs        layers/HEX/         unpacked trees by
 * diffID containers/ID/          upper work log ...           tmp/OP.XXXXXX/      staging; garbage
 * unless its lock is held
 *
 *   reserve       space for deletions on a full disk
 *   store.lock    shared: data is on its way to a row; exclusive: the sweep (staging.c)
 *
 * Invariants: data first, then the row; what no row names is garbage that store_sweep() may delete;
 * readers take no lock and never wait for a writer (WAL); a writer waits at most 10 s. Any process
 * may be killed at any moment. Errors: ERR_NOT_FOUND, ERR_CONFLICT (name in use, image in use),
 * ERR_INVALID (ambiguous id), ERR_IO.
 */
#include "base/err.h"
#include "base/vec.h"

struct store; /* opaque: database, directory fds */
enum store_mode { STORE_READ, STORE_WRITE };
int store_open(const char *root, enum store_mode mode, struct store **ret,
               struct err *e); /* WRITE makes what is missing */
void store_close(struct store *s);
int store_root_fd(const struct store *s); /* borrowed */

/* ---- images ---- */
struct store_image {
    char *id;              /* 64 hex digits: sha256 of the configuration */
    char *manifest_digest; /* "sha256:..." */
    char **names;          /* complete references "host/path:tag" or "host/path@sha256:..." */
    int64_t created_ns;    /* as the configuration says; 0 unknown */
    int64_t added_ns;
    int64_t size_bytes; /* sum of the unpacked layers */
    char *architecture;
    char *os;
    char **diff_ids; /* bottom first */
};
void store_image_done(struct store_image *i);
/* Full id (with or without "sha256:"), a reference as a user types it, or a unique prefix of an id.
 * A name without a host fits any stored name that ends with it at a slash: HOST/NAME,
 * HOST/library/NAME first, then longer paths; ERR_INVALID when several images fit equally well.
 * With @DIGEST by manifest digest, or by the digest in a stored name. */
int store_image_find(struct store *s, const char *name, struct store_image *ret, struct err *e);
/* The same, and which stored name fitted; NULL when an id did. Owned. */
int store_image_find_name(struct store *s, const char *name, struct store_image *ret,
                          char **ret_name, struct err *e);
typedef VEC(struct store_image) store_image_list;
int store_image_list_all(struct store *s, store_image_list *ret, struct err *e); /* newest first */
void store_image_list_done(store_image_list *l);
int store_image_read_config(struct store *s, const char *id, char **ret_text, size_t *ret_len,
                            struct err *e); /* raw JSON */
int store_image_read_manifest(struct store *s, const char *id, char **ret_text, size_t *ret_len,
                              struct err *e);
int store_image_tag(struct store *s, const char *id, const char *complete_reference,
                    struct err *e); /* moves an existing tag */
int store_image_untag(struct store *s, const char *complete_reference, struct err *e);
/* Rows first, then the data nobody else uses. ERR_CONFLICT when containers use it. */
int store_image_remove(struct store *s, const char *id, struct err *e);
/* Which of these layers are in the store (an owned subset). */
int store_layers_present(struct store *s, char *const *diff_ids, char ***ret_present,
                         struct err *e);
/* Takes a finished image out of a staging directory (blobs/HEX, layers/HEX of the diffIDs that the
 * store has not) and commits it with its names, in one transaction. size_bytes and added_ns are
 * computed; names move from whichever image had them. */
struct store_new_layer {
    const char *diff_id;
    int64_t unpacked_bytes;
};
int store_image_commit(struct store *s, int staging_fd, const struct store_image *image,
                       const struct store_new_layer *new_layers, size_t n_new_layers,
                       struct err *e);
/* O_PATH directories of an image's layers, topmost first. Owned fds. */
typedef VEC(int) store_fd_list;
int store_image_open_layers(struct store *s, const char *image_id, store_fd_list *ret,
                            struct err *e);
void store_fd_list_done(store_fd_list *l);

/* A staging directory tmp/OP.XXXXXX. The returned fd carries its mark, a shared lock on the
 * directory: inherited by a worker; the sweep leaves it alone. Until store_staging_remove() or
 * store_close(), no layer that is in the store goes, whatever happens to its rows. */
int store_staging_open(struct store *s, const char *op, int *ret_fd, char **ret_name,
                       struct err *e);
int store_staging_remove(struct store *s, const char *name, struct err *e);

/* ---- containers ---- */
struct store_container {
    char *id;
    char *name;
    char *image_id;   /* NULL: none */
    char *image_name; /* as the user gave it, completed */
    char *options;    /* JSON text of the engine's options */
    int64_t created_ns;
    int64_t started_ns;  /* 0: never */
    int64_t finished_ns; /* 0: not finished, or running */
    int32_t exit_code;
    bool oom_killed;
    bool auto_remove;
    char *error; /* of the last start, or NULL */
};
void store_container_done(struct store_container *c);
int store_container_add(struct store *s, const struct store_container *c,
                        struct err *e); /* ERR_CONFLICT: name in use */
/* Full id, exact name, or unique id prefix, in this order. */
int store_container_find(struct store *s, const char *name, struct store_container *ret,
                         struct err *e);
typedef VEC(struct store_container) store_container_list;
int store_container_list_all(struct store *s, store_container_list *ret,
                             struct err *e); /* newest first */
void store_container_list_done(store_container_list *l);
int store_container_set_started(struct store *s, const char *id, int64_t started_ns, struct err *e);
int store_container_set_finished(struct store *s, const char *id, int64_t finished_ns,
                                 int exit_code, bool oom, const char *error, struct err *e);
int store_container_rename(struct store *s, const char *id, const char *name, struct err *e);
int store_container_remove(struct store *s, const char *id,
                           struct err *e); /* row, then containers/ID */
/* containers/ID, made with mode 0700 when `create`; owned fd. A directory made before its row keeps
 * every sweep away until store_container_add() or store_container_remove() of that id, or
 * store_close(). */
int store_container_dir(struct store *s, const char *id, bool create, int *ret_fd, struct err *e);

/* Deletes what no row names: staging directories without a holder, layers, blobs, container
 * directories. Does nothing while another process (or an open staging directory of this one) has
 * data on its way to a row: who pulls, sweeps after store_staging_remove(). */
int store_sweep(struct store *s, struct err *e);
/* One look at tmp/: true while something is on its way, and after it was killed there. */
bool store_needs_sweep(struct store *s);
struct store_usage {
    uint64_t n_images;
    uint64_t n_layers;
    uint64_t n_containers;
};
int store_count(struct store *s, struct store_usage *ret, struct err *e);
