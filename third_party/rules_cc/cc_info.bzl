"""The provider that rules load from @rules_cc//cc/common:cc_info.bzl."""

load("//cc:defs.bzl", "builtin_cc_info")

CcInfo = builtin_cc_info
