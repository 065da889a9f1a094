/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust boundary, CVE-2019-5736 (T-5736). A container's process begins as a fork of this program,
 * and /proc/PID/exe of it is this program's file on the host. Two doors lead there:
 *
 *  - other processes of the container open /proc/PID/exe: shut, since the child is not dumpable
 * from before it exists (launch.c) until the first execve, so that ptrace_may_access() refuses;
 *  - the container's command is "#!/proc/self/exe", or a link to it: the kernel would start the
 * host's file inside the container, with the container's libraries, dumpable. Shut by this stub:
 * the child first executes a program of some 180 bytes from a sealed memory file, which executes
 * the command. When the command's path is resolved, /proc/self/exe is the stub, which no one can
 * write to.
 *
 * The alternative, to execute a sealed copy of the whole program, costs a start of libc and 2 MB;
 * the stub costs one more execve of a page. Identity, capabilities and limits come out of two
 * execve as out of one.
 *
 * What it does: the sync socket's number (3 as a rule) is part of its code. It is marked
 * close-on-exec, so that the parent sees the end of the stream when the command runs; argv is
 * {path, args[0], args[1], ...}. If execve fails, {SYNC_EXEC_FAILED, -errno} and args[0] are sent
 * on it. Where it is not open, the stub was not started by us and exits. Where fcntl is refused by
 * the filter, it is closed and failure is told by the exit code alone.
 *
 * Security labels count from the next execve, so it is the stub that sets them (labels.c): behind
 * the code is a list of {length of file, length of text, file, text}, closed by a length of 0; each
 * text is written to its file, beneath the directory that is open at the number after the sync
 * socket's, which is closed then. What fails is {SYNC_LABEL_FAILED, -errno} and the text.
 *
 * A user that is not root loses the permitted capabilities with the first execve, and one of them
 * may be what lets him execute the command (CAP_DAC_OVERRIDE). They go through it as ambient ones
 * (identity.c); the stub takes them out of the inheritable set, by which they leave the ambient one
 * too, and then puts back what was to be inheritable. If that fails, nothing is executed.
 */
#include "runtime/stub.h"

#include <elf.h>

#include "runtime/sync.h"
#include "sys/self.h"

extern const unsigned char stub_code[], stub_code_end[], stub_fd[], stub_caps[];

_Static_assert(SYNC_EXEC_FAILED == 8 && SYNC_LABEL_FAILED == 9,
               "the numbers in the assembly below");

#ifdef __x86_64__
#define STUB_MACHINE    EM_X86_64
#define STUB_FD_OPERAND 2 /* bytes of the opcode before it */
__asm__(".pushsection .rodata\n"
        ".globl stub_code, stub_code_end, stub_fd, stub_caps\n"
        ".hidden stub_code, stub_code_end, stub_fd, stub_caps\n"
        "stub_code:\n"
        "stub_fd:\n"
        "    mov $3, %r13d\n"            /* 41 bd imm32: stub_open() writes the number */
        "    mov (%rsp), %rax\n"         /* argc */
        "    lea 8(%rsp), %rbx\n"        /* argv */
        "    lea 8(%rbx,%rax,8), %rbp\n" /* envp */
        "    mov $72, %eax\n"            /* fcntl(sync, F_SETFD, FD_CLOEXEC) */
        "    mov %r13d, %edi\n"
        "    mov $2, %esi\n"
        "    mov $1, %edx\n"
        "    syscall\n"
        "    test %eax, %eax\n"
        "    jz 1f\n"
        "    mov $126, %edi\n"
        "    cmp $-9, %eax\n" /* EBADF: "#!/proc/self/exe" made the stub execute itself */
        "    je 4f\n"
        "    mov $3, %eax\n" /* close(sync) */
        "    mov %r13d, %edi\n"
        "    syscall\n"
        "1:  lea stub_code_end(%rip), %r14\n" /* the list of labels */
        "    cmpl $0, (%r14)\n"
        "    je 7f\n"
        "5:  mov (%r14), %r15d\n"
        "    test %r15d, %r15d\n"
        "    jz 6f\n"
        "    mov $257, %eax\n" /* openat(sync + 1, file, O_WRONLY | O_CLOEXEC) */
        "    lea 1(%r13), %edi\n"
        "    lea 8(%r14), %rsi\n"
        "    mov $0x80001, %edx\n"
        "    xor %r10d, %r10d\n"
        "    syscall\n"
        "    mov %eax, %r12d\n"
        "    lea 8(%r14,%r15), %rsi\n" /* the text */
        "    mov 4(%r14), %edx\n"
        "    test %eax, %eax\n"
        "    js 8f\n"
        "    mov %eax, %edi\n" /* write(file, text) */
        "    mov $1, %eax\n"
        "    syscall\n"
        "    test %eax, %eax\n"
        "    js 8f\n"
        "    mov $3, %eax\n" /* close(file) */
        "    mov %r12d, %edi\n"
        "    syscall\n"
        "    lea (%rsi,%rdx), %r14\n"
        "    jmp 5b\n"
        "8:  mov %edx, %ecx\n"
        "    mov $9, %r15d\n"
        "    jmp 9f\n"
        "6:  mov $3, %eax\n" /* close(sync + 1) */
        "    lea 1(%r13), %edi\n"
        "    syscall\n"
        "7:  mov stub_caps(%rip), %r14d\n" /* what is inheritable for this execve only */
        "    test %r14d, %r14d\n"
        "    jz 12f\n"
        "    sub $32, %rsp\n" /* struct __user_cap_header_struct, two of __user_cap_data_struct */
        "    movl $0x20080522, (%rsp)\n"
        "    movl $0, 4(%rsp)\n"
        "    mov %rsp, %rdi\n"
        "    lea 8(%rsp), %rsi\n"
        "    mov $125, %eax\n" /* capget */
        "    syscall\n"
        "    test %eax, %eax\n"
        "    js 13f\n"
        "    test %r14d, 16(%rsp)\n"
        "    jz 11f\n"
        "    not %r14d\n"
        "    and %r14d, 16(%rsp)\n"
        "    mov $126, %eax\n" /* capset */
        "    syscall\n"
        "    test %eax, %eax\n"
        "    js 13f\n"
        "    mov 4+stub_caps(%rip), %r14d\n" /* what is to be inheritable of it */
        "    test %r14d, %r14d\n"
        "    jz 11f\n"
        "    or %r14d, 16(%rsp)\n"
        "    mov $126, %eax\n"
        "    syscall\n"
        "    test %eax, %eax\n"
        "    js 13f\n"
        "11: add $32, %rsp\n"
        "12: mov $59, %eax\n" /* execve(argv[0], argv + 1, envp) */
        "    mov (%rbx), %rdi\n"
        "    lea 8(%rbx), %rsi\n"
        "    mov %rbp, %rdx\n"
        "    syscall\n"
        "13: mov $8, %r15d\n"
        "    mov 8(%rbx), %rsi\n" /* args[0] */
        "    xor %ecx, %ecx\n"
        "    test %rsi, %rsi\n"
        "    jz 9f\n"
        "2:  cmpb $0, (%rsi,%rcx)\n"
        "    je 9f\n"
        "    inc %ecx\n"
        "    cmp $255, %ecx\n"
        "    jb 2b\n"
        "9:  cmp $255, %ecx\n" /* cut to 255 bytes */
        "    jbe 3f\n"
        "    mov $255, %ecx\n"
        "3:  mov %eax, %r12d\n"
        "    sub $48, %rsp\n" /* {type, errno}, two struct iovec */
        "    mov %r15d, (%rsp)\n"
        "    mov %eax, 4(%rsp)\n"
        "    mov %rsp, 16(%rsp)\n"
        "    movq $8, 24(%rsp)\n"
        "    mov %rsi, 32(%rsp)\n"
        "    mov %rcx, 40(%rsp)\n"
        "    mov $20, %eax\n" /* writev(sync, iov, 2) */
        "    mov %r13d, %edi\n"
        "    lea 16(%rsp), %rsi\n"
        "    mov $2, %edx\n"
        "    syscall\n"
        "    mov $127, %edi\n" /* exit_group(ENOENT ? 127 : 126) */
        "    cmp $-2, %r12d\n"
        "    je 4f\n"
        "    mov $126, %edi\n"
        "4:  mov $231, %eax\n"
        "    syscall\n"
        "    hlt\n"
        "stub_caps:\n"
        "    .long 0, 0\n" /* stub_open() writes them */
        "stub_code_end:\n"
        ".popsection\n");
