"""Targets built with other flags than the rest of the build, without a command line.

    hakmem_variant(name = "hakmem_fast", actual = ":hakmem", flags = {"checks": "fast"})
    hakmem_variant_file(name = "libhakmem_fast.so", actual = ":libhakmem.so", flags = {"checks": "fast"})

The first is a library, for deps and for malloc; a program takes one variant only. The second is a file with the
name of the target: a shared library or a program.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load(":flags.bzl", "BOOL_FLAGS", "STRING_FLAGS")

# Asked of Label, because a bare "//:checks" would mean the project that depends on this one.
_SETTINGS = {name: str(Label("//:" + name)) for name in BOOL_FLAGS.keys() + STRING_FLAGS.keys()}

def _flags_transition_impl(settings, attr):
    changed = {label: settings[label] for label in _SETTINGS.values()}
    for name, value in attr.flags.items():
        if name not in _SETTINGS:
            fail("no such flag: %s; tools/flags.bzl lists them" % name)
        changed[_SETTINGS[name]] = value == "True" if name in BOOL_FLAGS else value
    return changed

_flags_transition = transition(
    implementation = _flags_transition_impl,
    inputs = _SETTINGS.values(),
    outputs = _SETTINGS.values(),
)

_ATTRS = {
    "actual": attr.label(cfg = _flags_transition, mandatory = True, doc = "The target to build."),
    "flags": attr.string_dict(doc = "Flag -> value; \"True\" or \"False\" for those that are on or off."),
    "_allowlist_function_transition": attr.label(
        default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
    ),
}

def _library_impl(ctx):
    actual = ctx.attr.actual[0]
    return [actual[DefaultInfo], actual[CcInfo]]

_variant_library = rule(implementation = _library_impl, attrs = _ATTRS)

def _file_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = file, target_file = ctx.files.actual[0])
    return [DefaultInfo(files = depset([file]), runfiles = ctx.runfiles([file]))]

hakmem_variant_file = rule(implementation = _file_impl, attrs = _ATTRS)

def hakmem_variant(name, actual, flags, tags = [], **kwargs):
    """A cc_library that is another one, built with the given flags."""
    _variant_library(name = name + "_variant", actual = actual, flags = flags, tags = tags + ["manual"])

    # Bazel 4 takes nothing but a cc_library for malloc.
    cc_library(name = name, deps = [":" + name + "_variant"], tags = tags, **kwargs)
