/* A stopwatch between a program and the smart card stack below it.
 *
 * One library that stands in for two: for libpcsclite.so.1 (found first by LD_LIBRARY_PATH) and for
 * a PKCS #11 module (named as the module to load). Every call is handed on unchanged; its duration is
 * added to counters in the file named by STOPWATCH, which all measured processes share. PC/SC calls
 * that a module makes are also counted apart, so that the module's own work can be told.
 *
 * Built with -DREAL_PCSC="…" -DREAL_MODULE="…". No argument or answer is looked at.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef long long word;
typedef long (*function)(word, word, word, word, word, word, word, word);

struct counters {
    _Atomic word commands;            /* SCardTransmit calls */
    _Atomic word reader_ns;           /* inside any PC/SC call */
    _Atomic word reader_in_module_ns; /* the part of it that a module called */
    _Atomic word module_calls;
    _Atomic word module_ns;           /* inside any PKCS #11 call */
    /* two more numbers follow in the file: see measured_service.py */
};

static struct counters nowhere, *counters = &nowhere;
static _Thread_local int in_module;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("STOPWATCH");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) counters = shared;
    close(file);
}

static word now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* --- PC/SC ------------------------------------------------------------------------------------- */

static void *pcsc(const char *name) {
    static void *library;
    if (!library) library = dlopen(REAL_PCSC, RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}

static void add_reader(word began) {
    word took = now_ns() - began;
    counters->reader_ns += took;
    if (in_module) counters->reader_in_module_ns += took;
}

#define PCSC(name)                                                                        \
    long name(word a, word b, word c, word d, word e, word f, word g, word h) {           \
        static function real;                                                             \
        if (!real) real = (function)pcsc(#name);                                          \
        word began = now_ns();                                                            \
        long result = real(a, b, c, d, e, f, g, h);                                       \
        add_reader(began);                                                                \
        return result;                                                                    \
    }

PCSC(SCardEstablishContext) PCSC(SCardReleaseContext) PCSC(SCardIsValidContext) PCSC(SCardConnect)
PCSC(SCardReconnect) PCSC(SCardDisconnect) PCSC(SCardBeginTransaction) PCSC(SCardEndTransaction)
PCSC(SCardStatus) PCSC(SCardGetStatusChange) PCSC(SCardControl) PCSC(SCardListReaderGroups)
PCSC(SCardListReaders) PCSC(SCardFreeMemory) PCSC(SCardCancel) PCSC(SCardGetAttrib) PCSC(SCardSetAttrib)

long SCardTransmit(word a, word b, word c, word d, word e, word f, word g) {
    static long (*real)(word, word, word, word, word, word, word);
    if (!real) real = (long (*)(word, word, word, word, word, word, word))pcsc("SCardTransmit");
    word began = now_ns();
    long result = real(a, b, c, d, e, f, g);
    add_reader(began);
    counters->commands += 1;
    return result;
}

const char *pcsc_stringify_error(long code) {
    const char *(*real)(long) = (const char *(*)(long))pcsc("pcsc_stringify_error");
    return real(code);
}

struct pci { unsigned long protocol, length; };
const struct pci g_rgSCardT0Pci = {1, sizeof(struct pci)};
const struct pci g_rgSCardT1Pci = {2, sizeof(struct pci)};
const struct pci g_rgSCardRawPci = {4, sizeof(struct pci)};

/* --- PKCS #11 ---------------------------------------------------------------------------------- */

#define FUNCTIONS 68 /* CK_FUNCTION_LIST of PKCS #11 v2.40, C_Initialize to C_WaitForSlotEvent */
#define GET_FUNCTION_LIST 3

struct function_list { unsigned char version[2]; function entries[FUNCTIONS]; };

static struct function_list *real_list, our_list;

static long timed(int index, word a, word b, word c, word d, word e, word f, word g, word h) {
    word began = now_ns();
    in_module += 1;
    long result = real_list->entries[index](a, b, c, d, e, f, g, h);
    in_module -= 1;
    counters->module_ns += now_ns() - began;
    counters->module_calls += 1;
    return result;
}

#define ENTRY(n) \
    static long entry_##n(word a, word b, word c, word d, word e, word f, word g, word h) { \
        return timed(n, a, b, c, d, e, f, g, h);                                            \
    }
#define TEN(m, t) m(t##0) m(t##1) m(t##2) m(t##3) m(t##4) m(t##5) m(t##6) m(t##7) m(t##8) m(t##9)
#define ALL(m) TEN(m, ) TEN(m, 1) TEN(m, 2) TEN(m, 3) TEN(m, 4) TEN(m, 5) m(60) m(61) m(62) m(63) m(64) m(65) m(66) m(67)
ALL(ENTRY)
#define NAME(n) entry_##n,
static const function entries[FUNCTIONS] = {ALL(NAME)};

long C_GetFunctionList(struct function_list **list) {
    if (!real_list) {
        void *library = dlopen(REAL_MODULE, RTLD_NOW | RTLD_LOCAL);
        long (*get)(struct function_list **) =
            library ? (long (*)(struct function_list **))dlsym(library, "C_GetFunctionList") : NULL;
        if (!get || get(&real_list)) return 5; /* CKR_GENERAL_ERROR */
        memcpy(our_list.version, real_list->version, sizeof our_list.version);
        memcpy(our_list.entries, entries, sizeof entries);
        our_list.entries[GET_FUNCTION_LIST] = (function)(void *)C_GetFunctionList;
    }
    *list = &our_list;
    return 0;
}