#else
#error "write the stub for this architecture"
#endif

#define LOAD_ADDRESS 0x400000ul

#define CODE_MAX 512
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    unsigned char code[CODE_MAX + STUB_MAX_LABELS * (STUB_LABEL_MAX + 64)]; /* and labels */
};

static size_t add_labels(unsigned char *at, const struct stub_label *labels, size_t n_labels)
{
    unsigned char *p = at;
    uint32_t end = 0;

    for (size_t i = 0; i < n_labels; i++) {
        uint32_t lengths[2] = {(uint32_t)strlen(labels[i].file) + 1,
                               (uint32_t)strlen(labels[i].text)};

        memcpy(p, lengths, sizeof(lengths));
        p += sizeof(lengths);
        memcpy(p, labels[i].file, lengths[0]);
        p += lengths[0];
        memcpy(p, labels[i].text, lengths[1]);
        p += lengths[1];
    }
    memcpy(p, &end, sizeof(end));
    return (size_t)(p - at) + sizeof(end);
}

static bool fits(size_t code, const struct stub_label *labels, size_t n_labels)
{
    for (size_t i = 0; i < n_labels; i++)
        if (strlen(labels[i].text) > STUB_LABEL_MAX || strlen(labels[i].file) >= 48)
            return false;
    return code <= CODE_MAX && n_labels <= STUB_MAX_LABELS;
}

int stub_open(int sync_fd, const struct stub_options *o, struct err *e)
{
    const uint32_t caps[2] = {o->drop_inheritable, o->keep_inheritable};
    size_t n = (size_t)(stub_code_end - stub_code), total;
    struct image image = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = STUB_MACHINE,
                   .e_version = EV_CURRENT,
                   .e_entry = LOAD_ADDRESS + offsetof(struct image, code),
                   .e_phoff = offsetof(struct image, segments),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments =
            {{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = LOAD_ADDRESS, .p_align = 4096},
             {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W}},
    };
    int32_t number = sync_fd;
    int fd;

    if (!fits(n, o->labels, o->n_labels))
        return err_set(e, ERR_INTERNAL, "the stub is too long");
    memcpy(image.code, stub_code, n);
    memcpy(image.code + (stub_fd - stub_code) + STUB_FD_OPERAND, &number, sizeof(number));
    memcpy(image.code + (stub_caps - stub_code), caps, sizeof(caps));
    total = offsetof(struct image, code) + n + add_labels(image.code + n, o->labels, o->n_labels);
    image.segments[0].p_filesz = image.segments[0].p_memsz = total;
    fd = sys_memfd_sealed_program("dhow-stub", &image, total);
    return fd < 0 ? err_sys(e, fd, "make an executable memory file") : fd;
}
