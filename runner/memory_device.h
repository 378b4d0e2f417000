/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNNER_MEMORY_DEVICE_H
#define RUNNER_MEMORY_DEVICE_H

#include <sys/types.h>

/** On which the kernel keeps shared anonymous memory, memfds and segments; 0: not known. */
dev_t memory_device(void);

#endif
