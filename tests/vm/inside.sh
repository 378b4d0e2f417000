#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First in the machine: a cgroup for a user, as a system manager would delegate it,
# and then the command.
set -u
cd /work || exit 2
echo "kernel $(uname -r)"
cg=/sys/fs/cgroup
echo "+cpu +io +memory +pids" >$cg/cgroup.subtree_control || exit 2
chown -R tester: /home/tester
sh ./vm-command
