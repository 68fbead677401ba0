/* Everything a hostile server might try. Built by the tests twice: as a program that is taken for a server, and as a module that a true
 * server loads. Each attempt says in one line whether it was refused. Built with the places of the outer machine it is to reach:
 *   SECRET   a file outside, which everybody may read       VARIABLE  a variable of the tool's environment
 *   FOLDER   a folder outside, which everybody may write    PORT      a port of 127.0.0.1 outside, on which somebody listens
 *   SOCKET   the name of an abstract socket outside         SELF      the file this is built into */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static FILE *told;
static int tried, succeeded;

static void tell(const char *name, int success) {
    int reason = errno;
    tried++;
    succeeded += success != 0;
    if (told) {
        fprintf(told, "attempt: %s: %s", name, success ? "SUCCEEDED" : "refused");
        fprintf(told, success ? "\n" : " (%s)\n", strerror(reason));
        fflush(told);
    }
}

#define TRY(name, expression) do { errno = 0; int outcome = (expression); tell(name, outcome); } while (0)

static int reads(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_NONBLOCK);
    if (file < 0) return 0;
    int got = read(file, &byte, 1) == 1;
    close(file);
    return got;
}

static int says(const char *path, const char *word) {
    static char text[65536];
    int file = open(path, O_RDONLY);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    return strstr(text, word) != NULL;
}

static int writes(const char *path, const char *content) {
    int file = open(path, O_WRONLY | O_CREAT, 0644);
    if (file < 0) return 0;
    int done = write(file, content, strlen(content)) > 0;
    close(file);
    return done;
}

static int lists(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return 0;
    closedir(folder);
    return 1;
}

static int others(void) {
    DIR *processes = opendir("/proc");
    int seen = 0;
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && pid != getpid() && pid != 1) seen++;
    }
    if (processes) closedir(processes);
    return seen;
}

static int reaches(int kind, const char *address, int port) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &there.sin_addr);
    int line = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    int done = connect(line, (struct sockaddr *)&there, sizeof there) == 0 || errno == EINPROGRESS;
    if (done && kind == SOCK_STREAM) {
        fd_set ready;
        struct timeval patience = {.tv_sec = 1};
        FD_ZERO(&ready);
        FD_SET(line, &ready);
        int failure = ETIMEDOUT;
        socklen_t size = sizeof failure;
        if (select(line + 1, NULL, &ready, NULL, &patience) == 1) getsockopt(line, SOL_SOCKET, SO_ERROR, &failure, &size);
        done = failure == 0;
        errno = failure;
    }
    close(line);
    return done;
}

static int reaches_socket(const char *path, int abstract) {
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    strncpy(there.sun_path + abstract, path, sizeof there.sun_path - 2);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + abstract + strlen(path) + !abstract;
    int line = socket(AF_UNIX, SOCK_STREAM, 0);
    int done = connect(line, (struct sockaddr *)&there, size) == 0;
    close(line);
    return done;
}

static int has_socket(int family, int kind, int protocol) {
    int line = socket(family, kind, protocol);
    if (line >= 0) close(line);
    return line >= 0;
}

static int link_down(void) {
    struct ifreq request = {.ifr_name = "eth0"};
    int line = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(line, SIOCGIFFLAGS, &request);
    request.ifr_flags = 0;
    int done = ioctl(line, SIOCSIFFLAGS, &request) == 0;
    close(line);
    return done;
}

static int signals(void) {
    for (int pid = 1; pid < 4096; pid++) {
        if (pid != getpid() && kill(pid, 0) == 0) return 1;
    }
    return 0;
}

static int multiplies(int most) {
    int born = 0, reason = 0;
    static pid_t children[8192];
    while (born < most) {
        pid_t child = fork();
        if (child == 0) { pause(); _exit(0); }
        if (child < 0) { reason = errno; break; }
        children[born++] = child;
    }
    for (int child = 0; child < born; child++) kill(children[child], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0) {}
    errno = reason;
    return born == most;
}

static int takes_memory(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return 0;
    munmap(memory, bytes);
    return 1;
}

static int fills(const char *path, off_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0) return 0;
    int reason = posix_fallocate(file, 0, bytes);
    close(file);
    unlink(path);
    errno = reason;
    return reason == 0;
}

static int raises(int resource) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    if (limit.rlim_max == RLIM_INFINITY) return 1;
    limit.rlim_max++;
    return setrlimit(resource, &limit) == 0;
}

