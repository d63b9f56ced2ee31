// SPDX-License-Identifier: GPL-2.0
#define KMS(what) kms_goes_1_##what
#define KMS_WORDS 5

#include "kms_symbols.h"
