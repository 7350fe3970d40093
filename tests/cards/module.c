/* A PKCS #11 module that behaves as bad vendor modules do: C_Initialize hangs, crashes or prints. */
#include <stdio.h>
#include <unistd.h>

#ifndef BEHAVIOUR
#define BEHAVIOUR 0
#endif

static unsigned long bad_initialize(void *arguments) {
	(void)arguments;
#if BEHAVIOUR == 1
	for (;;) pause();
#elif BEHAVIOUR == 2
	*(volatile int *)0 = 0;
#else
	printf("{\"id\": 1, \"ok\": \"the module printed this\"}\n");
	fflush(stdout);
#endif
	return 5; /* CKR_GENERAL_ERROR */
}

static unsigned long refuse(void) { return 5; }

static struct {
	unsigned char version[2];
	void *functions[68];
} list;

unsigned long C_GetFunctionList(void **out) {
	int at;
	list.version[0] = 2;
	list.version[1] = 40;
	for (at = 0; at < 68; at++) list.functions[at] = (void *)refuse;
	list.functions[0] = (void *)bad_initialize;
	*out = &list;
	return 0;
}
