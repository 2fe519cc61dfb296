/* Answers match questions with Oniguruma. One question a line: options, pattern and text, the last two in hexadecimal.
   The answer: E message, N, or M and the byte offsets of every group. */
#include <oniguruma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t unhex(const char *s, UChar *out) {
	size_t n = 0;
	unsigned v;
	for (; s[0] && s[1] && sscanf(s, "%2x", &v) == 1; s += 2)
		out[n++] = (UChar)v;
	return n;
}

static void answer(regex_t *re, const UChar *text, size_t len, OnigRegion *region) {
	int i, r = onig_search(re, text, text + len, text, text + len, region, ONIG_OPTION_NONE);
	if (r == ONIG_MISMATCH) {
		puts("N");
	} else if (r < 0) {
		printf("E %d\n", r);
	} else {
		putchar('M');
		for (i = 0; i < region->num_regs; i++)
			printf(" %d %d", region->beg[i], region->end[i]);
		putchar('\n');
	}
}

int main(void) {
	static char line[1 << 22], opts[64];
	static char last[1 << 22]; /* options and pattern of re */
	regex_t *re = NULL;
	UChar *pat = malloc(1 << 21), *text = malloc(1 << 21);
	OnigEncoding enc = ONIG_ENCODING_UTF8;
	OnigRegion *region = onig_region_new();
	onig_initialize(&enc, 1);
	onig_set_retry_limit_in_match(10000000);
	while (fgets(line, sizeof line, stdin)) {
		char *p = strchr(line, ' '), *t = p ? strchr(p + 1, ' ') : NULL;
		OnigOptionType o = ONIG_OPTION_WORD_IS_ASCII | ONIG_OPTION_DIGIT_IS_ASCII | ONIG_OPTION_SPACE_IS_ASCII;
		OnigErrorInfo einfo;
		UChar msg[ONIG_MAX_ERROR_MESSAGE_LEN];
		size_t plen, tlen;
		int r;
		if (!t)
			continue;
		*p++ = 0;
		*t++ = 0;
		snprintf(opts, sizeof opts, "%s", line);
		if (strchr(opts, 'm'))
			o |= ONIG_OPTION_MULTILINE;
		if (strchr(opts, 'i'))
			o |= ONIG_OPTION_IGNORECASE;
		if (strchr(opts, 'x'))
			o |= ONIG_OPTION_EXTEND;
		tlen = unhex(t, text);
		r = ONIG_NORMAL;
		if (!re || strcmp(last, opts) != 0 || strcmp(last + sizeof opts, p) != 0) {
			if (re)
				onig_free(re);
			re = NULL;
			strcpy(last, opts);
			strcpy(last + sizeof opts, p);
			plen = unhex(p, pat);
			r = onig_new(&re, pat, pat + plen, o, ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &einfo);
			if (r != ONIG_NORMAL)
				re = NULL;
		}
		if (r != ONIG_NORMAL) {
			onig_error_code_to_str(msg, r, &einfo);
			printf("E %s\n", (char *)msg);
		} else {
			const char *b = strchr(opts, 'b');
			if (b) { /* time that many matches, in nanoseconds each */
				long i, count = atol(b + 1);
				struct timespec t0, t1;
				clock_gettime(CLOCK_MONOTONIC, &t0);
				for (i = 0; i < count; i++)
					onig_search(re, text, text + tlen, text, text + tlen, region, ONIG_OPTION_NONE);
				clock_gettime(CLOCK_MONOTONIC, &t1);
				printf("T %.1f\n", ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / count);
			} else {
				answer(re, text, tlen, region);
			}
		}
		fflush(stdout);
	}
	return 0;
}
