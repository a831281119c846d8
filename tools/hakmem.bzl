"""The rules that the core and its tests are built with."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")
load(":flags.bzl", "flag_macros")

WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wundef",
    "-Wshadow",
    "-Werror",
]

# A call of malloc stays a call: in the core no loop becomes a calloc, in a test no block is left out as unused.
NO_BUILTIN_MALLOC = [
    "-fno-builtin-malloc",
    "-fno-builtin-calloc",
    "-fno-builtin-realloc",
    "-fno-builtin-free",
]

# The core, and the loads that measure it, in every build but one for a debugger: whoever builds a program without
# optimisation still expects a fast malloc.
OPTIMISED = select({
    "//tools:for_debugger": [],
    "//conditions:default": ["-O3"],
})

_CORE_COPTS = WARNINGS + NO_BUILTIN_MALLOC + [
    "-std=gnu11",
    "-Wconversion",
    "-Wstrict-prototypes",
    # The names of libc are given out by frontend/ alone, and each entry is marked there.
    "-fvisibility=hidden",
    # A library opened with dlopen still finds its thread-locals without a call.
    "-ftls-model=initial-exec",
    # Bazel's own defaults, which cost every call of malloc a few instructions.
    "-fomit-frame-pointer",
    "-fno-stack-protector",
    # One set of objects serves programs and libhakmem.so.
    "-fPIC",
]

# For what little of the core is C++.
CXX_COPTS = WARNINGS + [
    "-fPIC",
    "-fno-rtti",
    "-fvisibility=hidden",
]

def hak_cc_library(name, copts = [], local_defines = [], **kwargs):
    """A library of the core: C11, nothing but libc beneath it, compiled with the macros of all flags."""
    cc_library(
        name = name,
        copts = _CORE_COPTS + OPTIMISED + copts,
        local_defines = flag_macros() + local_defines,
        # The core is never a shared library of its own: it would then be in a program twice.
        linkstatic = True,
        **kwargs
    )

def hak_cc_test(name, size = "small", copts = [], deps = [], local_defines = [], **kwargs):
    """A GoogleTest program with its main; it reads the headers of the core under the same macros as the core."""
    cc_test(
        name = name,
        size = size,
        copts = WARNINGS + NO_BUILTIN_MALLOC + copts,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        local_defines = flag_macros() + local_defines,
        linkstatic = True,
        **kwargs
    )
