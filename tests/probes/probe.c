/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: try one forbidden thing and say exactly how it ended.
 *
 *     probe NAME [ARGUMENT]
 *
 * Prints "0" when the attempt succeeded, or the errno as a number. The same
 * binary runs inside the sandbox and, as the control, where it must succeed.
 * Raw system calls throughout: no library comes between the attempt and its
 * answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *arg; /* of the probe; "" when there is none */

static int result(long r)
{
	return r < 0 ? errno : 0;
}

#define CALL(...) return result(syscall(__VA_ARGS__))

/* -- namespaces and mounts ------------------------------------------------- */

static int p_unshare_user(void)
{
	CALL(SYS_unshare, CLONE_NEWUSER);
}
static int p_unshare_mnt(void)
{
	CALL(SYS_unshare, CLONE_NEWNS);
}
static int p_unshare_net(void)
{
	CALL(SYS_unshare, CLONE_NEWNET);
}
static int p_unshare_pid(void)
{
	CALL(SYS_unshare, CLONE_NEWPID);
}
static int p_mount(void)
{
	CALL(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}
static int p_umount(void)
{
	CALL(SYS_umount2, "/tmp", 2 /* MNT_DETACH */);
}
static int p_chroot(void)
{
	CALL(SYS_chroot, "/tmp");
}
static int p_open_tree(void)
{
	CALL(SYS_open_tree, AT_FDCWD, "/tmp", 1);
}
static int p_fsopen(void)
{
	CALL(SYS_fsopen, "tmpfs", 0);
}
static int p_remount_rw(void)
{
	CALL(SYS_mount, NULL, "/", NULL, 0x20 /* MS_REMOUNT */ | 0x1000, NULL);
}

static int p_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	return fd < 0 ? errno : result(syscall(SYS_setns, fd, 0));
}

static int child_of(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return result(pid);
}

static int p_clone_user(void)
{
	return child_of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int p_clone3_user(void)
{
	struct {
		uint64_t v[11];
	} a = { { 0 } };

	a.v[0] = CLONE_NEWUSER;
	a.v[4] = SIGCHLD;
	return child_of(syscall(SYS_clone3, &a, sizeof(a)));
}

static int p_fork(void)
{
	return child_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

/* -- other processes ------------------------------------------------------- */

static int p_ptrace(void)
{
	CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}
static int p_kill(void)
{
	CALL(SYS_kill, atoi(arg), 0);
}
static int p_kill_all(void)
{
	CALL(SYS_kill, -1, SIGCONT);
}
static int p_pidfd_getfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd < 0 ? errno : result(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

static int p_process_vm_readv(void)
{
	char from = 'x';
	char to = 0;
	struct iovec l = { &to, 1 };
	struct iovec r = { &from, 1 };

	CALL(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0);
}

static int p_kcmp(void)
{
	CALL(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
}

/* -- kernel interfaces ----------------------------------------------------- */

static int p_bpf(void)
{
	union {
		uint32_t v[4];
		char room[128];
	} a = { .v = { 2 /* ARRAY */, 4, 4, 1 } };

	CALL(SYS_bpf, 0 /* MAP_CREATE */, &a, sizeof(a));
}

static int p_perf(void)
{
	struct {
		uint32_t type, size;
		uint64_t config;
		char room[112];
	} a = { 1, 128, 0, { 0 } };

	CALL(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static int p_userfaultfd(void)
{
	CALL(SYS_userfaultfd, 0);
}
static int p_keyctl(void)
{
	CALL(SYS_keyctl, 0, -4 /* user keyring */, 1);
}
static int p_add_key(void)
{
	CALL(SYS_add_key, "user", "runner-probe", "x", 1, -2 /* process */);
}
static int p_io_uring(void)
{
	char p[120] = { 0 };
	CALL(SYS_io_uring_setup, 4, p);
}
static int p_name_to_handle(void)
{
	struct {
		unsigned int bytes;
		int type;
		char room[128];
	} h = { 128, 0, { 0 } };
	int id;

	CALL(SYS_name_to_handle_at, AT_FDCWD, "/usr", &h, &id, 0);
}
static int p_affinity(void)
{
	unsigned long mask[16] = { 0 };

	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	CALL(SYS_sched_setaffinity, 0, sizeof(mask), mask);
}
static int p_personality(void)
{
	CALL(SYS_personality, 8 /* PER_LINUX32 */);
}
static int p_syslog(void)
{
	CALL(SYS_syslog, 10 /* SIZE_BUFFER */, 0, 0);
}
static int p_mbind(void)
{
	CALL(SYS_set_mempolicy, 0 /* DEFAULT */, 0, 0);
}
static int p_fanotify(void)
{
	CALL(SYS_fanotify_init, 0, 0);
}
static int p_modify_ldt(void)
{
	char ldt[16];
	CALL(SYS_modify_ldt, 0 /* read */, ldt, sizeof(ldt));
}
/* By number; arguments that are harmless where the call is allowed. */
static int p_syscall(void)
{
	CALL(atoi(arg), -1L, -1L, -1L, -1L, -1L, -1L);
}

static int p_int80(void)
{
#if defined(__x86_64__)
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20 /* getpid of i386 */) : "memory");
	return r > 0 ? 0 : (int)-r;
#else
	return ENOSYS;
#endif
}

/* -- sockets --------------------------------------------------------------- */

static int try_socket(int family, int type, int protocol)
{
	CALL(SYS_socket, family, type, protocol);
}
static int p_netlink(void)
{
	return try_socket(16, SOCK_DGRAM, 0);
}
static int p_packet(void)
{
	return try_socket(17, SOCK_DGRAM, 0);
}
static int p_alg(void)
{
	return try_socket(38, SOCK_SEQPACKET, 0);
}
static int p_vsock(void)
{
	return try_socket(40, SOCK_STREAM, 0);
}
static int p_raw(void)
{
	return try_socket(2, SOCK_RAW, 1);
}
static int p_mptcp(void)
{
	return try_socket(2, SOCK_STREAM, 262);
}
static int p_inet(void)
{
	return try_socket(2, SOCK_STREAM, 0);
}

static int p_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

static int p_udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, arg, &a.sin_addr);
	return fd < 0 ? errno : result(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
}

static int p_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(arg);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path, arg, n);
	if (arg[0] == '@')
		a.sun_path[0] = '\0';
	return fd < 0 ? errno
		      : result(connect(fd, (struct sockaddr *)&a,
				       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)));
}

