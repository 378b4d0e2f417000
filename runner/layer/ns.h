/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns: what the rows that own a namespace share.
 */
#ifndef RUNNER_LAYER_NS_H
#define RUNNER_LAYER_NS_H

#include "layer/layer.h"

/** For doctor: does the kernel have this kind of namespace? */
void ns_probe(enum host_ns ns, struct finding *ret);

#endif
