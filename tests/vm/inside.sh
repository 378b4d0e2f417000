#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First in the machine: the command runs in a leaf of a delegated cgroup, as a
# system manager would start it: for root by the mark that systemd sets, for the
# test user by ownership.
set -u
chmod 755 /work
# What only such a machine may be told: tests set its sysctls.
export RUNNER_VM=1
cd /work || exit 2
echo "kernel $(uname -r)"
cg=/sys/fs/cgroup
echo "+cpu +io +memory +pids" >$cg/cgroup.subtree_control || exit 2
mkdir -p $cg/agents/caller || exit 2
echo "+cpu +io +memory +pids" >$cg/agents/cgroup.subtree_control || exit 2
chown nobody:nogroup $cg/agents $cg/agents/caller \
	$cg/agents/cgroup.procs $cg/agents/cgroup.subtree_control $cg/agents/cgroup.threads \
	$cg/agents/caller/cgroup.procs || exit 2
python3 -c "import os; os.setxattr('$cg/agents', 'user.delegate', b'1')" || exit 2
# The first bandwidth limit makes the kernel patch its scheduler, and under emulation
# two CPUs may stumble over that (see boot.py): once, now, while nothing runs.
mkdir $cg/patched && echo "50000 100000" >$cg/patched/cpu.max
echo $$ >$cg/agents/caller/cgroup.procs || exit 2
sh ./vm-command
