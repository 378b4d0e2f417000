# SPDX-License-Identifier: Apache-2.0
"""Chroots, and what doctor says of a host."""
AGREE = "tests/e2e/test_hosts.py Agreement.test_doctor_says_what_exec_does"
OUTSIDE = "tests/e2e/test_hosts.py Chroot.test_what_is_mounted_outside_stays_as_it_was"
BINDS = "tests/e2e/test_hosts.py Chroot.test_binds_id_maps_and_relative_paths"

MUTATIONS = [
    ("a chroot's mounts propagate", "runner/layer/chroot.c",
     'raw5(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)',
     'raw5(SYS_mount, NULL, "/", NULL, MS_REC | MS_SHARED, NULL)', [OUTSIDE]),
    ("a chroot on a plain directory is not left", "runner/layer/namespaces.c",
     "return r == -EINVAL ? chroot_become_root() : (int)r;", "return (int)r;", [AGREE]),
    ("a chroot below a shared mount is not left", "runner/layer/root.c",
     "if (r == -EINVAL)\n\t\tr = chroot_pivot", "if (0)\n\t\tr = chroot_pivot", [AGREE]),
    ("a chroot on a mount point is not left", "runner/layer/identity.c",
     "if (r == -EPERM && chroot_pivot", "if (0 && chroot_pivot", [AGREE]),
    ("root without CAP_SYS_CHROOT is refused", "runner/layer/identity.c",
     "if (r == -EPERM)\n\t\tr = set_capabilities(needed",
     "if (r == -EPERM && !plan_has(p, LAYER_USER_NS))\n\t\tr = set_capabilities(needed", [AGREE]),
    ("no id map in a chroot", "runner/idmap.c",
     "if (pid == -EPERM)", "if (0)", [BINDS]),
    ("a chroot loses the cwd", "runner/layer/chroot.c",
     "raw1(SYS_chdir, cwd);", ";", [BINDS]),
    ("doctor is content whatever exec says", "runner/cmd_doctor.c",
     "return trial.works ? 0 : 1;", "return 0;", [AGREE]),
    ("doctor does not run anything", "runner/trial.c",
     't->works = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&\n'
     '\t\t\t   strcmp(said, answer) == 0;',
     't->works = true;', [AGREE]),
    ("doctor does not name the layer of the trial", "runner/cmd_doctor.c",
     "f->state = FINDING_MISSING;", ";", [AGREE]),
    ("a refused namespace has no layer", "runner/remedy.c",
     "if (!is_made(0))", "if (1)", [AGREE]),
    ("a chroot is not recognized", "runner/remedy.c",
     "!(st[1] & RAW_STATX_ATTR_MOUNT_ROOT)", "0", [AGREE]),
    ("a filter from outside is not recognized", "runner/remedy.c",
     "at[10] == '2'", "at[10] == '9'", [AGREE]),
    ("a missing /proc is not recognized", "runner/remedy.c",
     "error == ENOENT && has_no_proc()", "0", [AGREE]),
    ("a runner that nobody may read is called broken", "runner/trial.c",
     "access(self, R_OK) == 0 ? probe : command", "probe",
     ["tests/e2e/test_doctor.py Trial.test_a_runner_that_nobody_may_read"]),
    ("doctor's lines do not fit", "runner/cmd_doctor.c", "size_t room = width - indent;",
     "size_t room = width;", ["tests/e2e/test_doctor.py Terminal.test_lines_fit"]),
    ("a limit of 0 namespaces is not seen", "runner/layer/namespaces.c",
     "limit[0] == '0'", "limit[0] == 'x'", [AGREE]),
]
