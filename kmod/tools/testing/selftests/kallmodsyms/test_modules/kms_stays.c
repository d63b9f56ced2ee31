// SPDX-License-Identifier: GPL-2.0
#define KMS(what) kms_stays_##what
#define KMS_WORDS 3

#include "kms_symbols.h"
