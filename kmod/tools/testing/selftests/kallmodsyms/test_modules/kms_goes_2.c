// SPDX-License-Identifier: GPL-2.0
#define KMS(what) kms_goes_2_##what
#define KMS_WORDS 50

#include "kms_symbols.h"