static int executes(const char *path) {
    static char bytes[65536];
    int from = open("/bin/true", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (from < 0 || to < 0) return 0;
    for (ssize_t length; (length = read(from, bytes, sizeof bytes)) > 0;) if (write(to, bytes, length) != length) return 0;
    close(from);
    close(to);
    pid_t child = fork();
    if (child == 0) { execl(path, path, (char *)NULL); _exit(errno); }
    int status = 0;
    waitpid(child, &status, 0);
    unlink(path);
    errno = WEXITSTATUS(status);
    return status == 0;
}

static int has_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0}};
    syscall(SYS_capget, &header, sets);
    return (sets[0].effective | sets[0].permitted | sets[0].inheritable | sets[1].effective | sets[1].permitted | sets[1].inheritable) != 0;
}

static int gets_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    return syscall(SYS_capset, &header, sets) == 0;
}

static int could_have_capabilities(void) {
    for (int number = 0; number < 41; number++) if (prctl(PR_CAPBSET_READ, number) == 1) return 1;
    return 0;
}

static int unshares(int flags) {
    pid_t child = fork();
    if (child == 0) { _exit(unshare(flags) == 0 ? 0 : errno); }
    int status = 0;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    return status == 0;
}

static int clones(int flags) {
    pid_t child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    if (child < 0) return 0;
    waitpid(child, NULL, 0);
    return 1;
}

static int inherits(void) {
    for (int file = 3; file < 1024; file++) {
        struct stat seen;
        char name[64], target[256] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", file);
        if (fstat(file, &seen) == 0 && readlink(name, target, sizeof target - 1) > 0 && strstr(target, "redquake")) return 1;
    }
    return 0;
}

static int looks_into(pid_t pid) { return ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0; }

/* What does no harm where it succeeds: tried outside as well, so that a refusal inside means something. */
static void harmless(void) {
    TRY("read a file of somebody's", reads(SECRET));
    TRY("list a folder of somebody's", lists(FOLDER));
    TRY("write into a folder of somebody's", writes(FOLDER "/planted", "x"));
    TRY("read a variable of the tool's", getenv(VARIABLE) != NULL);
    TRY("learn who has an account here", says("/etc/passwd", "root:"));
    TRY("see other processes", others());
    TRY("send a signal to another process", signals());
    TRY("reach a service of the machine", reaches(SOCK_STREAM, "127.0.0.1", PORT));
    TRY("reach a socket of the machine", reaches_socket(SOCKET, 1));
    TRY("see the folders of other users", lists("/home"));
    TRY("see what the machine keeps", lists("/var"));
    TRY("learn the name of the file system's devices", lists("/sys/class/block"));
}

