/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges: nothing to lose and nothing to gain (capabilities(7),
 * PR_SET_NO_NEW_PRIVS in prctl(2), keyrings(7)).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/raw.h"
#include "layer/layer.h"

/* -- keyring --------------------------------------------------------------- */

IN_CHILD static int enter_keyring(struct child *c)
{
	long r = raw2(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);

	(void)c;
	/* A kernel without keyrings has none to keep apart. */
	return r < 0 && r != -ENOSYS ? (int)r : 0;
}

IN_CHILD static int prove_keyring(struct child *c)
{
	/* "keyring;uid;gid;perm;_ses": joined. The user's default is "_uid_ses.N". */
	char text[128];
	long r = raw4(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof(text));
	bool own = r > 6 && r <= (long)sizeof(text) && text[r - 6] == ';' && text[r - 5] == '_' &&
		   text[r - 4] == 's' && text[r - 3] == 'e' && text[r - 2] == 's';

	return child_check(c, LAYER_KEYRING, r == -ENOSYS || own,
			   "there is no session keyring of our own");
}

const struct layer layer_keyring = {
	.name = "keyring",
	.summary = "an empty session keyring: none of the caller's keys",
	.why_here = "after the change of identity: the new owner holds it",
	.actor = BY_PAYLOAD,
	.enter = enter_keyring,
	.prove = prove_keyring,
};

/* -- capabilities ---------------------------------------------------------- */

enum {
	SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
};

IN_CHILD static int set_capabilities_empty(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return (int)raw2(SYS_capset, &header, none);
}

IN_CHILD static int enter_capabilities(struct child *c)
{
	long r = raw5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	(void)c;
	/* PR_SET_KEEPCAPS, which init sets as root, is among the bits this clears. */
	if (r == 0)
		r = raw5(SYS_prctl, PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0);
	for (int cap = 0; r == 0; cap++)
		r = raw5(SYS_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (r != -EINVAL) /* the first number past the last capability */
		return r == 0 ? -EIO : (int)r;
	return set_capabilities_empty();
}

IN_CHILD static int prove_capabilities(struct child *c)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	long r = raw2(SYS_capget, &header, d);
	int p = child_check(c, LAYER_CAPABILITIES,
			    r == 0 && !(d[0].effective | d[0].permitted | d[0].inheritable |
					d[1].effective | d[1].permitted | d[1].inheritable),
			    "a capability is left");
	long cap = 0;

	if (p < 0)
		return p;
	do {
		r = raw5(SYS_prctl, PR_CAPBSET_READ, cap++, 0, 0, 0);
	} while (r == 0);
	p = child_check(c, LAYER_CAPABILITIES, r == -EINVAL,
			"the bounding set still holds a capability");
	if (p < 0)
		return p;
	p = child_check(c, LAYER_CAPABILITIES,
			raw5(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0) == SECUREBITS,
			"the securebits are not locked");
	if (p < 0)
		return p;
	p = child_check(c, LAYER_CAPABILITIES, raw1(SYS_chroot, "/") < 0, "chroot(2) succeeded");
	if (p < 0)
		return p;
	p = child_check(c, LAYER_CAPABILITIES, raw2(SYS_setgroups, 0, NULL) < 0,
			"setgroups(2) succeeded");
	if (p < 0)
		return p;
	p = child_check(c, LAYER_CAPABILITIES, raw2(SYS_sethostname, "proof", 5) < 0,
			"sethostname(2) succeeded");
	if (p < 0)
		return p;
	return child_check(c, LAYER_CAPABILITIES,
			   raw5(SYS_mount, "proof", "/", "tmpfs", 0, NULL) < 0,
			   "mount(2) succeeded");
}

const struct layer layer_capabilities = {
	.name = "capabilities",
	.summary = "all five capability sets empty, securebits locked",
	.why_here = "when no later row needs a capability",
	.actor = BY_PAYLOAD,
	.enter = enter_capabilities,
	.prove = prove_capabilities,
};

/* -- no_new_privs ---------------------------------------------------------- */

IN_CHILD static int enter_nnp(struct child *c)
{
	(void)c;
	return (int)raw5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

IN_CHILD static int prove_nnp(struct child *c)
{
	return child_check(c, LAYER_NO_NEW_PRIVS,
			   raw5(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
			   "no_new_privs is off");
}

const struct layer layer_no_new_privs = {
	.name = "no_new_privs",
	.summary = "no setuid program or file capability raises anything",
	.why_here = "by init, which loads a filter as well; the payload inherits it",
	.kept_because = "the kernel refuses Landlock and seccomp without it",
	.actor = BY_INIT,
	.enter = enter_nnp,
	.prove = prove_nnp,
};
