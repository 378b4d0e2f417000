/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNNER_VERSION_H
#define RUNNER_VERSION_H

#define RUNNER_VERSION "0.1.0"

#endif
