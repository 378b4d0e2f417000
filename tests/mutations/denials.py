# SPDX-License-Identifier: Apache-2.0
"""What is told: text that others chose, denials, what /proc shows, the report's numbers."""
VISIBLE = "tests/e2e/test_visible.py"
MUTATIONS = [
    ("C1 controls pass raw", "runner/base/display.c", "{ 0x7f, 0x9f },", "{ 0x7f, 0x7f },",
     [VISIBLE + " Characters.test_what_acts_is_escaped_and_nothing_else"]),
    ("bidi overrides pass raw", "runner/base/display.c", "{ 0x2028, 0x202e },",
     "{ 0x2028, 0x2029 },", [VISIBLE + " Characters.test_what_acts_is_escaped_and_nothing_else"]),
    ("surrogates are text", "runner/base/display.c", "(c >= 0xd800 && c <= 0xdfff)", "c == 0xd800",
     [VISIBLE + " Characters.test_what_is_no_utf8_is_shown_byte_by_byte"]),
    ("hidden characters pass raw into JSON", "runner/base/jout.c",
     "!display_is_hidden(character)", "character >= 0x20",
     [VISIBLE + " Characters.test_what_acts_is_escaped_and_nothing_else"]),
    ("a refusal is printed raw", "runner/cmd_fail.c", 'display_line(stderr, "runner: %s", e->text)',
     'fprintf(stderr, "runner: %s\\n", e->text)',
     [VISIBLE + " Messages.test_names_in_messages"]),
    ("a verdict is printed raw", "runner/report.c",
     'display_line(stderr, "runner: %s: %s", reason_names[o->reason], o->message)',
     'fprintf(stderr, "runner: %s: %s\\n", reason_names[o->reason], o->message)',
     [VISIBLE + " Messages.test_names_in_messages"]),
]
