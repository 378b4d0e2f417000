# SPDX-License-Identifier: Apache-2.0
"""What is refused before anything runs, and the words for it."""

HINTS = "tests/e2e/test_hints.py "
REFUSED = "tests/e2e/test_refusals.py BadInput.test_options"

MUTATIONS = [
    ("a grace without an end", "runner/spec.c",
     "v == UNLIMITED ? l->bounded :", "v == UNLIMITED ? false :", [REFUSED, "unit bad profiles get their words"]),
    ("a policy asked for is left out without a word", "runner/spec.c",
     'if (s->seccomp_asked && leaves_out(s, "seccomp"))', "if (0)",
     [HINTS + "Options.test_a_policy_asked_for_and_left_out"]),
    ("a profile's policy counts as asked for", "runner/spec.c",
     'if (s->seccomp_asked && leaves_out(s, "seccomp"))', 'if (leaves_out(s, "seccomp"))',
     [HINTS + "Options.test_a_policy_asked_for_and_left_out"]),
    ("a CR in the #! line is the user's affair", "runner/command.c",
     "	if (!has_cr_in_interpreter(line))", "	if (1)",
     [HINTS + "NotExecutable.test_the_line_ends_of_another_system"]),
    ("a CR in an option of the #! line is refused", "runner/command.c",
     "	return name + n == line + all - 1 ||", "	return true ||",
     [HINTS + "NotExecutable.test_the_line_ends_of_another_system"]),
    ("a CR inside is not seen", "runner/execute.c",
     "line[i - 1] == '\\r' ? BOARD_NOT_CR : BOARD_NOT_THERE", "BOARD_NOT_THERE",
     [HINTS + "NotExecutable.test_the_line_ends_of_another_system"]),
    ("a missing interpreter is a missing file", "runner/verdict_setup.c",
     "	if (b->because == BOARD_NOT_THERE) {", "	if (0) {",
     [HINTS + "NotExecutable.test_an_interpreter_that_is_not_there"]),
    ("words to type again are not looked at", "runner/command.c",
     "n == 0 || strspn(*words, plain) != n ||", "",
     [HINTS + "NotExecutable.test_the_interpreter_before_the_script"]),
    ("a file of the user's is looked for inside", "runner/command.c",
     "	if (!file || stat(file, &st) < 0", "	if (1 || stat(file, &st) < 0",
     [HINTS + "NotExecutable.test_the_interpreter_before_the_script"]),
    ("a policy's own default is passed over", "seccomp/policy.c",
     "base && !own ? base : root", "base ? base : root", ["unit a default of its own"]),
    ("a variable the caller has not stays the profile's", "runner/spec.c",
     "	s->env[i] = (struct spec_env){ name, value };",
     "	if (i == s->n_env || value)\n		s->env[i] = (struct spec_env){ name, value };",
     ["tests/e2e/test_exec.py View.test_a_variable_that_the_caller_has_not"]),
]