/* -- programs from where they must not come -------------------------------- */

static int copy_self(int to)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return errno;
	close(from);
	return n < 0 ? errno : 0;
}

/* The copy prints "0" itself if it runs. */
static char *const success[] = { "probe", "succeed", NULL };
static char *const empty[] = { NULL };

static int p_succeed(void)
{
	return 0;
}

static int p_exec_tmp(void)
{
	int fd = open("/tmp/copy", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	int r = fd < 0 ? errno : copy_self(fd);

	if (r)
		return r;
	close(fd);
	return result(execve("/tmp/copy", success, empty));
}

static int memfd_exec(unsigned int flags)
{
	int fd = (int)syscall(SYS_memfd_create, "probe", flags);
	int r = fd < 0 ? errno : copy_self(fd);

	return r ? r : result(syscall(SYS_execveat, fd, "", success, empty, AT_EMPTY_PATH));
}

static int p_memfd_exec(void)
{
	return memfd_exec(0x10 /* MFD_EXEC */);
}
static int p_memfd_plain(void)
{
	return memfd_exec(0);
}

static int p_mmap_exec(void)
{
	int fd = open("/tmp/map", O_RDWR | O_CREAT, 0755);

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return errno;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno
											 : 0;
}

static int p_setuid_program(void)
{
	execl(arg, "probe", "euid", NULL);
	return errno;
}

/* Succeeds as an attack when it runs as root. */
static int p_euid(void)
{
	return geteuid() == 0 ? 0 : EPERM;
}

/* -- files ----------------------------------------------------------------- */

static int p_open_read(void)
{
	return result(open(arg, O_RDONLY | O_NONBLOCK));
}
static int p_open_write(void)
{
	return result(open(arg, O_WRONLY));
}
static int p_truncate(void)
{
	return result(truncate(arg, 0));
}
static int p_unlink(void)
{
	return result(unlink(arg));
}
static int p_chmod(void)
{
	return result(chmod(arg, 0777));
}
static int p_utimes(void)
{
	return result(utimes(arg, NULL));
}
static int p_setxattr(void)
{
	return result(setxattr(arg, "user.probe", "x", 1, 0));
}
static int p_stat(void)
{
	struct stat st;
	return result(stat(arg, &st));
}

static int p_create(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.new", arg);
	return result(open(path, O_WRONLY | O_CREAT, 0600));
}

static int p_mkdir(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.dir", arg);
	return result(mkdir(path, 0700));
}

static int p_rename(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.old", arg);
	return result(rename(arg, path));
}

static int p_link(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.link", arg);
	return result(link(arg, path));
}

static int p_mknod(void)
{
	return result(mknod(arg, S_IFCHR | 0600, makedev(1, 3)));
}

/* -- privileges ------------------------------------------------------------ */

static int p_setuid0(void)
{
	CALL(SYS_setresuid, 0, 0, 0);
}
static int p_setgroups(void)
{
	CALL(SYS_setgroups, 0, NULL);
}
static int p_sethostname(void)
{
	CALL(SYS_sethostname, "probe", 5);
}
static int p_ambient(void)
{
	CALL(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}

static int p_capset(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1, 1, 1 }, { 0, 0, 0 } };

	CALL(SYS_capset, &h, d);
}

