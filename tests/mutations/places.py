# SPDX-License-Identifier: Apache-2.0
"""Binds, where the report goes, fields of a profile, Landlock's rights."""

FIELDS = "tests/e2e/test_fields.py "

MUTATIONS = [
    ("a built-in profile loses its programs", "tools/embed.c",
     'write_names("programs", s.programs, s.n_programs);', "",
     [FIELDS + "Fields.test_embedding_loses_nothing"]),
    ("an empty list of programs lets all be executed", "tools/embed.c",
     'number("only_programs", s.only_programs);', "",
     [FIELDS + "Fields.test_embedding_loses_nothing"]),
    ("profile show drops programs", "runner/cmd_profile.c",
     'print_names(j, "programs", s->programs, s->n_programs);', ";",
     [FIELDS + "Fields.test_what_is_shown_is_the_same_profile"]),
    ("profile show drops require", "runner/cmd_profile.c",
     "	if (s->require_cgroup)\n", "	if (0)\n",
     [FIELDS + "Fields.test_every_value_is_shown_as_it_was_written"]),
    ("profile check knows no layer", "runner/cmd_profile.c",
     "|| plan_check(&s, &e) < 0", "",
     [FIELDS + "Check.test_check_and_exec_agree"]),
]
