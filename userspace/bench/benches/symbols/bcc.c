// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Address look-ups with libbcc: bcc TIMES <ADDRESSES, one in hex a line.
//
// Prints how many nanoseconds it took to look all of them up so many times; where TIMES is 0,
// the start of the symbol at each address instead, 0 for none.
#include <bcc/bcc_syms.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t start_at(void *cache, uint64_t address)
{
	struct bcc_symbol symbol;

	if (bcc_symcache_resolve_no_demangle(cache, address, &symbol))
		return 0;
	return address - symbol.offset;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	static uint64_t addresses[1 << 20];
	size_t count = 0;
	uint64_t times, begin;
	volatile uint64_t sum = 0;
	void *cache;

	if (argc != 2) {
		fprintf(stderr, "usage: bcc TIMES <ADDRESSES\n");
		return 2;
	}
	times = strtoull(argv[1], NULL, 10);
	while (count < sizeof(addresses) / sizeof(*addresses) && scanf("%" SCNx64, &addresses[count]) == 1)
		count++;
	cache = bcc_symcache_new(-1, NULL);
	if (!cache || !count) {
		fprintf(stderr, "bcc: no symbols or no addresses\n");
		return 1;
	}
	// The first round reads the file.
	for (size_t i = 0; i < count; i++) {
		uint64_t start = start_at(cache, addresses[i]);

		if (!times)
			printf("%" PRIx64 "\n", start);
	}
	if (!times)
		return 0;
	begin = now();
	for (uint64_t round = 0; round < times; round++)
		for (size_t i = 0; i < count; i++)
			sum += start_at(cache, addresses[i]);
	printf("%" PRIu64 "\n", now() - begin);
	return 0;
}
