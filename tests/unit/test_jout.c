/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jout.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

/* Every byte value, and random ones: jansson must be able to read it back. */
static void any_bytes_are_valid_json(void)
{
	srand(1);
	for (int round = 0; round < 2000; round++) {
		char bytes[32];
		size_t n = (size_t)(rand() % 32);
		struct jout j = { 0 };
		json_t *back;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(round < 256 ? round : rand());
		jout_object(&j, NULL);
		jout_string_n(&j, "k", bytes, n);
		jout_end_object(&j);
		CU_ASSERT_EQUAL_FATAL(jout_finish(&j), 0);
		back = json_loads(j.text, JSON_ALLOW_NUL, NULL);
		CU_ASSERT_PTR_NOT_NULL(back);
		json_decref(back);
		jout_clear(&j);
	}
}

static void good_utf8_is_kept(void)
{
	static const char text[] = "a\"\\\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f";
	struct jout j = { 0 };
	json_t *back;

	jout_array(&j, NULL);
	jout_string(&j, NULL, text);
	jout_end_array(&j);
	CU_ASSERT_EQUAL_FATAL(jout_finish(&j), 0);
	back = json_loads(j.text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(back, 0)), text);
	json_decref(back);
	jout_clear(&j);
}

static void bad_utf8_becomes_a_replacement(void)
{
	/* overlong, surrogate, past the end, cut off */
	static const char *const bad[] = { "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "\xe2\x82" };

	for (int i = 0; i < 4; i++) {
		struct jout j = { 0 };

		jout_string(&j, NULL, bad[i]);
		jout_finish(&j);
		CU_ASSERT_PTR_NOT_NULL(strstr(j.text, "\xef\xbf\xbd"));
		CU_ASSERT_PTR_NULL(strstr(j.text, bad[i]));
		jout_clear(&j);
	}
}

static void nesting_and_numbers(void)
{
	struct jout j = { 0 };

	jout_object(&j, NULL);
	jout_uint(&j, "u", UINT64_MAX - 1);
	jout_limit(&j, "l", UINT64_MAX);
	jout_int(&j, "i", INT64_MIN);
	jout_int(&j, "p", 70);
	jout_uint(&j, "z", 0);
	jout_milli(&j, "m", 1005);
	jout_object(&j, "o");
	jout_end_object(&j);
	jout_end_object(&j);
	CU_ASSERT_EQUAL_FATAL(jout_finish(&j), 0);
	CU_ASSERT_STRING_EQUAL(j.text, "{\n  \"u\": 18446744073709551614,\n  \"l\": null,\n"
				       "  \"i\": -9223372036854775808,\n  \"p\": 70,\n"
				       "  \"z\": 0,\n  \"m\": 1.005,\n  \"o\": {}\n}\n");
	jout_clear(&j);
}

static void a_lent_buffer_is_outgrown(void)
{
	char buffer[64];
	struct jout j;

	jout_lend(&j, buffer, sizeof(buffer));
	jout_array(&j, NULL);
	jout_string(&j, NULL, "short");
	CU_ASSERT_PTR_EQUAL(j.text, buffer);
	for (int i = 0; i < 20; i++)
		jout_uint(&j, NULL, 1234567);
	CU_ASSERT_PTR_NOT_EQUAL(j.text, buffer);
	jout_end_array(&j);
	CU_ASSERT_EQUAL_FATAL(jout_finish(&j), 0);
	CU_ASSERT_EQUAL(strncmp(j.text, "[\n  \"short\",\n  1234567,\n", 24), 0);
	CU_ASSERT_EQUAL(j.length, 2 + 10 + 20 * 11 + 2);
	jout_clear(&j);
}

CU_TestInfo jout_tests[] = {
	{ "any bytes are valid JSON", any_bytes_are_valid_json },
	{ "good UTF-8 is kept", good_utf8_is_kept },
	{ "bad UTF-8 becomes a replacement", bad_utf8_becomes_a_replacement },
	{ "nesting and numbers", nesting_and_numbers },
	{ "a lent buffer is outgrown", a_lent_buffer_is_outgrown },
	CU_TEST_INFO_NULL,
};
