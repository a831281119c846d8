"""Targets built with other flags than the rest of the build, without a command line.

    hakmem_variant(name = "hakmem_lean", actual = ":hakmem", flags = {"checks": "fast", "prewarm_tls": "True"})
    hakmem_variant_file(name = "libhakmem_lean.so", actual = ":libhakmem.so", flags = {...the same...})

The first is a library, for deps and for malloc; a program takes one variant only. The second is a file with the
name of the target: a shared library or a program. hakmem_variants declares both for each row of VARIANTS.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load(":flags.bzl", "BOOL_FLAGS", "STRING_FLAGS")

# The variants that every user of hakmem finds beside the library; the presets of .bazelrc have the same names.
VARIANTS = {
    "debug": {"checks": "debug"},
    "fast": {"checks": "fast"},
    "hardened": {"checks": "hardened"},
    "header": {"header_classidx": "True"},
}

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

def hakmem_variant(name, actual, flags, **kwargs):
    """A cc_library that is another one, built with the given flags."""
    _variant_library(name = name + "_variant", actual = actual, flags = flags, tags = ["manual"])

    # Bazel 4 takes nothing but a cc_library for malloc.
    cc_library(name = name, deps = [":" + name + "_variant"], **kwargs)

def hakmem_variants(name, library, shared_library, visibility):
    """Declares LIBRARY_fast and libLIBRARY_fast.so, and the same for every other row of VARIANTS.

    They are built when something asks for them, not by //...

    Args:
      name: a target for all the shared libraries
      library: the cc_library to build, of the calling package
      shared_library: the shared library to build
      visibility: of all of them
    """
    stem = library.lstrip(":")
    for variant, flags in VARIANTS.items():
        hakmem_variant(
            name = stem + "_" + variant,
            actual = library,
            flags = flags,
            tags = ["manual"],
            visibility = visibility,
        )
        hakmem_variant_file(
            name = "lib%s_%s.so" % (stem, variant),
            actual = shared_library,
            flags = flags,
            tags = ["manual"],
            visibility = visibility,
        )
    native.filegroup(
        name = name,
        srcs = ["lib%s_%s.so" % (stem, variant) for variant in VARIANTS],
        tags = ["manual"],
        visibility = visibility,
    )

def _preset_table_impl(ctx):
    defaults = {name: str(flag.default) for name, flag in BOOL_FLAGS.items() + STRING_FLAGS.items()}
    presets = dict({"default": {}}, **VARIANTS)
    lines = []
    for preset, changed in presets.items():
        flags = dict(defaults, **changed)
        pairs = ", ".join(["{\"%s\", \"%s\"}" % (name, value) for name, value in flags.items()])
        lines.append("{\"%s\", {%s}},\n" % (preset, pairs))
    ctx.actions.write(ctx.outputs.out, "".join(lines))

preset_table = rule(
    implementation = _preset_table_impl,
    attrs = {"out": attr.output(mandatory = True)},
    doc = "Rows of C++: the default and each of VARIANTS with the value of every flag.",
)