static void all(void) {
    static char folder[512], path[600];
    harmless();
    TRY("read the passwords", reads("/etc/shadow"));
    TRY("list the folder of root", lists("/root"));
    TRY("read the memory of the kernel", reads("/proc/kcore"));
    TRY("read the messages of the kernel", syscall(SYS_syslog, 3, path, sizeof path) > 0 || reads("/dev/kmsg"));
    TRY("read the first disk", reads("/dev/vda") || reads("/dev/sda"));
    TRY("use a descriptor of the tool's", inherits());
    TRY("write into /etc", writes("/etc/planted", "x"));
    TRY("write beside the system's programs", writes("/usr/bin/planted", "x"));
    TRY("write into the root folder", writes("/planted", "x"));
    TRY("change its own program", writes(SELF, "x") || chmod(SELF, 0777) == 0);
    TRY("have its crashes handled by a program", writes("/proc/sys/kernel/core_pattern", "|/bin/true"));
    TRY("switch routing on", writes("/proc/sys/net/ipv4/ip_forward", "1"));
    TRY("reach the system's keys", writes("/proc/sysrq-trigger", "h"));
    TRY("change how memory is managed", writes("/sys/kernel/mm/transparent_hugepage/enabled", "never"));
    TRY("make a device", mknod("device", S_IFBLK | 0600, 0xfe00) == 0 || mknod("/tmp/device", S_IFCHR | 0600, 0x0101) == 0);
    TRY("execute what it has written to /tmp", executes("/tmp/program"));
    snprintf(path, sizeof path, "%s/program", getcwd(folder, sizeof folder) ? folder : "");
    TRY("execute what it has written to its folder", executes(path));
    TRY("reach the Docker engine", reaches_socket("/var/run/docker.sock", 0) || reaches_socket("/run/docker.sock", 0));
    TRY("reach the system's bus", reaches_socket("/run/dbus/system_bus_socket", 0));
    TRY("reach the internet", reaches(SOCK_STREAM, "1.1.1.1", 53) || reaches(SOCK_DGRAM, "8.8.8.8", 53));
    TRY("reach the metadata of a cloud", reaches(SOCK_STREAM, "169.254.169.254", 80));
    TRY("write packets by hand", has_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) || has_socket(AF_PACKET, SOCK_RAW, 0));
    TRY("change the rules of packets", has_socket(AF_NETLINK, SOCK_RAW, 12));
    TRY("reach the machine below a virtual one", has_socket(40, SOCK_STREAM, 0));
    TRY("cut its own link", link_down());
    TRY("look into another process", looks_into(1) || looks_into(getppid()));
    TRY("read another process's memory", syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0) == 0);
    TRY("fork without end", multiplies(5000));
    TRY("take all memory", takes_memory(1ull << 40));
    TRY("fill its folder", fills("filled", 1ll << 38));
    TRY("fill /tmp", fills("/tmp/filled", 1ll << 28));
    TRY("fill shared memory", fills("/dev/shm/filled", 1ll << 28));
    TRY("raise the limit of its files", raises(RLIMIT_NOFILE));
    TRY("raise the limit of its memory", raises(RLIMIT_DATA));
    TRY("leave a core", raises(RLIMIT_CORE));
    TRY("have a capability", has_capabilities());
    TRY("take a capability", gets_capabilities());
    TRY("have a capability through a program", could_have_capabilities());
    TRY("gain rights through a program", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    TRY("become root", setuid(0) == 0 || setresuid(0, 0, 0) == 0 || getuid() == 0);
    TRY("join a group", setgroups(0, NULL) == 0 || setgid(0) == 0);
    TRY("make a user namespace", unshares(CLONE_NEWUSER));
    TRY("be born into a user namespace", clones(CLONE_NEWUSER));
    TRY("make a mount namespace", unshares(CLONE_NEWNS));
    TRY("make a network namespace", unshares(CLONE_NEWNET));
    int own = open("/proc/1/ns/mnt", O_RDONLY);
    TRY("join a namespace", setns(own, 0) == 0);
    TRY("mount a file system", mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
    TRY("make the system writable", mount("none", "/usr", NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
    TRY("take away what hides the machine", umount2("/proc/sys", MNT_DETACH) == 0 || umount2("/", MNT_DETACH) == 0);
    TRY("make a mount by the newer calls", syscall(SYS_fsopen, "tmpfs", 0) >= 0 || syscall(SYS_open_tree, AT_FDCWD, "/", 1) >= 0);
    TRY("change its root", chroot("/tmp") == 0 || syscall(SYS_pivot_root, "/tmp", "/tmp") == 0);
    TRY("open a file by its number", syscall(SYS_open_by_handle_at, AT_FDCWD, path, O_RDONLY) >= 0);
    TRY("load code into the kernel", syscall(SYS_init_module, path, 1, "") == 0 || syscall(SYS_bpf, 5, path, 0) >= 0);
    TRY("start another kernel", syscall(SYS_kexec_load, 0, 0, NULL, 0) == 0);
    TRY("look into the processor", syscall(SYS_perf_event_open, path, 0, -1, -1, 0) >= 0);
    TRY("use the kernel's keys", syscall(SYS_keyctl, 0, -3, 0) >= 0);
    TRY("hand work to the kernel unseen", syscall(SYS_io_uring_setup, 8, path) >= 0 || errno == EINVAL);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    TRY("set the clock", clock_settime(CLOCK_REALTIME, &now) == 0);
    TRY("switch swapping off", swapoff("/no/such/file") == 0 || errno == ENOENT);
    TRY("switch Ctrl-Alt-Del off", reboot(RB_DISABLE_CAD) == 0);
    TRY("name the machine", sethostname("planted", 7) == 0);
}

#ifdef MODULE

/* A server's module runs all of it when it is loaded. */
int RedisModule_OnLoad(void **context, void **arguments, int count) {
    (void)arguments;
    (void)count;
    int (*find)(const char *, void *) = (int (*)(const char *, void *))context[0];
    void (*name)(void *, const char *, int, int);
    find("RedisModule_SetModuleAttribs", (void *)&name);
    name(context, "attempts", 1, 1);
    told = stdout;
    all();
    printf("attempts: %d, succeeded: %d\n", tried, succeeded);
    fflush(stdout);
    return 0;
}

#else

static void stays(void) {
    if (fork() != 0) return;
    setsid();
    if (fork() != 0) _exit(0);
    prctl(PR_SET_NAME, MARK);
    for (;;) pause();
}

int main(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "harmless") == 0) {
        told = stdout;
        harmless();
        return 0;
    }
    if (count > 1 && strcmp(arguments[1], "--version") == 0) {
        /* Asked for its version, it tells what it could do: the only way there is out of where it is asked. */
        all();
        stays();
        printf("Redis server v=7.%d.%d sha=0\n", succeeded, tried);
        return 0;
    }
    told = stdout;
    all();
    printf("attempts: %d, succeeded: %d\n", tried, succeeded);
    /* A trap for whoever writes the configuration again. */
    if (count > 1 && unlink(arguments[1]) == 0) printf("trap: %s\n", symlink(SECRET, arguments[1]) == 0 ? "set" : "not set");
    fflush(stdout);
    stays();
    return 0;
}

#endif