/* A bounding set that still holds a capability is what an attack would need. */
static int p_bounding(void)
{
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 0;
	return EPERM;
}

static int p_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

/* -- inheritance ----------------------------------------------------------- */

static int p_environment(void)
{
	return getenv(arg) ? 0 : ENOENT;
}
static int p_fd(void)
{
	return result(fcntl(atoi(arg), F_GETFD));
}
static int p_tiocsti(void)
{
	char c = 'x';
	CALL(SYS_ioctl, 0, strtoul(arg, NULL, 0), &c);
}
static int p_shm(void)
{
	return result(shmget((key_t)atoi(arg), 0, 0));
}

/* Does the session belong to somebody outside? */
static int p_session(void)
{
	return getsid(0) == 0 || tcgetpgrp(0) >= 0 ? 0 : EPERM;
}

static int p_session_keyring(void)
{
	/* A key that the caller left in its session keyring. */
	CALL(SYS_keyctl, 10 /* SEARCH */, -3 /* session */, "user", arg, 0);
}

/* -- resources: print what was got, not 0 or an errno ---------------------- */

static int p_count_forks(void)
{
	int n = 0;

	while (n < 400) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
		n++;
	}
	printf("%d\n", n);
	fflush(stdout);
	_exit(0);
}

static int p_touch_memory(void)
{
	size_t mib = (size_t)atoi(arg);

	for (size_t i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			return errno;
		for (size_t k = 0; k < 1 << 20; k += 4096)
			p[k] = 1;
	}
	return 0;
}

static int p_fill_tmp(void)
{
	static char block[65536];
	int fd = open("/tmp/fill", O_WRONLY | O_CREAT, 0600);

	for (long left = atol(arg) << 20; left > 0; left -= (long)sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			return errno;
	return 0;
}

static int p_fill_inodes(void)
{
	for (int i = 0; i < atoi(arg); i++) {
		char path[40];
		int fd;

		snprintf(path, sizeof(path), "/tmp/f%d", i);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

#define P(name) \
	{ \
#name, p_##name \
	}
static const struct {
	const char *name;
	int (*run)(void);
} probes[] = {
	P(unshare_user),
	P(unshare_mnt),
	P(unshare_net),
	P(unshare_pid),
	P(mount),
	P(umount),
	P(chroot),
	P(open_tree),
	P(fsopen),
	P(remount_rw),
	P(setns),
	P(clone_user),
	P(clone3_user),
	P(fork),
	P(ptrace),
	P(kill),
	P(kill_all),
	P(pidfd_getfd),
	P(process_vm_readv),
	P(kcmp),
	P(bpf),
	P(perf),
	P(userfaultfd),
	P(keyctl),
	P(add_key),
	P(io_uring),
	P(name_to_handle),
	P(affinity),
	P(personality),
	P(syslog),
	P(mbind),
	P(fanotify),
	P(modify_ldt),
	P(syscall),
	P(int80),
	P(netlink),
	P(packet),
	P(alg),
	P(vsock),
	P(raw),
	P(mptcp),
	P(inet),
	P(tcp),
	P(udp),
	P(unix),
	P(succeed),
	P(exec_tmp),
	P(memfd_exec),
	P(memfd_plain),
	P(mmap_exec),
	P(setuid_program),
	P(euid),
	P(open_read),
	P(open_write),
	P(truncate),
	P(unlink),
	P(chmod),
	P(utimes),
	P(setxattr),
	P(stat),
	P(create),
	P(mkdir),
	P(rename),
	P(link),
	P(mknod),
	P(setuid0),
	P(setgroups),
	P(sethostname),
	P(ambient),
	P(capset),
	P(bounding),
	P(new_privs),
	P(environment),
	P(fd),
	P(tiocsti),
	P(shm),
	P(session),
	P(session_keyring),
	P(count_forks),
	P(touch_memory),
	P(fill_tmp),
	P(fill_inodes),
};

int main(int argc, char **argv)
{
	arg = argc > 2 ? argv[2] : "";
	for (size_t i = 0; argc > 1 && i < sizeof(probes) / sizeof(probes[0]); i++)
		if (strcmp(probes[i].name, argv[1]) == 0) {
			printf("%d\n", probes[i].run());
			return 0;
		}
	fprintf(stderr, "probe: no probe '%s'\n", argc > 1 ? argv[1] : "");
	return 2;
}
