"""What hakmem and Bazel 4's own tools load from @rules_cc//cc:defs.bzl, given by the rules built into that Bazel."""

load("@bazel_tools//tools/cpp:compiler_flag.bzl", _compiler_flag = "compiler_flag")

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
compiler_flag = _compiler_flag
objc_library = native.objc_library

# A file cannot give out a built-in name under that same name; cc_info.bzl does it with this one.
builtin_cc_info = CcInfo  # buildifier: disable=native-cc-info
