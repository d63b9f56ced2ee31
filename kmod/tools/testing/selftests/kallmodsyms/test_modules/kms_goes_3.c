// SPDX-License-Identifier: GPL-2.0
#define KMS(what) kms_goes_3_##what
#define KMS_WORDS 700

#include "kms_symbols.h"
