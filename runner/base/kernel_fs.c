/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kernel_fs.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/statfs.h>

/* linux/magic.h and the file systems' sources. */
static const struct {
	uint32_t magic;
	const char *name;
} kernel_fs[] = {
	{ 0x00009fa0, "proc" },	      { 0x62656572, "sysfs" },	    { 0x0027e0eb, "cgroup" },
	{ 0x63677270, "cgroup2" },    { 0x64626720, "debugfs" },    { 0x74726163, "tracefs" },
	{ 0x73636673, "securityfs" }, { 0xcafe4a11, "bpf" },	    { 0x6165676c, "pstore" },
	{ 0x00001cd1, "devpts" },     { 0x19800202, "mqueue" },	    { 0x6e736673, "nsfs" },
	{ 0x50494446, "pidfs" },      { 0xf97cff8c, "selinuxfs" },  { 0x43415d53, "smackfs" },
	{ 0xde5e81e4, "efivarfs" },   { 0x62656570, "configfs" },   { 0x42494e4d, "binfmt_misc" },
	{ 0x65735543, "fusectl" },    { 0x67596969, "rpc_pipefs" }, { 0x6e667364, "nfsd" },
	{ 0x958458f6, "hugetlbfs" },  { 0x09041934, "anon_inode" }, { 0x534f434b, "sockfs" },
	{ 0x50495045, "pipefs" },     { 0x62646576, "bdev" },	    { 0x64646178, "dax" },
	{ 0x00009fa1, "openpromfs" }, { 0xabba1974, "xenfs" },	    { 0x00009fa2, "usbdevfs" },
	{ 0x07655821, "resctrl" },    { 0x6c6f6f70, "binder" },	    { 0x454d444d, "devmem" },
	{ 0x5345434d, "secretmem" },  { 0x444d4142, "dma_buf" },    { 0x474d454d, "guest_memfd" },
	{ 0x5a3c69f0, "apparmorfs" }, { 0xaee71ee7, "gadgetfs" },   { 0x00000187, "autofs" },
};

const char *kernel_fs_name(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return "one that does not say what it is";
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++)
		if (kernel_fs[i].magic == (uint32_t)fs.f_type)
			return kernel_fs[i].name;
	return NULL;
}

bool kernel_fs_is(const char *type)
{
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++)
		if (strcmp(kernel_fs[i].name, type) == 0)
			return true;
	return false;
}
